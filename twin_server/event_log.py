"""The events behind `HistoryService`: what a caller may record and list."""

import uuid
from typing import Any, Final, Protocol

from batterytwin.errors import ConflictError, InvalidArgumentError, Reason
from batterytwin.events import EventKind
from batterytwin.v1 import event_pb2, history_service_pb2
from storage.event_records import EventQuery, EventRecord
from twin_server.audit import audit_entry
from twin_server.event_proto import event_to_proto
from twin_server.event_recorder import EventRecorder
from twin_server.event_results import checked_replacement, checked_sensor, checked_test
from twin_server.event_validation import (
    Place,
    checked_kind,
    checked_note,
    checked_place,
    checked_request_id,
    checked_times,
    present_us,
)
from twin_server.live_table import LiveTable
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.principal import Principal
from twin_server.time_proto import timestamp_to_us
from twin_server.visibility import visible_locations, visible_string, visible_twin

_DEFAULT_PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000


class EventStore(Protocol):
    """What the log needs of the store; see `storage.event_tables`."""

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        """One page of events, newest first."""


class EventLog:
    """Events of the locations that a caller may see."""

    def __init__(self, store: EventStore, live: LiveTable, recorder: EventRecorder) -> None:
        self._store = store
        self._live = live
        self._recorder = recorder

    async def record(self, request: history_service_pb2.RecordEventRequest, principal: Principal) -> event_pb2.Event:
        """Takes down what happened; a repeated request gives what it recorded first, whatever has become of the place.

        Raises:
            InvalidArgumentError: the event cannot be; field, value and remedy are told.
            NotFoundError: there is no such battery or string, or the caller may not know of it.
            PermissionDeniedError: the location is not the caller's.
            ConflictError: the request id has been used for something that the caller may not see.
        """
        request_id = checked_request_id(request.request_id)
        given = request.event
        kind = checked_kind(given.kind, "event.kind")
        place = checked_place(self._live, principal, given)
        # Asked after the place was looked up: if nothing is stored yet, the place is as it was before the same request,
        # which may be under way at this moment, changed it.
        stored = await self._recorder.recorded(request_id)
        if stored is None:
            stored = await self._record(request_id, kind, place, given, principal)
        if not principal.may_see(stored.location_id):
            raise ConflictError(
                "This request id was used for another event; give every event one of its own.",
                reason=Reason.ALREADY_EXISTS,
                field="request_id",
                value=request_id,
            )
        return event_to_proto(stored)

    async def _record(
        self, request_id: str, kind: EventKind, place: Place, given: event_pb2.Event, principal: Principal
    ) -> EventRecord:
        """Records an event under a new request."""
        start_us, end_us = checked_times(self._live, place, given)
        test = checked_test(kind, place, given, start_us, end_us, present_us=present_us(self._live, place))
        replacement = checked_replacement(kind, place, given, start_us if end_us is None else end_us)
        sensor = checked_sensor(kind, place, given)
        note = checked_note(given.note)
        event_id = str(uuid.uuid4())
        return await self._recorder.record(
            EventRecord(
                event_id=event_id,
                request_id=request_id,
                kind=kind,
                location_id=place.location_id,
                string_id=place.string_id,
                battery_key=None if place.twin is None else place.twin.battery_key,
                battery_id="",
                start_us=start_us,
                end_us=end_us,
                note=note,
                capacity_test=None if test is None else test[0],
                recorded_by=principal.name,
                record_us=self._live.clocks.wall_us(),
                replacement=replacement,
                current_sensor=sensor,
            ),
            audit_entry("event.record", event_id, note),
        )

    async def list(
        self, request: history_service_pb2.ListEventsRequest, principal: Principal
    ) -> history_service_pb2.ListEventsResponse:
        """Lists events, newest first.

        Raises:
            InvalidArgumentError: a kind, a time or the page token cannot be used.
            NotFoundError: there is no such battery or string, or the caller may not know of it.
            PermissionDeniedError: the location is not the caller's.
        """
        limit = read_page_size(request.page_size, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE)
        events = await self._store.list_events(self._query(request, principal, limit + 1))
        page = events[:limit]
        return history_service_pb2.ListEventsResponse(
            events=[event_to_proto(event) for event in page],
            next_page_token=encode_page_token(request, page[-1].event_key) if len(events) > limit else "",
        )

    def _query(self, request: Any, principal: Principal, limit: int) -> EventQuery:
        fleet_map, locations = self._live.fleet_map, principal.location_ids
        string_id, battery_key = request.string_id, None
        if request.location_id:
            visible_locations(fleet_map, principal, request.location_id)
            locations = frozenset({request.location_id})
        if request.string_id:
            self._stay_within(request, visible_string(fleet_map, principal, request.string_id).start)
        if request.battery_id:
            ordinal = visible_twin(fleet_map, principal, request.battery_id)
            self._stay_within(request, ordinal)
            identity = fleet_map.identities[ordinal]
            string_id, battery_key = identity.string.string_id, identity.battery_key
        if string_id:  # what concerns it may be an event of its location, and of no other
            number = fleet_map.find_string(string_id)
            location = fleet_map.locations[int(fleet_map.string_location[number or 0])][0]
            locations = frozenset({location.location_id})
        return EventQuery(
            location_ids=locations,
            string_id=string_id,
            battery_key=battery_key,
            kinds=[checked_kind(number, "kinds") for number in request.kinds],
            start_us=timestamp_to_us(request.start_time, "start_time") if request.HasField("start_time") else None,
            end_us=timestamp_to_us(request.end_time, "end_time") if request.HasField("end_time") else None,
            limit=limit,
            after_key=decode_page_token(request),
        )

    def _stay_within(self, request: Any, ordinal: int) -> None:
        """A battery outside the string or location asked for is a mistake, not an empty answer."""
        identity = self._live.fleet_map.identities[ordinal]
        for field, true in (
            ("string_id", identity.string.string_id),
            ("location_id", identity.location.location_id),
        ):
            given: str = getattr(request, field)
            if given and given != true:
                raise InvalidArgumentError(
                    f"{request.battery_id or request.string_id} is in {true} and not in {given[:64]}; leave {field} "
                    "empty or correct it.",
                    field=field,
                    value=given,
                )
