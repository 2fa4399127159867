"""From scenarios with targets and parameters to what happens in the plant: faults, outages, changes of rooms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from simulator.faults import FaultEvent, FaultKind
from simulator.scenario import OUTAGE, ROOM, Scenario, ScenarioEffect, TargetLevel, Value
from simulator.wanted_events import Outage, RoomChange

_HOUR_S: Final = 3_600.0
_INFINITE: Final = float("inf")


@dataclass(frozen=True, slots=True)
class ScenarioPart:
    """A scenario that is played somewhere.

    Attributes:
        scenario: what happens.
        targets: names of locations, strings or batteries; empty = every location of the branch.
        parameters: what was chosen; the others have their defaults.
        start_s: when it begins, s after the begin of the branch.
    """

    scenario: Scenario
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    start_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """What happens to a plant.

    Attributes:
        faults: of blocks, strings, rooms, sensors and gateways.
        outages: of the mains.
        rooms: changes of rooms.
    """

    faults: tuple[FaultEvent, ...] = ()
    outages: tuple[Outage, ...] = ()
    rooms: tuple[RoomChange, ...] = ()


def course_of(inventory: Inventory, parts: Sequence[ScenarioPart], begin_s: float) -> Course:
    """Puts scenarios together.

    An effect acts on every target of its own level: a target above stands for all that it holds, and one below for
    what holds it.

    Args:
        inventory: what is in the branch.
        parts: scenarios, which may overlap.
        begin_s: begin of the branch, s since 1970 UTC.

    Raises:
        InvalidArgumentError: a target is not in the branch or not one that the scenario may be aimed at, a parameter is
            out of its limits, something ends before it has begun, or two outages of a location overlap.
    """
    faults: list[FaultEvent] = []
    outages: list[Outage] = []
    rooms: list[RoomChange] = []
    for part in parts:
        values = part.scenario.values(part.parameters)
        places = _places(inventory, part)
        for effect in part.scenario.effects:
            start_s = begin_s + part.start_s + _HOUR_S * _number(effect.start_h, values, 0.0)
            end_s = start_s + _HOUR_S * _number(effect.duration_h, values, _INFINITE)
            _check_span(part.scenario, effect, start_s, end_s, values)
            for target in places[effect.level]:
                magnitude = _number(effect.magnitude, values, 0.0)
                if effect.kind == OUTAGE:
                    outages.append(Outage(target, start_s, end_s, magnitude or 1.0))
                elif effect.kind == ROOM:
                    rooms.append(_room(effect, target, (start_s, end_s, magnitude), values))
                else:
                    faults.append(FaultEvent(FaultKind[effect.kind], target, start_s, end_s, magnitude))
    _check_outages(outages)
    return Course(tuple(faults), tuple(sorted(outages, key=lambda outage: outage.start_s)), tuple(rooms))


def _number(value: Value | None, values: Mapping[str, float], absent: float) -> float:
    if value is None:
        return absent
    return values[value] if isinstance(value, str) else float(value)


def _check_span(
    scenario: Scenario, effect: ScenarioEffect, start_s: float, end_s: float, values: Mapping[str, float]
) -> None:
    if not start_s < end_s:
        raise InvalidArgumentError(
            f"{effect.kind} of {scenario.name} lasts {(end_s - start_s) / _HOUR_S:g} h; give a duration above 0.",
            field="scenario",
        )
    if not _number(effect.rate_k_h, values, _INFINITE) > 0.0:
        raise InvalidArgumentError(
            f"{effect.kind} of {scenario.name} changes by 0 K/h or less; give a rate above 0, and a magnitude below 0 "
            "where a room becomes colder.",
            field="scenario",
        )


def _room(
    effect: ScenarioEffect, target: str, spans: tuple[float, float, float], values: Mapping[str, float]
) -> RoomChange:
    start_s, end_s, rise_k = spans
    return RoomChange(
        target,
        start_s,
        end_s,
        rise_k,
        _number(effect.rate_k_h, values, _INFINITE),
        _number(effect.hottest_c, values, _INFINITE),
    )


def _places(inventory: Inventory, part: ScenarioPart) -> dict[TargetLevel, list[str]]:
    """Names of each level that the targets of a part stand for, each once, in order."""
    targets = part.targets or tuple(location.location_id for location in inventory.locations)
    places: dict[TargetLevel, dict[str, None]] = {level: {} for level in TargetLevel}
    unseen = dict.fromkeys(targets)
    for location in inventory.locations:
        for string in location.strings():
            for battery in string.batteries:
                path = (location.location_id, string.string_id, battery.battery_id)
                for level, name in zip(TargetLevel, path, strict=True):
                    if name in targets:
                        _check_level(part, level, name)
                        unseen.pop(name, None)
                        for other, found in zip(TargetLevel, path, strict=True):
                            places[other][found] = None
    if unseen:
        raise InvalidArgumentError(
            f"{next(iter(unseen))} is not in the branch; name a location, string or battery of it.",
            field="targets",
            value=next(iter(unseen)),
        )
    return {level: list(names) for level, names in places.items()}


def _check_level(part: ScenarioPart, level: TargetLevel, name: str) -> None:
    if level not in part.scenario.targets:
        raise InvalidArgumentError(
            f"The scenario {part.scenario.name} is aimed at a {' or '.join(part.scenario.targets)}, not a {level}.",
            field="targets",
            value=name,
        )


def _check_outages(outages: Sequence[Outage]) -> None:
    last: dict[str, float] = {}
    for outage in sorted(outages, key=lambda outage: outage.start_s):
        if outage.start_s < last.get(outage.location_id, -_INFINITE):
            raise InvalidArgumentError(
                f"Two outages of {outage.location_id} overlap; let one end before the other begins.",
                field="scenario",
                value=outage.location_id,
            )
        last[outage.location_id] = outage.end_s
