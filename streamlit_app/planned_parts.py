"""What is to happen in a drill or a projection while somebody still puts it together."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from batterytwin.errors import InvalidArgumentError
from clients.types import Scenario, ScenarioParameter, ScenarioPart, TargetLevel

MOST_PARTS: Final = 12
"""More parts than this nobody can follow; what a drill has already is shown whole."""


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One scenario of a plan.

    Attributes:
        number: names its fields; never used again within a plan.
        scenario: what happens.
        own: whether it is no scenario of the library.
        given: what it was before somebody changes it; None = it is new.
    """

    number: int
    scenario: Scenario
    own: bool = False
    given: ScenarioPart | None = None


def planned(space: str) -> Sequence[PlannedPart]:
    """Parts of a plan in order; `space` names the plan."""
    found: Sequence[PlannedPart] = st.session_state.get(_key(space), ())
    return found


def add_part(space: str, scenario: Scenario, *, own: bool = False, given: ScenarioPart | None = None) -> None:
    """Puts a scenario at the end of a plan; a full plan stays as it is, but for what was `given`."""
    parts = planned(space)
    if len(parts) < MOST_PARTS or given is not None:
        number = st.session_state.get(f"{_key(space)}_next", 1)
        st.session_state[f"{_key(space)}_next"] = number + 1
        st.session_state[_key(space)] = (*parts, PlannedPart(number, scenario, own, given))


def drop_part(space: str, number: int) -> None:
    """Takes a part out of a plan."""
    st.session_state[_key(space)] = tuple(part for part in planned(space) if part.number != number)


def remember(space: str, number: int, chosen: ScenarioPart) -> None:
    """Notes what was chosen for a part, for when its fields are gone, as after a visit to another page."""
    st.session_state[f"{_key(space)}_chosen_{number}"] = chosen


def restored(space: str, part: PlannedPart) -> PlannedPart:
    """A part whose fields are shown again, with what was chosen before."""
    chosen: ScenarioPart | None = st.session_state.get(f"{_key(space)}_chosen_{part.number}")
    if chosen is None:
        return part
    known = replace(part, given=chosen)
    st.session_state[_key(space)] = tuple(known if other.number == part.number else other for other in planned(space))
    return known


def clear_plan(space: str) -> None:
    """Takes everything out of a plan."""
    st.session_state.pop(_key(space), None)


def begin_with(space: str, parts: Sequence[ScenarioPart], library: Sequence[Scenario]) -> None:
    """Makes a plan of what happens already; does nothing where the plan exists.

    Raises:
        InvalidArgumentError: the server tells a scenario that cannot be read.
    """
    if _key(space) in st.session_state:
        return
    known = {scenario.name: scenario for scenario in library}
    read = []  # all of them first: half a plan would be taken for what happens
    for part in parts:
        scenario = known.get(part.scenario_name)
        own = scenario is None or part.definition not in {"", scenario.definition}
        read.append((scenario if scenario and not own else scenario_of(part.definition), own, part))
    for scenario, own, part in read:
        add_part(space, scenario, own=own, given=part)


def scenario_of(definition: str) -> Scenario:
    """Reads a definition as the server tells it.

    Raises:
        InvalidArgumentError: it is not JSON of a scenario.
    """
    try:
        found = json.loads(definition)
        return Scenario(
            name=str(found["name"]),
            version=int(found.get("version", 1)),
            title=str(found["title"]),
            words=str(found.get("words", "")),
            targets=tuple(TargetLevel[str(level).upper()] for level in found["targets"]),
            parameters=tuple(
                ScenarioParameter(
                    str(entry["name"]), str(entry.get("unit", "")), float(entry["default"]), float(entry["least"]),
                    float(entry["most"]), str(entry["words"]),
                )
                for entry in found.get("parameter", ())
            ),
            definition=definition,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArgumentError("The server tells a scenario that this dashboard cannot read.") from error


def _key(space: str) -> str:
    return f"plan_{space}"
