"""What the result of an event must be: a capacity test, what came and went, a current sensor put right."""

import math
from datetime import UTC, datetime
from typing import Final, Literal

from actors.capacity_test import SHORTEST_TEST_H, TestedCapacity, tested_capacity
from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from batterytwin.v1 import event_pb2
from twin_server.event_validation import Place
from twin_server.location_clock import FUTURE_TOLERANCE_US

_LONGEST_SERIAL: Final = 64
_LARGEST_OFFSET_A: Final = 20.0
_LARGEST_CHARGE: Final = 2.0
"""Of a test, multiples of the rated capacity."""
_LARGEST_RATE: Final = 5.0
_TEMPERATURES_C: Final = (-20.0, 60.0)
_END_VOLTAGES_V_CELL: Final = (1.0, 2.2)
_LARGEST_SOH: Final = 1.4
_DURATION_TOLERANCE: Final = 0.25
_DURATION_TOLERANCE_H: Final = 0.25


def checked_test(
    kind: EventKind, place: Place, event: event_pb2.Event, start_us: int, end_us: int | None, *, present_us: int
) -> tuple[CapacityTest, TestedCapacity] | None:
    """Result of a capacity test and what it shows; None for an event of another kind.

    Raises:
        InvalidArgumentError: there is no result or no battery, there is one where none belongs, or a value cannot be.
    """
    if not _concerned(EventKind.CAPACITY_TEST, kind, event, "capacity_test"):
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
    _check_duration(tested.duration_h, start_us, end_us, present_us)
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
        InvalidArgumentError: a serial number or the battery is missing, is given where none belongs, or does not fit;
            or there is no such reason.
    """
    if not _concerned(EventKind.REPLACEMENT, kind, event, "replacement"):
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
    return Replacement(serial, place.unit.serial, _checked_reason(given.reason))


def checked_sensor(kind: EventKind, place: Place, event: event_pb2.Event) -> CurrentSensor | None:
    """What the current sensor of a string is after work on it; None for an event of another kind.

    Raises:
        InvalidArgumentError: the sensor or the string is missing, is given where none belongs, or the offset cannot be.
    """
    if not _concerned(EventKind.CURRENT_SENSOR, kind, event, "current_sensor"):
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


def _checked_reason(number: int) -> ReplacementReason:
    try:
        return ReplacementReason(number)
    except ValueError:
        names = ", ".join(f"{reason.value} ({reason.name})" for reason in ReplacementReason)
        raise InvalidArgumentError(
            f"There is no reason {number} of a replacement; give {names}.",
            field="event.replacement.reason",
            value=number,
        ) from None


def _day(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d}"


def _check(field: str, value: float, above: float, most: float, unit: str) -> None:
    if not (math.isfinite(value) and above < value <= most):
        raise InvalidArgumentError(
            f"{field} is {value:g}; give more than {above:g} and at most {most:g} {unit}.",
            field=f"event.capacity_test.{field}",
            value=value,
        )


def _check_duration(duration_h: float, start_us: int, end_us: int | None, present_us: int) -> None:
    if duration_h < SHORTEST_TEST_H:
        raise InvalidArgumentError(
            f"Charge over current is {60.0 * duration_h:.1f} min; a test of less than {60.0 * SHORTEST_TEST_H:.0f} min "
            "says nothing of the capacity.",
            field="event.capacity_test.discharged_ah",
            value=f"{60.0 * duration_h:.1f} min",
        )
    if end_us is None:  # then it lasted as long as that, and its result counts from there on
        ahead_h = duration_h - (present_us + FUTURE_TOLERANCE_US - start_us) / 3.6e9
        if ahead_h > 0.0:
            raise InvalidArgumentError(
                f"Charge over current is {duration_h:.4g} h, so the test would end {ahead_h:.4g} h ahead of the "
                "clock of its location; correct charge, current or start_time.",
                reason=Reason.TIME_IN_FUTURE,
                field="event.capacity_test.discharged_ah",
                value=f"{duration_h:.4g} h",
            )
        return
    told_h = (end_us - start_us) / 3.6e9
    if abs(told_h - duration_h) > _DURATION_TOLERANCE * duration_h + _DURATION_TOLERANCE_H:
        raise InvalidArgumentError(
            f"From start to end it lasted {told_h:.2f} h, but charge over current is {duration_h:.2f} h; correct one "
            "of them, or leave end_time out.",
            field="event.end_time",
            value=f"{told_h:.2f} h",
        )


def _concerned(
    mine: EventKind,
    kind: EventKind,
    event: event_pb2.Event,
    field: Literal["capacity_test", "replacement", "current_sensor"],
) -> bool:
    """Whether an event is of this kind; one of another kind must not have its result.

    Raises:
        InvalidArgumentError: it has.
    """
    if kind is not mine and event.HasField(field):
        raise InvalidArgumentError(
            f"An event of kind {kind.name} has no {field}; leave it out, or record a {mine.name}.",
            field=f"event.{field}",
        )
    return kind is mine
