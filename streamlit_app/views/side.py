"""Side by side: the same battery or string in the live fleet and in a drill."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from clients.types import Drill, Estimate, Location, Metric, StringTwin
from streamlit_app import answers, links, scenario_answers
from streamlit_app.charts.history_panels import PANELS, Panel, Past
from streamlit_app.charts.side_by_side import BLOCK_QUANTITIES, BlockQuantity, pair_by_block, pair_over_time
from streamlit_app.drill_choice import choose_drill
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.twin_time import present_of
from streamlit_app.views.battery_past import series_of
from streamlit_app.views.drill_running import titles
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.what_if_tabs import what_if_tabs
from streamlit_app.wording import number

REFRESH_S: Final = 2.0
_BATTERY, _STRING = "Battery", "String"
_SPANS: Final = {"All": None, "15 min": timedelta(minutes=15), "1 h": timedelta(hours=1), "6 h": timedelta(hours=6)}
_LEAD_SHARE: Final = 0.15
_LEAST_LEAD: Final = timedelta(minutes=10)
_USUAL_PANELS: Final = ("voltage_v", "current_a", "temperature_c", "soc")
_USUAL_QUANTITIES: Final = ("voltage_v", "temperature_c", "soc")


def show() -> None:
    """Draws the page."""
    what_if_tabs()
    _page()


@explained_page
def _page() -> None:
    visitor = current_visitor()
    if not visitor.drill_id:
        _choose(visitor)
        return
    drill = scenario_answers.drill(visitor, visitor.drill_id)
    kind, name = _subject(drill, answers.locations(visitor).value)
    if name is None:
        st.info("The drill holds no battery yet.", icon=":material/hourglass_empty:")
        return
    links.stand_at(kind=kind.lower(), name=name)
    with st.container(border=True, key="panel_side"):
        if kind == _BATTERY:
            _over_time(name)
        else:
            _by_block(name)


def _choose(visitor: Visitor) -> None:
    drills = scenario_answers.active_drills(visitor).value
    if not drills:
        st.info("No drill runs. Start one, then look at it beside the live fleet.", icon=":material/compare:")
        links.page_link("what_if", "To the drills", ":material/theater_comedy:")
        return
    names = titles(drills)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Drill", list(names), format_func=lambda key: names[key], key="side_choice", width=360
        )  # fmt: skip
        if st.button("Compare", type="primary", icon=":material/compare:", key="side_go"):
            choose_drill(str(chosen))
            st.rerun()


def _subject(drill: Drill, locations: Sequence[Location]) -> tuple[str, str | None]:
    """What is compared: first what the drill is aimed at."""
    strings = {string.string_id: string.battery_ids for site in locations for string in site.strings()}
    if not strings:
        return _BATTERY, None
    wanted_kind = st.query_params.get("kind", "").capitalize()
    wanted = st.query_params.get("name", "") or next((t for part in drill.parts for t in part.targets), "")
    first_string = next((name for name in strings if wanted == name or wanted in strings[name]), None)
    if first_string is None:  # a site is wanted, or nothing
        site = next((site for site in locations if site.location_id == wanted), locations[0])
        first_string = next((string.string_id for string in site.strings()), next(iter(strings)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Compare", (_BATTERY, _STRING), default=_STRING if wanted_kind == _STRING else _BATTERY, required=True,
            key="side_kind",
        )  # fmt: skip
        string_id = st.selectbox(
            "String", list(strings), index=list(strings).index(first_string), key="side_string", width=190
        )
        if kind == _STRING or string_id is None:
            return _STRING, string_id
        members = list(strings[string_id])
        battery_id = st.selectbox(
            "Battery", members, index=members.index(wanted) if wanted in members else 0,
            key=f"side_battery_{string_id}", width=150, format_func=lambda name: name.rsplit("-", 1)[-1],
        )  # fmt: skip
    return _BATTERY, battery_id


@st.fragment(run_every=REFRESH_S)
@explained
def _over_time(battery_id: str) -> None:
    visitor = current_visitor()
    if not visitor.drill_id:
        return
    drill = scenario_answers.drill(visitor, visitor.drill_id)
    if drill.begin_time is None or drill.now_time is None:
        st.info("The twins are being copied.", icon=":material/hourglass_empty:")
        return
    panels, span = _time_controls()
    if not panels:
        st.info("Choose a quantity.", icon=":material/checklist:")
        return
    end = drill.now_time + timedelta(seconds=1)
    lead = max(_LEAST_LEAD, _LEAD_SHARE * (end - drill.begin_time))
    start = _round_down(drill.begin_time - lead if span is None else end - span)
    metrics = tuple(Metric[name.upper()] for panel in panels for name in panel.series)
    in_drill = answers.history_between(visitor, battery_id, start, end, metrics)
    live_end = min(end, present_of(answers.twin(visitor.live, battery_id).value) + timedelta(seconds=1))
    away_notice(in_drill)
    live = (
        series_of(answers.history_between(visitor.live, battery_id, start, live_end, metrics).value)
        if live_end > start
        else _nothing(panels)
    )
    copy = series_of(in_drill.value)
    live_chart(
        pair_over_time(
            live, copy, panels, start=start, end=end, begin=drill.begin_time, uirevision=f"{battery_id}{span}"
        ),
        key=f"side_{drill.drill_id}_{battery_id}", tools=True,
        label=f"{', '.join(panel.label for panel in panels)} of {battery_id}, live and in the drill",
    )  # fmt: skip
    st.caption(
        "Bangkok time, each by its own clock; the dotted line is where the twins were copied. Both sides have the same "
        "axes: zoom one and the other follows."
    )
    st.table(last_values(live, copy, panels), border="horizontal", hide_index=True)


def _time_controls() -> tuple[list[Panel], timedelta | None]:
    by_key = {panel.key: panel for panel in PANELS}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        chosen = st.pills(
            "Quantities", list(by_key), selection_mode="multi", default=list(_USUAL_PANELS), key="side_panels",
            format_func=lambda key: by_key[key].label, label_visibility="collapsed",
        )  # fmt: skip
        span = st.segmented_control(
            "Span", list(_SPANS), default="All", required=True, key="side_span", label_visibility="collapsed"
        )
    return [panel for panel in PANELS if panel.key in chosen], _SPANS[span or "All"]


def last_values(live: Past, drill: Past, panels: Sequence[Panel]) -> pd.DataFrame:
    """The newest known value of each quantity on both sides, and how far they are apart."""

    def last(past: Past, panel: Panel) -> float:
        values = past.series[panel.key].astype(np.float64)
        known = values[np.isfinite(values)]
        return float(known[-1]) * panel.factor if known.size else float("nan")

    pairs = [(panel, last(live, panel), last(drill, panel)) for panel in panels]
    return pd.DataFrame(
        {
            "Newest value": [panel.label for panel, _, _ in pairs],
            "Live": [number(here, panel.decimals, panel.unit) for panel, here, _ in pairs],
            "Simulation": [number(there, panel.decimals, panel.unit) for panel, _, there in pairs],
            "Difference": [number(there - here, panel.decimals, panel.unit, sign=True) for panel, here, there in pairs],
        }
    )


@st.fragment(run_every=REFRESH_S)
@explained
def _by_block(string_id: str) -> None:
    visitor = current_visitor()
    if not visitor.drill_id:
        return
    by_key = {quantity.key: quantity for quantity in BLOCK_QUANTITIES}
    chosen = st.pills(
        "Quantities", list(by_key), selection_mode="multi", default=list(_USUAL_QUANTITIES), key="side_quantities",
        format_func=lambda key: by_key[key].label, label_visibility="collapsed",
    )  # fmt: skip
    quantities = [quantity for quantity in BLOCK_QUANTITIES if quantity.key in chosen]
    if not quantities:
        st.info("Choose a quantity.", icon=":material/checklist:")
        return
    live, copy = answers.string(visitor.live, string_id), answers.string(visitor, string_id)
    away_notice(live, copy)
    names = [block.twin.battery_id for block in live.value.blocks]
    live_chart(
        pair_by_block(columns(live.value, quantities), columns(copy.value, quantities), quantities, names),
        key=f"side_{visitor.drill_id}_{string_id}",
        label=f"{', '.join(q.label for q in quantities)} of the blocks of {string_id}, live and in the drill",
    )
    st.caption("Newest values of all blocks; both sides have the same axes.")


def columns(string: StringTwin, quantities: Sequence[BlockQuantity]) -> dict[str, NDArray[np.float64]]:
    """Columns of the blocks by name; NaN = unknown."""

    def value(found: float | Estimate | None) -> float:
        if found is None:
            return float("nan")
        return found.value if isinstance(found, Estimate) else float(found)

    return {q.key: np.array([value(getattr(block.twin, q.key)) for block in string.blocks]) for q in quantities}


def _round_down(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _nothing(panels: Sequence[Panel]) -> Past:
    empty = np.zeros(0)
    return Past(
        np.zeros(0, np.int64), {name: empty for panel in panels for name in panel.series}, np.zeros(0, np.bool_)
    )
