"""What an event must say before it is recorded."""

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from actors.capacity_test import SHORTEST_TEST_H, TestedCapacity, tested_capacity
from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement
from batterytwin.inventory import BatteryUnit
from batterytwin.v1 import event_pb2
from twin_server.live_table import LiveTable
from twin_server.location_clock import FUTURE_TOLERANCE_US
from twin_server.principal import Principal
from twin_server.routing import TwinIdentity
from twin_server.time_proto import timestamp_to_us
from twin_server.visibility import visible_locations, visible_string, visible_twin

MOST_NOTE_CHARS: Final = 2_000

_LARGEST_CHARGE: Final = 2.0
"""Of a test, multiples of the rated capacity."""
_LARGEST_RATE: Final = 5.0
_TEMPERATURES_C: Final = (-20.0, 60.0)
_END_VOLTAGES_V_CELL: Final = (1.0, 2.2)
_LARGEST_SOH: Final = 1.4
_LONGEST_SERIAL: Final = 64
_LARGEST_OFFSET_A: Final = 20.0
_DURATION_TOLERANCE: Final = 0.25
_DURATION_TOLERANCE_H: Final = 0.25


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
    latest_us = max(live.clocks.now_us(place.location), 0) or live.clocks.wall_us()
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


def checked_test(
    kind: EventKind, place: Place, event: event_pb2.Event, start_us: int, end_us: int | None
) -> tuple[CapacityTest, TestedCapacity] | None:
    """Result of a capacity test and what it shows; None for an event of another kind.

    Raises:
        InvalidArgumentError: there is no result or no battery, there is one where none belongs, or a value cannot be.
    """
    if kind is not EventKind.CAPACITY_TEST:
        if event.HasField("capacity_test"):
            raise InvalidArgumentError(
                f"An event of kind {kind.name} has no capacity_test; leave it out, or record a CAPACITY_TEST.",
                field="event.capacity_test",
            )
        return None
    if place.twin is None or place.unit is None:
        raise InvalidArgumentError(
            "A capacity test is one of a battery; name it, and record one event for each battery tested.",
            field="event.battery_id",
        )
    if not event.HasField("capacity_test"):
        raise InvalidArgumentError(
            "capacity_test is missing; give charge, current, temperature and end voltage.", field="event.capacity_test"
        )
    given, sheet = event.capacity_test, place.twin.string.datasheet
    rated_ah = sheet.rated_capacity_ah
    _check("discharged_ah", given.discharged_ah, 0.0, _LARGEST_CHARGE * rated_ah, "Ah")
    _check("current_a", given.current_a, 0.0, _LARGEST_RATE * rated_ah, "A, without a sign")
    _check("temperature_c", given.temperature_c, *_TEMPERATURES_C, "degC")
    lowest, highest = (v_cell * sheet.cells for v_cell in _END_VOLTAGES_V_CELL)
    _check("end_voltage_v", given.end_voltage_v, lowest, highest, "V of the block")
    test = CapacityTest(given.discharged_ah, given.current_a, given.temperature_c, given.end_voltage_v)
    tested = tested_capacity(test, sheet)
    _check_duration(tested.duration_h, start_us, end_us)
    if tested.soh_capacity > _LARGEST_SOH:
        raise InvalidArgumentError(
            f"{test.discharged_ah:g} Ah at {test.current_a:g} A would be {tested.soh_capacity:.0%} of the rated "
            f"{rated_ah:g} Ah; check charge, current and model.",
            field="event.capacity_test.discharged_ah",
            value=test.discharged_ah,
        )
    if start_us < place.unit.since_us:
        raise InvalidArgumentError(
            f"The test began before the block came into service ({_day(place.unit.since_us)}); it says nothing of this "
            "one.",
            field="event.start_time",
            value=_day(place.unit.since_us),
        )
    return test, tested


def checked_replacement(
    kind: EventKind, place: Place, event: event_pb2.Event, in_service_us: int
) -> Replacement | None:
    """What came and went at a replacement; None for an event of another kind.

    Raises:
        InvalidArgumentError: a serial number or the battery is missing, is given where none belongs, or does not fit.
    """
    if kind is not EventKind.REPLACEMENT:
        if event.HasField("replacement"):
            raise InvalidArgumentError(
                f"An event of kind {kind.name} has no replacement; leave it out, or record a REPLACEMENT.",
                field="event.replacement",
            )
        return None
    if place.unit is None:
        raise InvalidArgumentError(
            "A replacement is one of a battery; name it, and record one event for each battery replaced.",
            field="event.battery_id",
        )
    given = event.replacement
    serial = given.new_serial.strip()
    if not 0 < len(serial) <= _LONGEST_SERIAL:
        raise InvalidArgumentError(
            f"The serial number of the new block has {len(serial)} characters; give 1 to {_LONGEST_SERIAL}.",
            field="event.replacement.new_serial",
            value=serial[:_LONGEST_SERIAL],
        )
    if serial == place.unit.serial:
        raise InvalidArgumentError(
            f"Block {serial} stands there already; give the serial number of the one that came.",
            field="event.replacement.new_serial",
            value=serial,
        )
    if given.old_serial and given.old_serial.strip() != place.unit.serial:
        raise InvalidArgumentError(
            f"The slot holds block {place.unit.serial}; check the slot, or leave old_serial empty.",
            field="event.replacement.old_serial",
            value=given.old_serial[:_LONGEST_SERIAL],
        )
    if in_service_us <= place.unit.since_us:
        raise InvalidArgumentError(
            f"The present block of the slot came into service on {_day(place.unit.since_us)}; a later one comes after "
            "it.",
            field="event.start_time",
            value=_day(in_service_us),
        )
    return Replacement(serial, place.unit.serial)


def checked_sensor(kind: EventKind, place: Place, event: event_pb2.Event) -> CurrentSensor | None:
    """What the current sensor of a string is after work on it; None for an event of another kind.

    Raises:
        InvalidArgumentError: the sensor or the string is missing, is given where none belongs, or the offset cannot be.
    """
    if kind is not EventKind.CURRENT_SENSOR:
        if event.HasField("current_sensor"):
            raise InvalidArgumentError(
                f"An event of kind {kind.name} has no current_sensor; leave it out, or record a CURRENT_SENSOR.",
                field="event.current_sensor",
            )
        return None
    if not place.string_id or place.twin is not None:
        raise InvalidArgumentError(
            "A current sensor is one of a string; name the string and no battery.", field="event.string_id"
        )
    if not event.HasField("current_sensor"):
        raise InvalidArgumentError(
            "current_sensor is missing; say whether the gateway counts a discharge as positive.",
            field="event.current_sensor",
        )
    given = event.current_sensor
    offset_a = given.offset_a if given.HasField("offset_a") else None
    if offset_a is not None and not abs(offset_a) <= _LARGEST_OFFSET_A:
        raise InvalidArgumentError(
            f"offset_a is {offset_a:g}; give -{_LARGEST_OFFSET_A:g} to {_LARGEST_OFFSET_A:g} A, or leave it out.",
            field="event.current_sensor.offset_a",
            value=offset_a,
        )
    return CurrentSensor(given.discharge_positive, offset_a)


def _day(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d}"


def _check(field: str, value: float, above: float, most: float, unit: str) -> None:
    if not (math.isfinite(value) and above < value <= most):
        raise InvalidArgumentError(
            f"{field} is {value:g}; give more than {above:g} and at most {most:g} {unit}.",
            field=f"event.capacity_test.{field}",
            value=value,
        )


def _check_duration(duration_h: float, start_us: int, end_us: int | None) -> None:
    if duration_h < SHORTEST_TEST_H:
        raise InvalidArgumentError(
            f"Charge over current is {60.0 * duration_h:.1f} min; a test of less than {60.0 * SHORTEST_TEST_H:.0f} min "
            "says nothing of the capacity.",
            field="event.capacity_test.discharged_ah",
            value=f"{60.0 * duration_h:.1f} min",
        )
    if end_us is None:
        return
    told_h = (end_us - start_us) / 3.6e9
    if abs(told_h - duration_h) > _DURATION_TOLERANCE * duration_h + _DURATION_TOLERANCE_H:
        raise InvalidArgumentError(
            f"From start to end it lasted {told_h:.2f} h, but charge over current is {duration_h:.2f} h; correct one "
            "of them, or leave end_time out.",
            field="event.end_time",
            value=f"{told_h:.2f} h",
        )


def _ahead(time_us: int) -> str:
    """A span in the largest unit that fits, for people."""
    for unit, length_us in (("days", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if time_us >= 2 * length_us:
            return f"{time_us / length_us:.0f} {unit}"
    return f"{time_us / 1e6:.0f} s"
