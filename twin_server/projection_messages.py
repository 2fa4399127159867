"""Projections as messages."""

from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2
from storage.projection_records import ProjectionRecord
from twin_server.projection_job import ProjectionNews
from twin_server.time_proto import optional_timestamp, us_to_timestamp


def projection_message(record: ProjectionRecord, news: ProjectionNews) -> projection_pb2.Projection:
    """Message of a projection, with its result where the record has one.

    Args:
        record: as stored.
        news: how far it has come, if it runs.
    """
    message = projection_pb2.Projection()
    if record.result is not None:
        message.MergeFromString(record.result)
    message.projection_id = record.projection_id
    message.request.MergeFromString(record.request)
    message.state = projection_pb2.ProjectionState.ValueType(record.state)
    message.progress = 1.0 if record.state is ProjectionState.DONE else news.share
    message.reason = record.reason
    begin = optional_timestamp(record.begin_us or news.begin_us)
    if begin is not None:
        message.begin_time.CopyFrom(begin)
    message.battery_count = record.battery_count
    message.ask_time.CopyFrom(us_to_timestamp(record.asked_us))
    message.asked_by = record.asked_by
    done = optional_timestamp(record.done_us)
    if done is not None:
        message.done_time.CopyFrom(done)
    message.took_s = record.took_s
    return message
