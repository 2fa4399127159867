"""How a block stands among its neighbours in the string."""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from clients.types import StringTwin
from streamlit_app import links
from streamlit_app.diagnosis_list import diagnosis_list
from streamlit_app.string_columns import blocks_of
from streamlit_app.string_state import autonomy_words
from streamlit_app.wording import NOTHING, number, short_name


def in_its_string(string: StringTwin, battery_id: str) -> None:
    """Shows deviations from the median, rank, the faults that name the block, and the autonomy of the string."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Among the {len(string.blocks)} blocks of its string**", width="content")
        links.string_link(string.string_id, f"{short_name(string.string_id)} side by side", ":material/view_week:")
    named = [diagnosis for diagnosis in string.diagnoses if battery_id in diagnosis.battery_ids]
    if named:
        diagnosis_list(named, link_blocks=False)
    others = len(string.diagnoses) - len(named)
    if others:
        st.caption(f"{others} other fault{'s stand' if others > 1 else ' stands'} in the string.")
    st.table(standing_table(string, battery_id), border="horizontal", hide_index=True)
    st.markdown("**Autonomy of the string**")
    autonomy_words(string.autonomy)


def standing_table(string: StringTwin, battery_id: str) -> pd.DataFrame:
    """Rows of quantities: distance from the string's median, and rank."""
    blocks = blocks_of(string)
    place = list(blocks.battery_ids).index(battery_id)
    rows = (
        ("Voltage", 1_000 * blocks.voltage_deviation_v, 0, "mV"),
        ("Temperature", blocks.temperature_deviation_k, 1, "K"),
        ("Resistance", 100 * (blocks.resistance_ratio - 1.0), 1, "%"),
        ("State of charge", 100 * _from_median(blocks.soc), 1, "%"),
        ("State of health", 100 * _from_median(blocks.soh_capacity), 1, "%"),
    )
    return pd.DataFrame(
        {
            "Quantity": [label for label, *_ in rows],
            "From median": [
                number(_zeroed(float(values[place]), decimals), decimals, unit, sign=True)
                for _, values, decimals, unit in rows
            ],
            "Rank": [rank_words(np.round(values, decimals), place) for _, values, decimals, _ in rows],
        }
    )


def rank_words(values: NDArray[np.float64], place: int) -> str:
    """The rank of one value among all that are known: "highest of 24", "3rd lowest of 24", "in the middle of 24".

    Values that are equal share the better rank, so a quantity that all blocks share puts all of them in the middle.
    """
    if not np.isfinite(values[place]):
        return NOTHING
    known = values[np.isfinite(values)]
    above, below = int(np.sum(known > values[place])), int(np.sum(known < values[place]))
    count = len(known)
    if above == below or min(above, below) >= count // 4:
        return f"in the middle of {count}"
    from_end, end = (above, "highest") if above < below else (below, "lowest")
    return f"{'' if from_end == 0 else _ordinal(from_end + 1) + ' '}{end} of {count}"


def _ordinal(rank: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank if rank < 20 else rank % 10, "th")
    return f"{rank}{ending}"


def _from_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values - np.nanmedian(values) if np.isfinite(values).any() else values


def _zeroed(value: float, decimals: int) -> float:
    return round(value, decimals) + 0.0 if np.isfinite(value) else value  # never "-0"
