"""What an event must say before it is recorded."""

import uuid
from dataclasses import dataclass
from typing import Final

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.events import EventKind
from batterytwin.inventory import BatteryUnit
from batterytwin.v1 import event_pb2
from twin_server.live_table import LiveTable
from twin_server.location_clock import FUTURE_TOLERANCE_US
from twin_server.principal import Principal
from twin_server.routing import TwinIdentity
from twin_server.time_proto import timestamp_to_us
from twin_server.visibility import visible_locations, visible_string, visible_twin

MOST_NOTE_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event happened.

    Attributes:
        location: number of the location.
        location_id: its name.
        string_id: string concerned, or empty.
        twin: battery concerned, or None.
        unit: the block that stands in its slot, or None.
    """

    location: int
    location_id: str
    string_id: str
    twin: TwinIdentity | None
    unit: BatteryUnit | None = None


def checked_request_id(request_id: str) -> str:
    """A request id in its usual form.

    Raises:
        InvalidArgumentError: it is no UUID.
    """
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        raise InvalidArgumentError(
            "request_id names the call, so that repeating it records nothing twice; give a UUID.",
            field="request_id",
            value=request_id,
        ) from None


def checked_kind(number: int, field: str) -> EventKind:
    """Kind of an event.

    Raises:
        InvalidArgumentError: there is no such kind.
    """
    try:
        return EventKind(number)
    except ValueError:
        names = ", ".join(f"{kind.value} ({kind.name})" for kind in EventKind)
        raise InvalidArgumentError(
            f"There is no kind of event {number}; give {names}.", field=field, value=number
        ) from None


def checked_place(live: LiveTable, principal: Principal, event: event_pb2.Event) -> Place:
    """Finds the battery, string or location that an event names; where it names several they must fit.

    Raises:
        InvalidArgumentError: it names none, or names that do not fit.
        NotFoundError: there is no such battery or string, or the caller may not know of it.
        PermissionDeniedError: the caller may not see the location.
    """
    fleet_map = live.fleet_map
    twin = unit = None
    if event.battery_id:
        ordinal = visible_twin(fleet_map, principal, event.battery_id)
    elif event.string_id:
        ordinal = visible_string(fleet_map, principal, event.string_id).start
    elif event.location_id:
        (number,) = visible_locations(fleet_map, principal, event.location_id)
        return Place(number, event.location_id, "", None)
    else:
        raise InvalidArgumentError("Name the location, string or battery that it concerns.", field="event.location_id")
    found = fleet_map.identities[ordinal]
    if event.battery_id:
        twin, unit = found, fleet_map.unit_of(ordinal)
    for field, given, true in (
        ("string_id", event.string_id, found.string.string_id),
        ("location_id", event.location_id, found.location.location_id),
    ):
        if given and given != true:
            raise InvalidArgumentError(
                f"{event.battery_id or event.string_id} is in {true} and not in {given[:64]}; leave {field} empty or "
                "correct it.",
                field=f"event.{field}",
                value=given,
            )
    number = int(fleet_map.location_of[ordinal])
    return Place(number, found.location.location_id, found.string.string_id, twin, unit)


def present_us(live: LiveTable, place: Place) -> int:
    """The present of the location, before its first reading that of the server; microseconds since 1970 UTC."""
    return max(live.clocks.now_us(place.location), 0) or live.clocks.wall_us()


def checked_times(live: LiveTable, place: Place, event: event_pb2.Event) -> tuple[int, int | None]:
    """Start and end of an event, microseconds since 1970 UTC.

    Raises:
        InvalidArgumentError: there is no start, or a time lies in the future or before the start.
    """
    if not event.HasField("start_time"):
        raise InvalidArgumentError(
            "start_time is missing; say when it began.", reason=Reason.TIME_MISSING, field="event.start_time"
        )
    start_us = timestamp_to_us(event.start_time, "event.start_time")
    end_us = timestamp_to_us(event.end_time, "event.end_time") if event.HasField("end_time") else None
    latest_us = present_us(live, place)
    for field, time_us in (("start_time", start_us), ("end_time", end_us)):
        if time_us is not None and time_us > latest_us + FUTURE_TOLERANCE_US:
            raise InvalidArgumentError(
                f"{field} lies {_ahead(time_us - latest_us)} ahead of the clock of {place.location_id}; record "
                "what has happened.",
                reason=Reason.TIME_IN_FUTURE,
                field=f"event.{field}",
                value=f"{(time_us - latest_us) / 1e6:.0f} s",
            )
    if end_us is not None and end_us < start_us:
        raise InvalidArgumentError(
            f"end_time is {(start_us - end_us) / 1e6:.0f} s before start_time; swap or correct them.",
            field="event.end_time",
            value=f"{(end_us - start_us) / 1e6:.0f} s",
        )
    return start_us, end_us


def checked_note(note: str) -> str:
    """A note that can be kept.

    Raises:
        InvalidArgumentError: it is too long.
    """
    if len(note) > MOST_NOTE_CHARS:
        raise InvalidArgumentError(
            f"The note has {len(note)} characters; at most {MOST_NOTE_CHARS} are kept.", field="event.note"
        )
    return note


def _ahead(time_us: int) -> str:
    """A span in the largest unit that fits, for people."""
    for unit, length_us in (("days", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if time_us >= 2 * length_us:
            return f"{time_us / length_us:.0f} {unit}"
    return f"{time_us / 1e6:.0f} s"
