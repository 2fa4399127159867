"""Events to and from the messages of `HistoryService`."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from batterytwin.v1 import event_pb2
from batterytwin.v1.history_service_pb2 import ListEventsRequest, ListEventsResponse, RecordEventRequest
from clients.events import Event, EventPage
from clients.wire import enum_from_number, optional_time, time_from_proto, time_to_proto


def event_from_proto(message: event_pb2.Event) -> Event:
    """Reads one event."""
    return Event(
        event_id=message.event_id,
        kind=enum_from_number(EventKind, message.kind),
        location_id=message.location_id,
        string_id=message.string_id,
        battery_id=message.battery_id,
        start_time=time_from_proto(message.start_time),
        end_time=optional_time(message, "end_time"),
        note=message.note,
        capacity_test=_test_from_proto(message.capacity_test) if message.HasField("capacity_test") else None,
        recorded_by=message.recorded_by,
        record_time=time_from_proto(message.record_time),
        replacement=_replacement_from_proto(message.replacement) if message.HasField("replacement") else None,
        current_sensor=_sensor_from_proto(message.current_sensor) if message.HasField("current_sensor") else None,
    )


def events_from_proto(response: ListEventsResponse) -> EventPage:
    """Reads one page of events."""
    return EventPage(tuple(event_from_proto(event) for event in response.events), response.next_page_token)


def record_event_request(
    kind: EventKind,
    *,
    location_id: str,
    string_id: str,
    battery_id: str,
    start_time: datetime,
    end_time: datetime | None,
    note: str,
    capacity_test: CapacityTest | None,
    replacement: Replacement | None,
    current_sensor: CurrentSensor | None,
    request_id: str,
) -> RecordEventRequest:
    """Describes an event, under a name of its own unless one is given."""
    event = event_pb2.Event(
        kind=cast("event_pb2.EventKind.ValueType", int(kind)),
        location_id=location_id,
        string_id=string_id,
        battery_id=battery_id,
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        note=note,
    )
    if capacity_test is not None:
        event.capacity_test.CopyFrom(
            event_pb2.CapacityTest(
                discharged_ah=capacity_test.discharged_ah,
                current_a=capacity_test.current_a,
                temperature_c=capacity_test.temperature_c,
                end_voltage_v=capacity_test.end_voltage_v,
            )
        )
    if replacement is not None:
        event.replacement.CopyFrom(
            event_pb2.Replacement(
                new_serial=replacement.new_serial,
                old_serial=replacement.old_serial,
                reason=cast("event_pb2.ReplacementReason.ValueType", int(replacement.reason)),
            )
        )
    if current_sensor is not None:
        event.current_sensor.CopyFrom(
            event_pb2.CurrentSensor(
                discharge_positive=current_sensor.discharge_positive, offset_a=current_sensor.offset_a
            )
        )
    return RecordEventRequest(event=event, request_id=request_id or str(uuid.uuid4()))


def list_events_request(
    *,
    location_id: str,
    string_id: str,
    battery_id: str,
    kinds: Iterable[EventKind],
    start_time: datetime | None,
    end_time: datetime | None,
    page_size: int,
    page_token: str,
) -> ListEventsRequest:
    """Selects events."""
    return ListEventsRequest(
        location_id=location_id,
        string_id=string_id,
        battery_id=battery_id,
        kinds=[cast("event_pb2.EventKind.ValueType", int(kind)) for kind in kinds],
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        page_size=page_size,
        page_token=page_token,
    )


def _replacement_from_proto(message: event_pb2.Replacement) -> Replacement:
    return Replacement(message.new_serial, message.old_serial, enum_from_number(ReplacementReason, message.reason))


def _sensor_from_proto(message: event_pb2.CurrentSensor) -> CurrentSensor:
    return CurrentSensor(message.discharge_positive, message.offset_a if message.HasField("offset_a") else None)


def _test_from_proto(message: event_pb2.CapacityTest) -> CapacityTest:
    return CapacityTest(message.discharged_ah, message.current_a, message.temperature_c, message.end_voltage_v)
