"""What a person did with a drill, in words."""

from collections.abc import Sequence
from typing import Final

from storage.drill_records import DrillPart

_MOST_CHARS: Final = 1_000


def words_of_start(parts: Sequence[DrillPart], speed: float) -> str:
    """What was started."""
    return _shortened(f"started at {speed:g} times real time: {'; '.join(_told(part) for part in parts)}")


def words_of_change(
    before: Sequence[DrillPart], after: Sequence[DrillPart], speed_before: float, speed_after: float
) -> str:
    """What was changed; each scenario that is still played is told by what differs."""
    words = []
    if speed_after != speed_before:
        words.append(f"pace {speed_before:g} → {speed_after:g} times real time")
    left = list(before)
    for part in after:
        same = next((old for old in left if old.scenario_name == part.scenario_name), None)
        if same is None:
            words.append(f"adds {_told(part)}")
            continue
        left.remove(same)
        if differences := _differences(same, part):
            words.append(f"{part.scenario_name}: {', '.join(differences)}")
    words += [f"ends {part.scenario_name}" for part in left]
    return _shortened("; ".join(words) or "nothing")


def _told(part: DrillPart) -> str:
    where = f" at {', '.join(part.targets)}" if part.targets else ""
    chosen = f" ({', '.join(f'{name} = {value:g}' for name, value in part.parameters.items())})"
    return f"{part.scenario_name}{where}{chosen if part.parameters else ''}"


def _differences(before: DrillPart, after: DrillPart) -> list[str]:
    found = []
    if set(before.targets) != set(after.targets):
        found.append(f"at {', '.join(after.targets) or 'everything'}")
    if before.definition != after.definition:
        found.append("another definition")
    if before.start_s != after.start_s:
        found.append(f"begins after {after.start_s / 3_600:g} h")
    names = dict.fromkeys((*before.parameters, *after.parameters))
    for name in names:
        old, new = before.parameters.get(name), after.parameters.get(name)
        if old != new:
            found.append(f"{name} {_number(old)} → {_number(new)}")
    return found


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _shortened(words: str) -> str:
    return words if len(words) <= _MOST_CHARS else words[: _MOST_CHARS - 1] + "…"
