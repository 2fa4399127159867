"""What tells the simulated from the real: the amber banner of a drill, and the note that drills run."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from batterytwin.errors import NotFoundError, TwinError
from clients.types import Drill, DrillState, Location
from streamlit_app import answers, links, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_choice import choose_drill, ended_drill, keep_in_address, leave_drill
from streamlit_app.drill_words import ended_text, names_of, pace_text, passed_text, places_text
from streamlit_app.scoped_cache import AWAY
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import BANGKOK, both_times

REFRESH_S: Final = 1.5
"""Everybody who watches a drill sees a change of it within two seconds."""

SIMULATED: Final = frozenset({"fleet", "site", "string", "battery", "alerts", "side"})
"""Pages that show the world that is chosen."""
REAL: Final = frozenset({"life", "plan", "models", "account"})
"""Pages that know the live fleet alone."""
_WITHOUT_SUBJECT: Final = frozenset({"fleet", "alerts", "what_if"})
"""Pages whose address names nothing else, so that nobody else writes it."""


def world_bar(page_name: str) -> None:
    """Says above a page which world it shows. It leads back to the live fleet when a drill has ended."""
    visitor = current_visitor()
    ended = ended_drill()
    if ended:
        _tell_end(visitor, ended)
    if not visitor.drill_id:
        if page_name in SIMULATED:
            _note()
        return
    if page_name in REAL:
        _real_page_notice()
        return
    if page_name in _WITHOUT_SUBJECT:
        keep_in_address(visitor.drill_id)
    _banner()


@st.fragment(run_every=REFRESH_S)
def _banner() -> None:
    visitor = current_visitor()
    if not visitor.drill_id:  # it was left meanwhile
        return
    drill = _living(visitor)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small", key="drill_banner"
    ):
        with st.container(gap=None, width="content", key="drill_banner_words"):
            _words(visitor, drill)
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            links.page_link("side", "Side by side", ":material/compare:", **_subject())
            links.page_link("report", "Report", ":material/lab_profile:", report=visitor.drill_id)
            if st.button("Back to live", icon=":material/logout:", key="drill_leave"):
                leave_drill()


def _subject() -> dict[str, str]:
    """What the page shows, as the page that compares it has it in its address."""
    shown = ((kind, st.query_params.get(kind, "")) for kind in ("battery", "string"))
    return next(({"kind": kind, "name": name} for kind, name in shown if name), {})


def _words(visitor: Visitor, drill: Drill | None) -> None:
    if drill is None:
        st.markdown(f"**SIMULATION MODE** · {visitor.drill_id}")
        st.markdown("The server does not answer.")
        return
    place = places_text(drill.location_ids, names_of(_known_locations(visitor)))
    st.markdown(f"**SIMULATION MODE \N{EN DASH} {plain(place)}**")
    if drill.now_time is None:
        st.markdown(f"{plain(drill.title)} · the twins are being copied")
        return
    when = drill.now_time.astimezone(BANGKOK).strftime("%d %b %Y, %H:%M:%S")
    alerts = drill.active_alert_count
    st.markdown(
        f"{plain(drill.title)} · **{when}** in the drill, {passed_text(drill)} after its begin · {pace_text(drill)} · "
        f"{alerts} alert{'' if alerts == 1 else 's'}",
        help=both_times(drill.now_time),
    )


def _known_locations(visitor: Visitor) -> Sequence[Location]:
    try:
        return answers.locations(visitor.live).value
    except TwinError:
        return ()


def _living(visitor: Visitor) -> Drill | None:
    """The drill that is shown; None = the server does not answer. Leads back to the live fleet if there is none."""
    try:
        return scenario_answers.drill(visitor, visitor.drill_id)
    except AWAY:
        return None
    except NotFoundError:
        leave_drill(ended=True)


def _tell_end(visitor: Visitor, drill_id: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="drill_end"):
        try:
            drill = scenario_answers.report(visitor, drill_id).value.drill
        except TwinError:
            st.info(f"There is no drill {drill_id}. You see the live fleet.", icon=":material/logout:")
            return
        st.info(f"{plain(ended_text(drill))} You see the live fleet.", icon=":material/logout:")
        links.page_link("report", "Its report", ":material/lab_profile:", report=drill_id)


def _real_page_notice() -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small", key="drill_pause"
    ):
        st.markdown(
            ":material/verified: This page is about the **live fleet**. The drill that you watch goes on beside it.",
            width="content",
        )
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            links.page_link("fleet", "Back to the drill", ":material/undo:")
            if st.button("Leave the drill", key="drill_leave_here", type="tertiary"):
                leave_drill()


@st.fragment(run_every=5)
def _note() -> None:
    """A small word on live pages while drills run."""
    visitor = current_visitor()
    try:
        active = scenario_answers.active_drills(visitor, watched=False).value
    except TwinError:
        return  # what is real does not wait for it
    running = [drill for drill in active if drill.state == DrillState.RUNNING]
    if not running:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="drill_note"):
        count = "A drill runs" if len(running) == 1 else f"{len(running)} drills run"
        st.markdown(
            f":material/theater_comedy: {count} beside the live fleet; what you see here is real.", width="content"
        )
        for drill in running:
            if st.button(f"Watch {drill.title}", key=f"watch_{drill.drill_id}", type="tertiary"):
                watch(drill)


def watch(drill: Drill) -> None:
    """Opens a drill where it is of most interest: at its site if it holds one alone, else at the fleet."""
    choose_drill(drill.drill_id)
    alone = {"site": drill.location_ids[0]} if len(drill.location_ids) == 1 else {}
    name = "site" if alone else "fleet"
    st.switch_page(links.page(name), query_params=links.address(**alone))
