"""Events as plain types."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        event_id: name of the event, given by the server.
        kind: what happened; a bare number if the server is newer than this client.
        location_id: location concerned.
        string_id: string concerned; empty = the whole location.
        battery_id: battery concerned; empty = the whole string or location.
        start_time: when it began, UTC.
        end_time: when it ended, UTC; None = at once, or it lasts.
        note: what a person says of it.
        capacity_test: result of a capacity test; None for other kinds.
        recorded_by: who recorded it.
        record_time: when it was recorded, UTC.
        replacement: what came and went; None for other kinds.
        current_sensor: what the string's sensor is from then on; None for other kinds.
    """

    event_id: str
    kind: EventKind | int
    location_id: str
    string_id: str
    battery_id: str
    start_time: datetime
    end_time: datetime | None
    note: str
    capacity_test: CapacityTest | None
    recorded_by: str
    record_time: datetime
    replacement: Replacement | None = None
    current_sensor: CurrentSensor | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of events, newest first.

    Attributes:
        events: events of this page.
        next_page_token: token of the next page; empty = this was the last.
    """

    events: tuple[Event, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)
