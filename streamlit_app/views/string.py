"""String page: blocks in series side by side, what their sum says, what is wrong, and how long they last."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import streamlit as st

from clients.types import BatteryString, Location, StringTwin
from streamlit_app import answers, links
from streamlit_app.charts.block_columns import Blocks
from streamlit_app.charts.block_strips import block_strips
from streamlit_app.diagnosis_list import diagnosis_list
from streamlit_app.html_parts import colour_key
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.palette import GREY, RED
from streamlit_app.refreshing import refreshing
from streamlit_app.string_columns import blocks_of
from streamlit_app.string_state import autonomy_words, electric_tiles, freshness_notice, state_line
from streamlit_app.string_table import COLUMN_CONFIG, string_table
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import NOTHING, short_name

REFRESH_S: Final = 5
_SHOWN: Final = "string_shown"
LEAST_LOAD_KW: Final = 0.1
LARGEST_LOAD_KW: Final = 1_000.0


def show() -> None:
    """Draws the page."""
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    string_id = _wanted_string(visitor)
    if not string_id:
        st.info("Choose a string on the page of its site.", icon=":material/view_week:")
        links.page_link("site", "To the sites", ":material/grid_view:")
        return
    site, string = answers.location_of_string(visitor, string_id)
    st.session_state[_SHOWN] = string_id
    links.stand_at(string=string_id)
    _heading(site, string)
    _live(string_id)


def _wanted_string(visitor: Visitor) -> str | None:
    # On its way to a battery, a browser leaves this page's path with the battery's name in its history.
    battery_id = st.query_params.get("battery")
    if battery_id:
        return answers.location_of_battery(visitor, battery_id)[1]
    wanted = st.query_params.get("string") or st.session_state.get(_SHOWN)
    return str(wanted) if wanted else None


def _heading(site: Location, string: BatteryString) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            links.site_link(site.location_id, site.display_name, ":material/arrow_back:")
            st.markdown(f"#### {string.string_id}", width="content")
            st.caption(f"{len(string.battery_ids)} blocks {string.model}", width="content")
        with st.container(horizontal=True, width="content", gap="small", key="neighbours"):
            _neighbours([other.string_id for other in site.strings()], string.string_id)


def _neighbours(string_ids: Sequence[str], string_id: str) -> None:
    place = string_ids.index(string_id)
    if place > 0:
        links.string_link(string_ids[place - 1], short_name(string_ids[place - 1]), ":material/chevron_left:")
    if place + 1 < len(string_ids):
        links.string_link(string_ids[place + 1], short_name(string_ids[place + 1]), ":material/chevron_right:")


@refreshing(REFRESH_S)
@explained
def _live(string_id: str) -> None:
    answer = answers.string(current_visitor(), string_id)
    string = answer.value
    blocks = blocks_of(string, away=away_notice(answer))
    state_line(string, blocks)
    freshness_notice(string, blocks)
    # Values that are not fresh stay readable but must not look like facts of this moment.
    tone = "live" if blocks.fresh.all() else "dim"
    left, right = st.columns((3, 2))
    with left, st.container(border=True, height="stretch", key=f"panel_{tone}_electric"):
        st.markdown("**One current, one sum**")
        with st.container(horizontal=True, key=f"stats_{tone}_electric"):
            electric_tiles(string)
    with right, st.container(border=True, height="stretch", key=f"panel_{tone}_autonomy"):
        _autonomy(string)
    with st.container(border=True, key="panel_faults"):
        _faults(string, blocks)
    with st.container(border=True, key="panel_blocks"):
        _figure(string, blocks)
    _table(string, blocks)


def _autonomy(string: StringTwin) -> None:
    st.markdown("**Autonomy**")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        slot = st.container(width="content")
        load_kw = st.number_input(
            "Another load, kW", min_value=LEAST_LOAD_KW, max_value=LARGEST_LOAD_KW, value=None, step=1.0,
            format="%.1f", placeholder="as assumed", key=f"load_{string.string_id}", width=150,
        )  # fmt: skip
    with slot:
        if load_kw is None:
            autonomy_words(string.autonomy)
        else:
            autonomy_words(answers.string(current_visitor(), string.string_id, load_kw * 1_000).value.autonomy)


def _faults(string: StringTwin, blocks: Blocks) -> None:
    st.markdown("**Diagnosed faults**")
    if string.diagnoses:
        diagnosis_list(string.diagnoses)
    elif blocks.fresh.all() and string.as_of:
        st.success("No fault is diagnosed.", icon=":material/check_circle:")
    else:
        st.caption("None. But not all blocks have fresh samples, so a fault may be hidden.")


def _figure(string: StringTwin, blocks: Blocks) -> None:
    st.markdown(f"**{len(blocks.battery_ids)} blocks side by side**")
    if not np.isfinite(blocks.soc).any():
        st.caption("The figure appears with the first sample.")
        return
    key = f"blocks_{string.string_id}"
    clicked = live_chart(
        block_strips(blocks, uirevision=key), key=key, clickable=True,
        label=f"Voltage, temperature, resistance, charge and health of the blocks of {string.string_id}",
    )  # fmt: skip
    colour_key(
        (
            ("Fault", RED, "■"),
            ("Alert", "transparent", "◆"),
            ("Suspect", "transparent", "▲"),
            ("Stale", GREY, "●"),
            ("No data", GREY, "✖"),
        )
    )
    st.caption(
        "Deviations are from the median of the string, on float with the temperature's share taken out. Whiskers are "
        "one standard deviation. Click a block to open it."
    )
    if clicked:
        links.open_battery(clicked)


def _table(string: StringTwin, blocks: Blocks) -> None:
    event = st.dataframe(
        string_table(string, blocks), key=f"blocks_table_{string.string_id}", column_config=COLUMN_CONFIG,
        hide_index=True, height="content", on_select="rerun", selection_mode="single-row", placeholder=NOTHING,
    )  # fmt: skip
    for row in event["selection"]["rows"]:
        links.open_battery(blocks.battery_ids[row])
