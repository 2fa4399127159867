"""What a string does now: current, the sum of its blocks against its voltage, and how long it lasts."""

from typing import Final

import numpy as np
import streamlit as st

from batterytwin.telemetry import Quality, Regime
from clients.types import Autonomy, StringTwin
from streamlit_app import links
from streamlit_app.charts.block_columns import Blocks
from streamlit_app.fault_words import MODE_TEXT
from streamlit_app.palette import quality_badge
from streamlit_app.tiles import tile
from streamlit_app.wording import NOTHING, QUALITY_TEXT, age, both_times, duration, local_time, number, word

_STILL_A: Final = 0.1
"""Less than this is within what a string's current sensor can tell, A."""
_SET_POINT_WARNING: Final = 0.01
_SET_POINT_CRITICAL: Final = 0.02


def state_line(string: StringTwin, blocks: Blocks) -> None:
    """Badges: how fresh, what the charger does, how many faults; and the time of the sample."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for quality in (Quality.LIVE, Quality.SUSPECT, Quality.STALE, Quality.NO_DATA):
            count = int(np.sum(blocks.qualities == quality))
            if count:
                st.badge(
                    f"{count} {word(QUALITY_TEXT, quality).lower()}", color=quality_badge(quality),
                    icon=":material/sensors:", help=f"Blocks of {len(blocks.battery_ids)} with this quality of data",
                )  # fmt: skip
        st.badge(f"Charger: {word(MODE_TEXT, string.mode).lower()}", color="gray", icon=":material/bolt:")
        faults = len(string.diagnoses)
        if faults:
            st.badge(f"{faults} fault{'s' if faults > 1 else ''}", color="red", icon=":material/build:")
        st.caption(
            f"Sample of {local_time(string.as_of)}, age {age(string.age_s)}" if string.as_of else "No whole sample yet",
            width="content", help=both_times(string.as_of),
        )  # fmt: skip


def freshness_notice(string: StringTwin, blocks: Blocks) -> None:
    """Says in words what is missing, if anything is."""
    fresh, count = int(blocks.fresh.sum()), len(blocks.battery_ids)
    if not np.isfinite(blocks.soc).any() and not fresh:
        st.info("No block of this string has been measured yet.", icon=":material/sensors_off:")
    elif fresh == 0:
        st.warning(
            "No block has sent a fresh sample: these are the last known values, not those of now.",
            icon=":material/sensors_off:",
        )
    elif fresh < count:
        st.info(
            f"{count - fresh} of {count} blocks send no fresh sample; their last known values are grey.",
            icon=":material/sensors_off:",
        )
    elif string.as_of is None:
        st.info(
            "The blocks have not been measured at one and the same time yet, so they cannot be compared.",
            icon=":material/schedule:",
        )


def electric_tiles(string: StringTwin) -> None:
    """Tiles: current, string voltage, sum of the blocks, their difference, and the charger's set point."""
    tile(
        "Current", number(string.current_a, 2, "A"), _direction(string),
        help_text="One current flows through all blocks. Above zero charges.",
    )  # fmt: skip
    tile(
        "String voltage", number(string.voltage_v, 2, "V"), "" if string.voltage_v is not None else "not measured",
        help_text="Measured over the whole string",
    )  # fmt: skip
    tile(
        "Sum of blocks", number(string.block_sum_v, 2, "V"),
        "" if string.block_sum_v is not None else "a block is missing",
        help_text="The blocks' own voltages added up. It must equal the string's voltage.",
    )  # fmt: skip
    tile(
        "Difference", number(string.sum_residual_v, 2, "V", sign=True), _share(string.sum_residual_v, string.voltage_v),
        help_text="String voltage minus the sum of its blocks. If it stands, a voltage sensor is off or a connection "
        "drops voltage.",
    )  # fmt: skip
    tile(
        "Set point", number(string.set_point_v, 1, "V"), _off_set_point(string),
        help_text="What the charger should hold on float at this temperature. 1 % off is a warning, 2 % is critical.",
    )  # fmt: skip


def autonomy_words(autonomy: Autonomy | None) -> None:
    """How long the string lasts, how sure that is, and which block ends it."""
    if autonomy is None:
        st.metric("Lasts", NOTHING)
        st.caption("The charge of a block is not known, so no time can be told.")
        return
    load = "at the present load of" if autonomy.present_load else "if it has to carry"
    tile(
        f"Lasts {load} {number(autonomy.load_w / 1_000, 1, 'kW')}",
        duration(autonomy.expected_s),
        f"{duration(autonomy.lower_s)} to {duration(autonomy.upper_s)}",
        help_text="Until the first block reaches its end voltage. The true time lies above the lower and below the "
        "upper figure with 95 % probability each.",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Ended by", width="content")
        links.battery_link(autonomy.limiting_battery_id, autonomy.limiting_battery_id, ":material/battery_low:")


def _direction(string: StringTwin) -> str:
    if string.current_a is None:
        return "not known"
    if abs(string.current_a) < _STILL_A:
        return "float" if on_float(string) else "almost none"
    return "charging" if string.current_a > 0 else "discharging"


def _share(residual_v: float | None, voltage_v: float | None) -> str:
    return f"{number(100 * residual_v / voltage_v, 2, '%', sign=True)} of it" if residual_v and voltage_v else ""


def _off_set_point(string: StringTwin) -> str:
    """Words for the distance from the set point; it says something on float alone."""
    voltage = string.voltage_v if string.voltage_v is not None else string.block_sum_v
    if voltage is None or not string.set_point_v or not on_float(string):
        return ""
    off = voltage / string.set_point_v - 1.0
    rank = ": critical" if abs(off) > _SET_POINT_CRITICAL else ": warning" if abs(off) > _SET_POINT_WARNING else ""
    return f"{number(100 * off, 2, '%', sign=True)} held{rank}"


def on_float(string: StringTwin) -> bool:
    """True when most blocks float."""
    floating = sum(block.twin.regime is Regime.FLOAT for block in string.blocks)
    return 2 * floating > len(string.blocks)
