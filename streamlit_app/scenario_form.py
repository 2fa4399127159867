"""The fields of one scenario of a plan: where it happens, when, and its parameters with units and limits."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from clients.types import Location, ScenarioParameter, ScenarioPart, TargetLevel
from streamlit_app.alert_list import plain
from streamlit_app.drill_words import LEVEL_TEXT, limits_text, names_of, parameter_label
from streamlit_app.planned_parts import PlannedPart, drop_part, remember, restored
from streamlit_app.wording import word

_FIELDS_A_ROW: Final = 3
_LATEST_START_MIN: Final = 60.0 * 24 * 366 * 30  # as the server has it
_Strings = Mapping[str, Sequence[str]]
_STEPS: Final = (0.1, 0.25, 0.5)


def part_fields(
    space: str, part: PlannedPart, locations: Sequence[Location], *, with_start: bool
) -> ScenarioPart | None:
    """Shows the fields of a part.

    Args:
        space: name of the plan.
        part: which part.
        locations: what it can be aimed at.
        with_start: ask when it begins.

    Returns:
        What was chosen; None = something is missing, and the page says what.
    """
    key = f"{space}_{part.number}"
    if f"drop_{key}" not in st.session_state:
        part = restored(space, part)
    scenario = part.scenario
    with st.container(border=True, key=f"panel_part_{key}", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            own = " :gray-badge[own]" if part.own else ""
            st.markdown(f"**{plain(scenario.title)}**{own}", width="content", help=scenario.words.strip() or None)
            st.button(
                "Remove", icon=":material/close:", key=f"drop_{key}", type="tertiary", on_click=drop_part,
                args=(space, part.number),
            )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            everywhere = "All that are copied" if with_start else "All that are projected"
            targets = _targets(key, part, locations, everywhere)
            start_s = _start(key, part) if with_start else 0.0
        parameters = _parameters(key, part)
    chosen = ScenarioPart(
        scenario_name="" if part.own else scenario.name,
        definition=scenario.definition if part.own else "",
        targets=targets or (),
        parameters=parameters,
        start_s=start_s,
    )
    remember(space, part.number, chosen)
    return None if targets is None else chosen


def _targets(key: str, part: PlannedPart, locations: Sequence[Location], everywhere: str) -> tuple[str, ...] | None:
    """Names that the part is aimed at; empty = all sites; None = none was chosen where one must be."""
    given = part.given.targets if part.given else ()
    levels = [level for level in part.scenario.targets if level in LEVEL_TEXT] or [TargetLevel.LOCATION]
    strings = {string.string_id: string.battery_ids for location in locations for string in location.strings()}
    usual = _level_of(given[0], strings) if given else levels[0]
    usual = usual if usual in levels else levels[0]
    level = usual
    if len(levels) > 1:
        level = st.segmented_control(
            "Where", levels, default=usual, required=True, key=f"level_{key}",
            format_func=lambda member: word(LEVEL_TEXT, member),
        )  # fmt: skip
    start = tuple(name for name in given if _level_of(name, strings) == level)
    if level == TargetLevel.LOCATION:
        return _sites(key, start, locations, everywhere)
    return _strings(key, start, strings) if level == TargetLevel.STRING else _blocks(key, start, strings)


def _sites(key: str, given: Sequence[str], locations: Sequence[Location], everywhere: str) -> tuple[str, ...]:
    names = names_of(locations)
    chosen = st.multiselect(
        "Sites", list(names), default=[name for name in given if name in names], key=f"sites_{key}",
        format_func=lambda name: names[name], placeholder=everywhere,
    )  # fmt: skip
    return tuple(chosen)


def _strings(key: str, given: Sequence[str], strings: _Strings) -> tuple[str, ...] | None:
    names = list(strings)
    chosen = st.multiselect(
        "Strings", names, default=[name for name in given if name in names], key=f"strings_{key}",
        placeholder="Choose one or more",
    )  # fmt: skip
    return tuple(chosen) or None


def _blocks(key: str, given: Sequence[str], strings: _Strings) -> tuple[str, ...] | None:
    first = next((name for name, members in strings.items() if given and given[0] in members), "")
    string_id = st.selectbox(
        "String",
        list(strings),
        index=list(strings).index(first) if first in strings else 0,
        key=f"string_{key}",
        width=180,
    )
    if string_id is None:
        return None
    elsewhere = [name for name in given if name not in strings[string_id]]
    options = [*strings[string_id], *elsewhere]
    chosen = st.multiselect(
        "Batteries", options, default=[name for name in given if name in options], key=f"blocks_{key}_{string_id}",
        format_func=lambda name: name if name in elsewhere else name.rsplit("-", 1)[-1],
        placeholder="Choose one or more",
    )  # fmt: skip
    return tuple(chosen) or None


def _level_of(name: str, strings: _Strings) -> TargetLevel:
    if name in strings:
        return TargetLevel.STRING
    is_battery = any(name in members for members in strings.values())
    return TargetLevel.BATTERY if is_battery else TargetLevel.LOCATION


def _start(key: str, part: PlannedPart) -> float:
    minutes = st.number_input(
        "Begins after, min", min_value=0.0, max_value=_LATEST_START_MIN,
        value=part.given.start_s / 60.0 if part.given else 0.0, step=5.0, format="%.1f", key=f"start_{key}", width=170,
        help="In the drill's own time, counted from its begin. What is new in one that runs begins now or later.",
    )  # fmt: skip
    return 60.0 * minutes


def _parameters(key: str, part: PlannedPart) -> dict[str, float]:
    given: Mapping[str, float] = part.given.parameters if part.given else {}
    values: dict[str, float] = {}
    parameters = part.scenario.parameters
    for row in range(0, len(parameters), _FIELDS_A_ROW):
        columns = st.columns(_FIELDS_A_ROW, vertical_alignment="bottom")
        for column, parameter in zip(columns, parameters[row : row + _FIELDS_A_ROW], strict=False):
            with column, st.container(gap="xxsmall"):
                values[parameter.name] = _number(f"{parameter.name}_{key}", parameter, given.get(parameter.name))
    return values


def _number(key: str, parameter: ScenarioParameter, given: float | None) -> float:
    value = parameter.default_value if given is None else given
    typed = st.number_input(
        parameter_label(parameter), min_value=parameter.least, max_value=parameter.most,
        value=min(max(value, parameter.least), parameter.most), step=step_of(parameter), format="%g",
        key=f"value_{key}", help=f"`{parameter.name}`, usually {parameter.default_value:g}",
    )  # fmt: skip
    st.caption(limits_text(parameter))
    return float(typed)


def step_of(parameter: ScenarioParameter) -> float:
    """A step of the size of the usual value, so that a few clicks matter and none is wild."""
    size = abs(parameter.default_value) or (parameter.most - parameter.least) / 10.0
    power = 10.0 ** math.floor(math.log10(size)) if size > 0.0 else 1.0
    return next((share * power for share in _STEPS if share * power >= size / 10.0), power)
