"""The form that asks for a projection."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from batterytwin.errors import TwinError
from clients.types import Location, ProjectionRequest, ScenarioPart
from streamlit_app import answers, projection_answers, scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_words import names_of, title_of
from streamlit_app.planned_parts import clear_plan
from streamlit_app.request_ids import done, request_id
from streamlit_app.scenario_composer import compose
from streamlit_app.visitor import Visitor

SPACE: Final = "projection"
_DEADLINE_S: Final = 20.0


def projection_ask(visitor: Visitor) -> None:
    """Shows the form; for engineers and administrators."""
    st.markdown("**Ask for a projection**")
    locations = answers.locations(visitor.live).value
    parts = compose(
        visitor, SPACE, locations, with_start=False,
        nothing="Nothing: the fleet as it is. Add a scenario to see what it changes; the fleet as it is comes with it.",
    )  # fmt: skip
    st.markdown("**How far, and what is asked**")
    request = _request(visitor, locations, parts or ())
    if st.button(
        "Project", type="primary", icon=":material/play_arrow:", key="start_projection", disabled=parts is None
    ):
        _ask(visitor, request)


def _request(visitor: Visitor, locations: Sequence[Location], parts: Sequence[ScenarioPart]) -> ProjectionRequest:
    names = names_of(locations)
    first, second, third, fourth = st.columns(4)
    with first:
        title = st.text_input("Title", key="projection_title", max_chars=120, placeholder=_usual_title(visitor, parts))
        sites = st.multiselect(
            "Sites", list(names), key="projection_sites", format_func=lambda name: names[name], placeholder="All"
        )
    with second:
        years = st.number_input(
            "Years", min_value=0.5, max_value=30.0, value=10.0, step=0.5, format="%g", key="projection_years"
        )
        members = st.number_input(
            "Members", min_value=2, max_value=1_000, value=100, step=10, key="projection_members",
            help="Size of the ensemble: more members make smoother fans and take longer.",
        )  # fmt: skip
    with third:
        minutes = st.number_input(
            "To be carried, min", min_value=1.0, max_value=1_440.0, value=30.0, step=5.0, format="%g",
            key="projection_minutes", help="How long a system must carry its load",
        )  # fmt: skip
        load = st.number_input(
            "Load, of the one-hour load", min_value=0.05, max_value=5.0, value=1.0, step=0.05, format="%g",
            key="projection_load", help="1 = the load that empties a new system in an hour",
        )  # fmt: skip
    with fourth:
        seed = st.number_input(
            "Seed", min_value=0, max_value=2**31, value=1, step=1, key="projection_seed",
            help="Keep it the same for everything that is to be compared.",
        )  # fmt: skip
        warmth = st.toggle(
            "What warmer rooms cost", key="projection_warmth", help="Also projects rooms 1 to 5 K warmer; takes longer."
        )
    return ProjectionRequest(
        title=title.strip() or _usual_title(visitor, parts), parts=tuple(parts), names=tuple(sites), years=float(years),
        members=int(members), seed=int(seed), carry_min=float(minutes), load=float(load), warmth=warmth,
    )  # fmt: skip


def _usual_title(visitor: Visitor, parts: Sequence[ScenarioPart]) -> str:
    library = scenario_answers.library(visitor).value
    return ", ".join(title_of(part, library) for part in parts)[:120] or "The fleet as it is"


def _ask(visitor: Visitor, request: ProjectionRequest) -> None:
    client = visitor.backend.client
    name = request_id("project", request)
    try:
        visitor.act(
            lambda token: client.project_scenario(request, request_id=name, token=token, deadline_s=_DEADLINE_S)
        )
    except TwinError as error:
        st.error(plain(error.message), icon=":material/error:")
        return
    done()
    clear_plan(SPACE)
    projection_answers.forget(visitor)
    st.toast(f"“{request.title}” is being computed.", icon=":material/play_arrow:")
    st.rerun()
