"""Requests for history, shared by the blocking and the asynchronous client."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, cast

from google.protobuf.duration_pb2 import Duration

from batterytwin.errors import InvalidArgumentError
from batterytwin.v1.history_service_pb2 import ExportFormat as FormatNumber
from batterytwin.v1.history_service_pb2 import ExportHistoryRequest, QueryHistoryRequest
from batterytwin.v1.history_service_pb2 import Metric as MetricNumber
from clients.exports import ExportFormat
from clients.history import Metric
from clients.wire import time_to_proto

Bucket = timedelta | Literal["auto"] | None
"""Length of buckets; "auto" = the server chooses, None = raw rows."""


def query_history_request(
    battery_id: str,
    start_time: datetime,
    end_time: datetime,
    *,
    metrics: Iterable[Metric],
    bucket: Bucket,
    max_points: int,
    with_events: bool,
) -> QueryHistoryRequest:
    """Selects the first page of history.

    Raises:
        InvalidArgumentError: a time has no zone, or the bucket is not longer than nothing.
    """
    return QueryHistoryRequest(
        battery_id=battery_id,
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        metrics=_numbers(metrics),
        bucket=None if bucket == "auto" else _duration(bucket),
        auto_bucket=bucket == "auto",
        max_points=max_points,
        with_events=with_events,
    )


def export_history_request(
    start_time: datetime,
    end_time: datetime,
    *,
    battery_id: str,
    string_id: str,
    location_id: str,
    metrics: Iterable[Metric],
    file_format: ExportFormat,
    bucket: timedelta | None,
) -> ExportHistoryRequest:
    """Selects what to export.

    Raises:
        InvalidArgumentError: not one of battery, string and location is named, a time has no zone, or the bucket is not
            longer than nothing.
    """
    named = {"battery_id": battery_id, "string_id": string_id, "location_id": location_id}
    scope = {field: name for field, name in named.items() if name}
    if len(scope) != 1:
        raise InvalidArgumentError("Name one battery_id, string_id or location_id to export.", field="scope")
    request = ExportHistoryRequest(
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        metrics=_numbers(metrics),
        format=cast("FormatNumber.ValueType", int(file_format)),
        bucket=_duration(bucket),
    )
    for field, name in scope.items():
        setattr(request, field, name)
    return request


def _numbers(metrics: Iterable[Metric]) -> list["MetricNumber.ValueType"]:
    return [cast("MetricNumber.ValueType", int(metric)) for metric in metrics]


def _duration(bucket: timedelta | None) -> Duration | None:
    if bucket is None:
        return None
    if bucket <= timedelta(0):
        raise InvalidArgumentError(
            f"A bucket of {bucket} holds nothing; give a positive length, or None for raw rows.",
            field="bucket",
            value=bucket,
        )
    duration = Duration()
    duration.FromTimedelta(bucket)
    return duration
