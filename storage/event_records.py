"""Events as the store takes and gives them: plain values."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from storage.instants import to_us, to_us_or_none

SERVER: str = "server"
"""Who records what the server itself has found."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event; times in microseconds since 1970 UTC.

    Attributes:
        event_id: unique name.
        request_id: names the call that recorded it.
        kind: what happened.
        location_id: location concerned.
        string_id: string concerned; empty = the whole location.
        battery_key: battery concerned; None = the whole string or location.
        battery_id: its slot name, or empty; not stored, given with what is read.
        start_us: when it began.
        end_us: when it ended; None = at once, or it lasts.
        note: what a person says of it.
        capacity_test: result, of a capacity test alone.
        recorded_by: who recorded it.
        record_us: when, by the server's clock.
        event_key: place in the order of recording; 0 before it is stored.
        replacement: what came and went, of a replacement alone.
        current_sensor: what the string's sensor is from then on, of work on it alone.
    """

    event_id: str
    request_id: str
    kind: EventKind
    location_id: str
    string_id: str
    battery_key: int | None
    battery_id: str
    start_us: int
    end_us: int | None
    note: str
    capacity_test: CapacityTest | None
    recorded_by: str
    record_us: int
    event_key: int = 0
    replacement: Replacement | None = None
    current_sensor: CurrentSensor | None = None

    @property
    def done_us(self) -> int:
        """When it was over and what it changed began to hold, us."""
        return self.start_us if self.end_us is None else self.end_us


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Selects events.

    Attributes:
        location_ids: only these locations; None = all.
        string_id: only what concerns this string: its own, its batteries', its location's; empty = all.
        battery_key: only what concerns this battery: its own, its string's, its location's (give both); None = all.
        kinds: only these kinds; empty = all.
        start_us: only events that end after, or begin then, microseconds since 1970 UTC; None = from the first.
        end_us: only events that begin before; None = to the last.
        limit: events in a page, at least 1.
        after_key: `event_key` of the last event of the page before; None = first page.
    """

    location_ids: Collection[str] | None = None
    string_id: str = ""
    battery_key: int | None = None
    kinds: Collection[EventKind] = ()
    start_us: int | None = None
    end_us: int | None = None
    limit: int = 100
    after_key: int | None = None


def event_of_row(row: Any) -> EventRecord:
    """Event in a row of view `event_with_battery`."""
    test = replacement = sensor = None
    if row.kind == EventKind.CAPACITY_TEST:
        test = CapacityTest(row.discharged_ah, row.current_a, row.temperature_c, row.end_voltage_v)
    if row.kind == EventKind.REPLACEMENT:
        replacement = Replacement(row.new_serial, row.old_serial, ReplacementReason(row.replacement_reason or 0))
    if row.kind == EventKind.CURRENT_SENSOR:
        sensor = CurrentSensor(row.discharge_positive, row.offset_a)
    return EventRecord(
        event_id=row.event_id,
        request_id=row.request_id,
        kind=EventKind(row.kind),
        location_id=row.location_id,
        string_id=row.string_id,
        battery_key=row.battery_key,
        battery_id=row.battery_id,
        start_us=to_us(row.start_time),
        end_us=to_us_or_none(row.end_time),
        note=row.note,
        capacity_test=test,
        recorded_by=row.recorded_by,
        record_us=to_us(row.record_time),
        event_key=row.event_key,
        replacement=replacement,
        current_sensor=sensor,
    )
