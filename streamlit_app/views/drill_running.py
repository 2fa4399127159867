"""The drills that run, with what can be done about them."""

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Drill, DrillState, ScenarioLibrary
from streamlit_app import answers, links, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_banner import REFRESH_S, watch
from streamlit_app.drill_choice import choose_drill
from streamlit_app.drill_words import (
    STATE_BADGE,
    STATE_TEXT,
    names_of,
    part_text,
    passed_text,
    places_text,
    speed_text,
)
from streamlit_app.notices import away_notice, explained
from streamlit_app.request_ids import done, request_id
from streamlit_app.views.drill_edit import edit
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import BANGKOK, NOTHING, both_times, local_time, number, word

_STOPPING: Final = "drill_to_stop"
_PARTS_SHOWN: Final = 4


@st.fragment(run_every=REFRESH_S)
@explained
def running_drills() -> None:
    """Shows the drills that live, renewed all the time."""
    visitor = current_visitor()
    answer = scenario_answers.active_drills(visitor)
    library = scenario_answers.library(visitor).value
    names = names_of(answers.locations(visitor.live).value)
    count = len(answer.value)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Running drills**", width="content")
        st.caption(f"{count} of at most {library.most_drills}", width="content")
    away_notice(answer)
    if not count:
        st.caption("None. The live fleet is alone; a drill plays a scenario on copies of its twins.")
    for drill in answer.value:
        with st.container(border=True, key=f"panel_drill_{drill.drill_id}", gap="small"):
            _drill(visitor, drill, library, names)


def _drill(visitor: Visitor, drill: Drill, library: ScenarioLibrary, names: Mapping[str, str]) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            st.badge(word(STATE_TEXT, drill.state), color=STATE_BADGE.get(int(drill.state), "gray"))
            st.markdown(f"**{plain(drill.title)}** · {plain(places_text(drill.location_ids, names))}", width="content")
        _actions(visitor, drill)
    if drill.state == DrillState.STARTING:
        st.caption("The twins are being copied.")
        return
    _tiles(drill)
    lines = [part_text(part, library, names) for part in drill.parts[:_PARTS_SHOWN]]
    more = len(drill.parts) - len(lines)
    lines += [f"and {more} more"] if more > 0 else []
    st.caption("  \n".join(plain(line) for line in lines))
    if st.session_state.get(_STOPPING) == drill.drill_id:
        _confirm(visitor, drill)


def _tiles(drill: Drill) -> None:
    now = drill.now_time.astimezone(BANGKOK).strftime("%H:%M:%S") if drill.now_time else NOTHING
    pace = "as wanted" if drill.achieved_speed >= 0.9 * drill.speed else "the machine cannot keep up"
    with st.container(horizontal=True, key=f"stats_drill_{drill.drill_id}", gap="small"):
        st.metric("Its time", now, help=both_times(drill.now_time))
        st.metric("Passed", passed_text(drill), help=f"since {local_time(drill.begin_time)}")
        st.metric("Speed", speed_text(drill.speed), help="Its time over real time")
        st.metric("Reached", f"\N{MULTIPLICATION SIGN} {number(drill.achieved_speed, 1)}", help=pace)
        st.metric("Active alerts", f"{drill.active_alert_count:,}")
        st.metric("Batteries", f"{drill.battery_count:,}", help=f"{drill.reading_count:,} readings so far")
        st.metric("Started by", drill.started_by, help=local_time(drill.start_time))


def _actions(visitor: Visitor, drill: Drill) -> None:
    alive = drill.state == DrillState.RUNNING
    key = drill.drill_id
    with st.container(horizontal=True, width="content", gap="small"):
        if st.button("Watch", icon=":material/visibility:", key=f"open_{key}", disabled=not alive, type="primary"):
            watch(drill)
        if st.button("Side by side", icon=":material/compare:", key=f"side_{key}", disabled=not alive):
            choose_drill(drill.drill_id)
            st.switch_page(links.page("side"), query_params=links.address())
        if st.button("Report", icon=":material/lab_profile:", key=f"report_{key}"):
            st.switch_page(links.page("report"), query_params=links.address(report=drill.drill_id))
        if not visitor.may_drill:
            return
        if st.button("Change", icon=":material/tune:", key=f"edit_{key}", disabled=not alive):
            edit(drill)
            st.rerun()
        st.button(
            "Stop", icon=":material/stop_circle:", key=f"stop_{key}", disabled=drill.state == DrillState.STOPPING,
            on_click=_ask, args=(drill.drill_id,),
        )  # fmt: skip


def _ask(drill_id: str) -> None:
    st.session_state[_STOPPING] = drill_id


def _confirm(visitor: Visitor, drill: Drill) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"confirm_{drill.drill_id}"):
        st.markdown(
            "**Stop this drill?** Its twins, readings and alerts are removed; its report stays.", width="content"
        )
        sure = st.button("Stop it", icon=":material/stop_circle:", key=f"sure_{drill.drill_id}", type="primary")
        st.button("Keep it", key=f"keep_{drill.drill_id}", on_click=_ask, args=("",))
    if not sure:
        return
    client = visitor.backend.client
    try:
        with st.spinner("Stopping…"):
            name = request_id("stop drill", drill.drill_id)
            visitor.act(lambda token: client.stop_scenario(drill.drill_id, request_id=name, token=token))
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    done()
    st.session_state.pop(_STOPPING, None)
    scenario_answers.forget(visitor)
    st.toast(f"“{drill.title}” is stopped; its report is kept.", icon=":material/stop_circle:")
    st.rerun()


def titles(drills: Sequence[Drill]) -> dict[str, str]:
    """Titles of drills for a list, by name; two alike are told apart by their name."""
    seen = [drill.title for drill in drills]
    return {d.drill_id: d.title if seen.count(d.title) == 1 else f"{d.title} ({d.drill_id})" for d in drills}
