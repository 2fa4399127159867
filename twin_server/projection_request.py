"""What a projection asks, checked, with the defaults filled in."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.inventory import Inventory
from batterytwin.v1 import projection_pb2
from simulator.scenario_course import course_of
from twin_server.inventory_part import part_of_inventory
from twin_server.scenario_parts import read_parts, tell_part
from twin_server.time_proto import timestamp_to_us

_MOST_TITLE: Final = 120
_MOST_NAMES: Final = 2_000
_LIMITS: Final = {
    "years": (0.5, 30.0, 10.0),
    "members": (2, 1_000, 100),
    "carry_min": (1.0, 6_000.0, 30.0),
    "load": (0.05, 20.0, 1.0),
    "block_price": (0.0, 1e9, 0.0),
}
"""Least, most, and what 0 stands for."""


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """What is to be projected.

    Attributes:
        request: with the defaults filled in.
        location_ids: locations in it.
        battery_count: batteries in it.
        batteries_sha256: of their names, in the fleet's order, a line each.
    """

    request: projection_pb2.ProjectionRequest
    location_ids: tuple[str, ...]
    battery_count: int
    batteries_sha256: bytes


def check_request(
    given: projection_pb2.ProjectionRequest,
    inventory: Inventory,
    *,
    sees_all: bool,
    block_price: float,
    now_us: Callable[[], int],
) -> CheckedRequest:
    """Checks a request against the fleet.

    Args:
        given: as it came.
        inventory: the locations that the caller may see.
        sees_all: whether these are all; else "all" is written out, so that others read the same.
        block_price: of a block with its work, as the server plans.
        now_us: the fleet's present, microseconds since 1970 UTC.

    Raises:
        InvalidArgumentError: a value is out of its limits, or a scenario does not fit.
        NotFoundError: a name is none of the fleet, or the caller may not know of it.
    """
    if not inventory.locations:
        raise NotFoundError("There is no location that you may see.", field="names")
    told = projection_pb2.ProjectionRequest()
    told.CopyFrom(given)
    told.title = " ".join(given.title.split())
    if not 1 <= len(told.title) <= _MOST_TITLE or not told.title.isprintable():
        raise InvalidArgumentError(
            f"A projection needs a title of 1...{_MOST_TITLE} printable characters.", field="title", value=given.title
        )
    for name, (least, most, default) in _LIMITS.items():
        value = getattr(given, name) or default
        if not (math.isfinite(value) and least <= value <= most):
            raise InvalidArgumentError(
                f"{name} = {value:g} is out of its limits: {least:g} to {most:g}.", field=name, value=value
            )
        setattr(told, name, value)
    told.block_price = told.block_price or block_price
    if given.seed < 0:
        raise InvalidArgumentError("The seed is 0 or more.", field="seed", value=given.seed)
    if given.HasField("at_time") and not 0 < timestamp_to_us(given.at_time, "at_time") <= now_us():
        raise InvalidArgumentError(
            "at_time is not in the past; leave it out for the present.", field="at_time", value=given.at_time.seconds
        )
    if len(given.names) > _MOST_NAMES:
        raise InvalidArgumentError(
            f"{len(given.names)} names are given; name at most {_MOST_NAMES}, for example whole locations.",
            field="names",
        )
    try:
        part = part_of_inventory(inventory, tuple(given.names))
    except NotFoundError as error:
        raise NotFoundError(error.message, field="names", value=error.value) from None
    locations = tuple(location.location_id for location in part.locations)
    if not given.names and not sees_all:
        told.names.extend(locations)
    parts = read_parts(given.parts)
    course_of(part, parts, now_us() * 1e-6)
    del told.parts[:]
    told.parts.extend(tell_part(one) for one in parts)
    return CheckedRequest(told, locations, part.battery_count(), digest_of(part))


def digest_of(inventory: Inventory) -> bytes:
    """SHA-256 of the names of all batteries, in their order, a line each."""
    batteries = [battery.battery_id for location in inventory.locations for battery in location.batteries()]
    return hashlib.sha256("\n".join(batteries).encode()).digest()
