"""Where people put together what is to happen: the library to choose from on the left, the plan on the right."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from clients.types import Location, Scenario, ScenarioPart
from streamlit_app import scenario_answers
from streamlit_app.alert_list import plain
from streamlit_app.drill_words import LEVEL_TEXT
from streamlit_app.own_scenario import own_scenario
from streamlit_app.planned_parts import MOST_PARTS, add_part, planned
from streamlit_app.scenario_form import part_fields
from streamlit_app.shorter_lists import cover_rest
from streamlit_app.visitor import Visitor
from streamlit_app.wording import word

_LIBRARY_PX: Final = 430


def compose(
    visitor: Visitor, space: str, locations: Sequence[Location], *, with_start: bool, nothing: str
) -> Sequence[ScenarioPart] | None:
    """Shows library and plan.

    Args:
        visitor: who composes.
        space: name of the plan.
        locations: what can be aimed at.
        with_start: ask of every part when it begins.
        nothing: what an empty plan means.

    Returns:
        The parts; None = one of them misses something.
    """
    left, right = st.columns((2, 3), gap="medium")
    with left:
        tab_library, tab_own = st.tabs(["Library", "Own definition"])
        with tab_library:
            _library(visitor, space)
        with tab_own:
            own_scenario(visitor, space)
    with right:
        st.markdown("**What happens**")
        parts = [part_fields(space, part, locations, with_start=with_start) for part in planned(space)]
        if not parts:
            st.caption(nothing)
        cover_rest(len(parts), MOST_PARTS)
        complete = [part for part in parts if part is not None]
        if len(complete) < len(parts):
            st.warning("Choose where each scenario happens.", icon=":material/location_searching:")
            return None
        return complete


def _library(visitor: Visitor, space: str) -> None:
    scenarios = scenario_answers.library(visitor).value.scenarios
    wanted = st.text_input(
        "Search the library", key=f"search_{space}", placeholder=f"Search {len(scenarios)} scenarios",
        label_visibility="collapsed", icon=":material/search:",
    )  # fmt: skip
    found = matching(scenarios, wanted)
    with st.container(height=_LIBRARY_PX, border=True, key=f"panel_library_{space}"):
        if not found:
            st.caption("No scenario says that. Try another word, or write one of your own.")
        for scenario in found:
            _entry(space, scenario)
        cover_rest(len(found), len(scenarios))


def matching(scenarios: Sequence[Scenario], wanted: str) -> list[Scenario]:
    """Scenarios that hold every word that is wanted, in their name, title, words or parameters."""
    words = wanted.casefold().split()

    def text(scenario: Scenario) -> str:
        parts = [scenario.name, scenario.title, scenario.words, *(p.words for p in scenario.parameters)]
        return " ".join(parts).casefold()

    return [scenario for scenario in scenarios if all(each in text(scenario) for each in words)]


def _entry(space: str, scenario: Scenario) -> None:
    full = len(planned(space)) >= MOST_PARTS
    levels = ", ".join(word(LEVEL_TEXT, level).lower() for level in scenario.targets)
    words, act = st.columns((4, 1), vertical_alignment="center")
    with words:
        st.markdown(f"**{plain(scenario.title)}**  \n{plain(scenario.words.strip())}  \n:gray[Aimed at: {levels}]")
    with act:
        st.button(
            "Add", icon=":material/add:", key=f"add_{space}_{scenario.name}", disabled=full, on_click=add_part,
            args=(space, scenario),
        )  # fmt: skip
