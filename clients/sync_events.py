"""Events through the blocking client."""

from collections.abc import Iterable
from datetime import datetime

from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement
from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from clients.events import Event, EventPage
from clients.events_proto import event_from_proto, events_from_proto, list_events_request, record_event_request
from clients.sync_connection import SyncConnection


class SyncEvents:
    """The part of `TwinClient` that records and lists events."""

    _token: str | None
    _connection: SyncConnection
    _history: HistoryServiceStub

    def record_event(
        self,
        kind: EventKind,
        start_time: datetime,
        *,
        location_id: str = "",
        string_id: str = "",
        battery_id: str = "",
        end_time: datetime | None = None,
        note: str = "",
        capacity_test: CapacityTest | None = None,
        replacement: Replacement | None = None,
        current_sensor: CurrentSensor | None = None,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> Event:
        """Takes down what happened; a capacity test or replacement is part of its twin when this returns.

        Args:
            kind: what happened.
            start_time: when it began.
            location_id: location concerned; not needed with a string or battery.
            string_id: string concerned; not needed with a battery.
            battery_id: battery concerned; needed for a capacity test and a replacement.
            end_time: when it ended; None = at once, or it lasts.
            note: what there is to say, up to 2,000 characters.
            capacity_test: its result, for a capacity test alone.
            replacement: what came and went, for a replacement alone; the new block is in service from `end_time` on,
                or from `start_time` if there is none.
            current_sensor: what the sensor of the string is from then on, for work on it alone.
            request_id: UUID that makes a repeated call harmless; empty = a new one.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            InvalidArgumentError: the event cannot be; `field`, `value` and the message say why.
            NotFoundError: no such battery or string, or the caller may not see it.
        """
        request = record_event_request(
            kind,
            location_id=location_id,
            string_id=string_id,
            battery_id=battery_id,
            start_time=start_time,
            end_time=end_time,
            note=note,
            capacity_test=capacity_test,
            replacement=replacement,
            current_sensor=current_sensor,
            request_id=request_id,
        )
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._history.RecordEvent, request, own, deadline_s)
        return event_from_proto(response.event)

    def list_events(
        self,
        location_id: str = "",
        string_id: str = "",
        battery_id: str = "",
        *,
        kinds: Iterable[EventKind] = (),
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 100,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> EventPage:
        """Lists events, newest first, one page at a time; what is left out selects everything.

        Args:
            location_id: only events of this location.
            string_id: only what concerns this string: its own events, its batteries' and its location's.
            battery_id: only what concerns this battery: its own events, its string's and its location's.
            kinds: only these kinds.
            start_time: only events that end after this time, or begin at it.
            end_time: only events that begin before this time.
            page_size: events in a page, 1...1,000.
            page_token: `next_page_token` of the page before; empty = first page.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = list_events_request(
            location_id=location_id,
            string_id=string_id,
            battery_id=battery_id,
            kinds=kinds,
            start_time=start_time,
            end_time=end_time,
            page_size=page_size,
            page_token=page_token,
        )
        own = (self._token if token is None else token) or ""
        return events_from_proto(self._connection.call(self._history.ListEvents, request, own, deadline_s))
