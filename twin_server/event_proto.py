"""Events as messages of `HistoryService`."""

from batterytwin.v1 import event_pb2
from storage.event_records import EventRecord
from twin_server.time_proto import us_to_timestamp


def event_to_proto(event: EventRecord) -> event_pb2.Event:
    """Message of one event."""
    test, replacement, sensor = event.capacity_test, event.replacement, event.current_sensor
    return event_pb2.Event(
        event_id=event.event_id,
        kind=event_pb2.EventKind.ValueType(int(event.kind)),
        location_id=event.location_id,
        string_id=event.string_id,
        battery_id=event.battery_id,
        start_time=us_to_timestamp(event.start_us),
        end_time=None if event.end_us is None else us_to_timestamp(event.end_us),
        note=event.note,
        capacity_test=None
        if test is None
        else event_pb2.CapacityTest(
            discharged_ah=test.discharged_ah,
            current_a=test.current_a,
            temperature_c=test.temperature_c,
            end_voltage_v=test.end_voltage_v,
        ),
        recorded_by=event.recorded_by,
        record_time=us_to_timestamp(event.record_us),
        current_sensor=None
        if sensor is None
        else event_pb2.CurrentSensor(discharge_positive=sensor.discharge_positive, offset_a=sensor.offset_a),
        replacement=None
        if replacement is None
        else event_pb2.Replacement(
            new_serial=replacement.new_serial,
            old_serial=replacement.old_serial,
            reason=event_pb2.ReplacementReason.ValueType(int(replacement.reason)),
        ),
    )
