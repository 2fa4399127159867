"""What a drill is to be, read from a request and checked before anything is copied."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.inventory import Inventory
from batterytwin.v1 import scenario_service_pb2
from simulator.scenario_course import ScenarioPart, course_of
from storage.drill_records import DrillPart
from twin_server.inventory_part import part_of_inventory
from twin_server.scenario_parts import definition_of, read_parts
from twin_server.time_proto import timestamp_to_us

MOST_SPEED: Final = 3_600.0
"""Fastest pace: an hour a second."""

_MOST_TITLE: Final = 200
_MOST_NAMES: Final = 2_000
_SAME_START_S: Final = 5.0
"""Forms tell starts in tenths of a minute."""

_MOST_HOURS: Final = 20.0 * 366.0 * 24.0


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """What a drill is to be.

    Attributes:
        title: for people.
        parts: what happens.
        names: what is copied; empty = all.
        inventory: what that is.
        at_us: an instant of the past to copy, microseconds since 1970 UTC; None = the present.
        seed: draws what the twins do not know.
        speed: wanted pace.
        duration_h: it ends after so many hours of its time; None = it does not.
    """

    title: str
    parts: tuple[ScenarioPart, ...]
    names: tuple[str, ...]
    inventory: Inventory
    at_us: int | None
    seed: int
    speed: float
    duration_h: float | None

    @property
    def location_ids(self) -> tuple[str, ...]:
        """Locations that it holds."""
        return tuple(location.location_id for location in self.inventory.locations)

    @property
    def battery_count(self) -> int:
        """Batteries in it."""
        return sum(1 for location in self.inventory.locations for _ in location.batteries())


def read_order(request: scenario_service_pb2.StartScenarioRequest, seen: Inventory, *, sees_all: bool) -> DrillOrder:
    """Reads what is to be started; takes some milliseconds, so call it in a thread.

    Args:
        request: what was asked for.
        seen: locations that the caller may see.
        sees_all: whether that is the whole fleet.

    Raises:
        InvalidArgumentError: a scenario, a parameter, a pace or a time cannot be used, or nothing is to happen.
        NotFoundError: a name is none of the fleet, or not for the caller.
    """
    parts = tuple(read_parts(request.parts))
    if not parts:
        raise InvalidArgumentError(
            "Nothing is to happen in this drill; give at least one part, for example hvac_failure.", field="parts"
        )
    if len(request.names) > _MOST_NAMES:
        raise InvalidArgumentError(
            f"There are {len(request.names)} names; give at most {_MOST_NAMES}, for example whole locations.",
            field="names",
        )
    names = tuple(dict.fromkeys(request.names)) or locations_of_targets(parts, seen)
    if not names and not sees_all:
        names = tuple(location.location_id for location in seen.locations)
    inventory = _part(seen, names, empty=not names and not sees_all)
    check_parts(parts, inventory)
    if not 0.0 <= request.duration_h <= _MOST_HOURS:
        raise InvalidArgumentError(
            f"duration_h is {request.duration_h:g}; give 0 (it does not end by itself) to {_MOST_HOURS:,.0f} h.",
            field="duration_h",
            value=request.duration_h,
        )
    if request.seed < 0:
        raise InvalidArgumentError("The seed is 0 or more.", field="seed", value=request.seed)
    if len(request.title) > _MOST_TITLE:
        raise InvalidArgumentError(
            f"The title has {len(request.title)} characters; at most {_MOST_TITLE} are kept.", field="title"
        )
    return DrillOrder(
        title=request.title or ", ".join(dict.fromkeys(part.scenario.title for part in parts))[:_MOST_TITLE],
        parts=parts,
        names=names,
        inventory=inventory,
        at_us=timestamp_to_us(request.at_time, "at_time") if request.HasField("at_time") else None,
        seed=request.seed,
        speed=1.0 if request.speed == 0.0 else checked_speed(request.speed),
        duration_h=request.duration_h or None,
    )


def checked_speed(speed: float) -> float:
    """A pace that a drill can be asked for.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not 1.0 <= speed <= MOST_SPEED:  # also refuses what is no number
        raise InvalidArgumentError(
            f"speed is {speed:g}; give 1 (real time) to {MOST_SPEED:,.0f} (an hour a second).",
            field="speed",
            value=speed,
        )
    return speed


def check_parts(parts: Sequence[ScenarioPart], inventory: Inventory) -> None:
    """Looks whether scenarios fit what is copied.

    Raises:
        InvalidArgumentError: a target is not in it, a parameter is out of its limits, or two outages overlap.
    """
    for part in parts:
        for name, value in part.parameters.items():
            if not math.isfinite(value):
                raise InvalidArgumentError(f"{name} = {value} is no number.", field=name, value=value)
    course_of(inventory, parts, time.time())


def from_now_on(
    parts: Sequence[ScenarioPart], before: Sequence[DrillPart], passed_s: float
) -> tuple[ScenarioPart, ...]:
    """What is to happen in a drill that runs: what was not played before, or from another time on, begins now or later.

    Args:
        parts: as asked for; one that begins at 0 begins when its scenario did before.
        before: what was played.
        passed_s: the drill's time since its begin, s.
    """
    left, starts_s = list(before), dict[int, float]()
    for any_start in (False, True):  # what begins when it did goes first
        for place, part in enumerate(parts):
            for old in left if place not in starts_s else ():
                same = abs(part.start_s - old.start_s) <= _SAME_START_S or (any_start and part.start_s == 0.0)
                if same and part.scenario.name == old.scenario_name:
                    starts_s[place] = old.start_s
                    left.remove(old)
                    break
    return tuple(
        replace(part, start_s=starts_s.get(place, max(part.start_s, passed_s))) for place, part in enumerate(parts)
    )


def locations_of_targets(parts: Sequence[ScenarioPart], seen: Inventory) -> tuple[str, ...]:
    """Locations of all targets, in fleet order; none where nothing is aimed at.

    Raises:
        NotFoundError: a target is none of the fleet, or not for the caller.
    """
    targets = tuple(dict.fromkeys(target for part in parts for target in part.targets))
    if not targets:
        return ()
    return tuple(location.location_id for location in part_of_inventory(seen, targets).locations)


def told_part(part: ScenarioPart) -> DrillPart:
    """A part as it is kept, with its definition and all its parameters."""
    return DrillPart(
        scenario_name=part.scenario.name,
        definition=definition_of(part.scenario),
        targets=part.targets,
        parameters=part.scenario.values(part.parameters),
        start_s=part.start_s,
    )


def _part(seen: Inventory, names: Sequence[str], *, empty: bool) -> Inventory:
    if empty:
        raise NotFoundError("There is no location for you to copy; an administrator can assign one.", field="names")
    return part_of_inventory(seen, names)
