"""How scenarios and drills read on the screen."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.types import (
    Drill,
    DrillState,
    Location,
    Scenario,
    ScenarioLibrary,
    ScenarioParameter,
    ScenarioPart,
    TargetLevel,
)
from streamlit_app.palette import BadgeColour
from streamlit_app.wording import duration, local_time, number

STATE_TEXT: Final[Mapping[int, str]] = {
    DrillState.STARTING: "Starting",
    DrillState.RUNNING: "Running",
    DrillState.STOPPING: "Stopping",
    DrillState.STOPPED: "Stopped",
    DrillState.FAILED: "Failed",
}
STATE_BADGE: Final[Mapping[int, BadgeColour]] = {
    DrillState.STARTING: "blue",
    DrillState.RUNNING: "orange",
    DrillState.STOPPING: "blue",
    DrillState.STOPPED: "gray",
    DrillState.FAILED: "red",
}
LEVEL_TEXT: Final[Mapping[int, str]] = {
    TargetLevel.LOCATION: "Site",
    TargetLevel.STRING: "String",
    TargetLevel.BATTERY: "Battery",
}
_UNIT: Final = {"degC": "°C", "Ohm": "Ω", "mOhm": "mΩ", "1/a": "a year", "1/y": "a year", "ratio": ""}
_UNIT_ENDING: Final = {"K/h": "_k_h", "degC": "_c", "h": "_h", "K": "_k", "V": "_v", "A": "_a", "Ohm": "_ohm"}
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_SHORT_LIST: Final = 3


def unit_text(unit: str) -> str:
    """A unit as people write it."""
    return _UNIT.get(unit, unit)


def parameter_label(parameter: ScenarioParameter) -> str:
    """What a parameter is, with its unit."""
    words = parameter.words.strip().rstrip(".")
    unit = unit_text(parameter.unit)
    return f"{words}, {unit}" if unit else words


def limits_text(parameter: ScenarioParameter) -> str:
    """The limits of a parameter and its usual value."""
    unit = unit_text(parameter.unit)
    return f"{figure(parameter.least)} to {figure(parameter.most)}{f' {unit}' if unit else ''}"


def figure(value: float) -> str:
    """A number without digits that say nothing: "2", "0.25", "17,520"."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text.replace("-", "\N{MINUS SIGN}")


def speed_text(speed: float) -> str:
    """A pace: "real time", "x 60"."""
    return "real time" if speed == 1.0 else f"\N{MULTIPLICATION SIGN} {figure(round(speed, 1))}"


def pace_text(drill: Drill) -> str:
    """The pace, and what the machine reaches where that is less."""
    wanted = speed_text(drill.speed)
    behind = drill.state == DrillState.RUNNING and 0.0 < drill.achieved_speed < 0.9 * drill.speed
    return (
        f"{wanted} (reaches {number(drill.achieved_speed, 0 if drill.achieved_speed >= 10 else 1)})"
        if behind
        else wanted
    )


def passed(drill: Drill) -> timedelta:
    """Time that has passed in a drill."""
    if drill.begin_time is None or drill.now_time is None:
        return timedelta()
    return drill.now_time - drill.begin_time


def passed_text(drill: Drill) -> str:
    """Time that has passed in a drill: "2 h 05 min"."""
    return duration(passed(drill).total_seconds())


def places_text(location_ids: Sequence[str], names: Mapping[str, str]) -> str:
    """Sites by name, or how many."""
    if len(location_ids) > _SHORT_LIST:
        return f"{len(location_ids)} sites"
    return ", ".join(names.get(location_id, location_id) for location_id in location_ids) or "no site"


def names_of(locations: Sequence[Location]) -> dict[str, str]:
    """Names of sites for people, by short name."""
    return {location.location_id: location.display_name for location in locations}


def title_of(part: ScenarioPart, library: ScenarioLibrary | None) -> str:
    """Title of what happens in a part."""
    known: Sequence[Scenario] = library.scenarios if library else ()
    for scenario in known:
        if scenario.name == part.scenario_name:
            return scenario.title
    return part.scenario_name.replace("_", " ").capitalize() or "Own scenario"


def part_text(part: ScenarioPart, library: ScenarioLibrary | None, names: Mapping[str, str]) -> str:
    """A part in a line: "Cooling fails · Bangrak · after 30 min · rate 2 K/h, duration 8 h"."""
    targets = ", ".join(names.get(target, target) for target in part.targets[:_SHORT_LIST]) or "everywhere"
    if len(part.targets) > _SHORT_LIST:
        targets = f"{targets} and {len(part.targets) - _SHORT_LIST} more"
    begin = f"after {duration(part.start_s)}" if part.start_s else "from the begin"
    return f"{title_of(part, library)} · {targets} · {begin}{_chosen(part, library)}"


def _chosen(part: ScenarioPart, library: ScenarioLibrary | None) -> str:
    scenario = next((s for s in library.scenarios if s.name == part.scenario_name), None) if library else None
    units = {parameter.name: parameter.unit for parameter in scenario.parameters} if scenario else {}
    values = ", ".join(
        f"{short_name_of(name, units.get(name, ''))} {figure(value)} {unit_text(units.get(name, ''))}".rstrip()
        for name, value in part.parameters.items()
    )
    return f" · {values}" if values else ""


def short_name_of(name: str, unit: str) -> str:
    """The name of a parameter without its unit: "rate_k_h" in K/h reads "rate"."""
    ending = _UNIT_ENDING.get(unit, "")
    return (name.removesuffix(ending) if name != ending else name).replace("_", " ").strip()


def told_text(text: str) -> str:
    """Words of the server as people here write them: Bangkok's time of day, and °C."""
    return _INSTANT.sub(_bangkok, text).replace(" degC", " °C")


def _bangkok(found: re.Match[str]) -> str:
    try:
        return local_time(datetime.fromisoformat(found[1]).replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # notes of people hold what they like
        return found[0]


def ended_text(drill: Drill) -> str:
    """Why a drill lives no longer, in a sentence."""
    if drill.state == DrillState.FAILED:
        return f"The drill “{drill.title}” has failed: {drill.reason or 'no reason is known'}."
    if drill.stopped_by:
        return f"The drill “{drill.title}” was stopped by {drill.stopped_by}."
    when = f" at {local_time(drill.now_time, seconds=False)} of its own time" if drill.now_time else ""
    return f"The drill “{drill.title}” has come to its end{when}."
