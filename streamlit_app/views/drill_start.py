"""The form that starts a drill."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Drill, Location, ScenarioPart
from streamlit_app import answers, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_banner import watch
from streamlit_app.drill_words import speed_text
from streamlit_app.planned_parts import clear_plan
from streamlit_app.request_ids import done, request_id
from streamlit_app.scenario_composer import compose
from streamlit_app.twin_time import now
from streamlit_app.visitor import Visitor
from streamlit_app.wording import BANGKOK

SPACE: Final = "drill"
SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 3_600.0)
_NOW, _PAST = "Now", "A past instant"
_SITES, _STRINGS, _ALL = "The sites concerned", "The strings concerned alone", "The whole fleet"
_LONGEST_H: Final = 24.0 * 366
_STARTED: Final = "drill_started"
_ROUND: Final = "drill_round"


@dataclass(frozen=True, slots=True)
class _Wish:
    """How the drill is to be played."""

    title: str
    names: tuple[str, ...]
    at_time: datetime | None
    speed: float
    duration_h: float | None
    seed: int


def drill_start(visitor: Visitor) -> None:
    """Shows the form; for engineers and administrators."""
    st.markdown("**Start a drill**")
    _news(visitor)
    locations = answers.locations(visitor.live).value
    parts = compose(
        visitor, SPACE, locations, with_start=True,
        nothing="Nothing yet. Add one or more scenarios from the library; several are played together.",
    )  # fmt: skip
    st.markdown("**How it is played**")
    wish = _wish(locations, parts or ())
    started = st.button(
        "Start the drill", type="primary", icon=":material/play_arrow:", key="start_drill", disabled=not parts
    )
    if started and parts:
        _start(visitor, parts, wish)


def _news(visitor: Visitor) -> None:
    drill: Drill | None = st.session_state.get(_STARTED)
    if drill is None or drill.drill_id not in {d.drill_id for d in scenario_answers.active_drills(visitor).value}:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="drill_started_news"):
        st.success(f"“{plain(drill.title)}” runs.", icon=":material/check_circle:")
        if st.button("Watch it", icon=":material/visibility:", key="watch_started", type="primary"):
            st.session_state.pop(_STARTED, None)
            watch(drill)


def _wish(locations: Sequence[Location], parts: Sequence[ScenarioPart]) -> _Wish:
    first, second, third, fourth = st.columns(4)
    with first:
        key = f"drill_title_{st.session_state.get(_ROUND, 0)}"
        title = st.text_input("Title", key=key, max_chars=120, placeholder="As its scenarios")
        speed = speed_field(SPACE, 60.0)
    with second:
        when = st.segmented_control("Twins as they are", (_NOW, _PAST), default=_NOW, required=True, key="drill_when")
        at_time = _instant() if when == _PAST else None
    with third:
        hours = st.number_input(
            "Ends after, h of its time", min_value=0.1, max_value=_LONGEST_H, value=None, step=1.0, format="%g",
            key="drill_hours", placeholder="when it is stopped",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", min_value=0, max_value=2**31, value=1, step=1, key="drill_seed",
            help="Draws what the twins do not know. The same seed gives the same drill.",
        )  # fmt: skip
    with fourth:
        copied = st.selectbox(
            "Copied", (_SITES, _STRINGS, _ALL), key="drill_copied", help="Fewer batteries can be played faster."
        )
    return _Wish(title.strip(), _names(str(copied), locations, parts), at_time, speed, hours, int(seed))


def _names(copied: str, locations: Sequence[Location], parts: Sequence[ScenarioPart]) -> tuple[str, ...]:
    """What is to be copied; empty = the sites of all targets."""
    if copied == _ALL:
        return tuple(location.location_id for location in locations)
    if copied == _STRINGS:
        return tuple(dict.fromkeys(target for part in parts for target in part.targets))
    return ()


def speed_field(space: str, usual: float, width: int | Literal["stretch"] = "stretch") -> float:
    """A choice of pace."""
    speeds = sorted({*SPEEDS, usual})
    chosen = st.select_slider(
        "Speed", speeds, value=usual, key=f"speed_{space}", format_func=speed_text, width=width,
        help="Its time over real time. At \N{MULTIPLICATION SIGN} 60 a minute of yours is an hour of the drill.",
    )  # fmt: skip
    return float(chosen)


def _instant() -> datetime:
    # The default must not move while somebody types.
    present = now().astimezone(BANGKOK).replace(second=0, microsecond=0, tzinfo=None)
    default: datetime = st.session_state.setdefault("drill_instant_default", present - timedelta(days=1))
    typed = st.datetime_input(
        "Instant, Bangkok time", value=default, step=300, format="YYYY-MM-DD", key="drill_instant"
    )
    return (typed or default).replace(tzinfo=BANGKOK)


def _start(visitor: Visitor, parts: Sequence[ScenarioPart], wish: _Wish) -> None:
    client = visitor.backend.client
    name = request_id("start drill", [parts, wish])
    try:
        with st.spinner("Copying the twins…"):
            drill = visitor.act(
                lambda token: client.start_scenario(
                    parts, names=wish.names, at_time=wish.at_time, speed=wish.speed, seed=wish.seed, title=wish.title,
                    duration_h=wish.duration_h, request_id=name, token=token,
                    deadline_s=scenario_answers.START_DEADLINE_S,
                )
            )  # fmt: skip
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    done()
    clear_plan(SPACE)
    scenario_answers.forget(visitor)
    st.session_state[_STARTED] = drill
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # the next one begins with an empty title
    st.toast(f"“{drill.title}” runs.", icon=":material/play_arrow:")
    st.rerun()
