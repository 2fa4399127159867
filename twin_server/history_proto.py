"""History as messages of `HistoryService`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration

from batterytwin.v1 import history_service_pb2 as pb
from storage.alert_records import AlertRecord
from storage.event_records import EventRecord
from storage.history_rows import HistoryRows
from twin_server.alert_proto import alert_to_proto
from twin_server.event_proto import event_to_proto
from twin_server.packed_fields import PackedFields

METRIC_NAMES: Final[dict[int, str]] = {
    number: name.removeprefix("METRIC_").lower() for name, number in pb.Metric.items() if number
}
"""Column of each metric: the names of the enum are those of the columns."""

_RESPONSE: Final = PackedFields(pb.QueryHistoryResponse)
_SERIES: Final = PackedFields(pb.HistorySeries)
_METRICS: Final = {name: pb.Metric.ValueType(number) for number, name in METRIC_NAMES.items()}


@dataclass(frozen=True, slots=True)
class HistoryMarks:
    """What happened in the time of a query.

    Attributes:
        events: events that concern the battery, newest first.
        alerts: alerts likewise.
        more: whether there are more of either.
    """

    events: Sequence[EventRecord]
    alerts: Sequence[AlertRecord]
    more: bool


def history_to_proto(
    rows: HistoryRows, next_page_token: str, *, bucket_us: int | None, marks: HistoryMarks | None
) -> pb.QueryHistoryResponse:
    """Message of one page of history."""
    response = pb.QueryHistoryResponse(
        next_page_token=next_page_token, bucket=None if bucket_us is None else _duration(bucket_us)
    )
    response.MergeFromString(_columns(rows, bucketed=bucket_us is not None))
    if marks is not None:
        response.events.extend(event_to_proto(event) for event in marks.events)
        response.alerts.extend(alert_to_proto(alert) for alert in marks.alerts)
        response.more_events = marks.more
    return response


def _columns(rows: HistoryRows, *, bucketed: bool) -> bytes:
    """Fields of a response that hold a value for each point."""
    fields = [
        _RESPONSE.numbers("time_unix_ns", rows.time_us * 1_000),
        *(_RESPONSE.delimited("series", _series(rows, name, bucketed=bucketed)) for name in rows.values),
        _RESPONSE.numbers("suspects", rows.suspect),
    ]
    if bucketed:
        fields.append(_RESPONSE.numbers("row_counts", rows.row_count))
    return b"".join(fields)


def _series(rows: HistoryRows, name: str, *, bucketed: bool) -> bytes:
    fields = [pb.HistorySeries(metric=_METRICS[name]).SerializeToString(), _SERIES.numbers("values", rows.values[name])]
    if bucketed:
        fields.append(_SERIES.numbers("min_values", rows.minimums[name]))
        fields.append(_SERIES.numbers("max_values", rows.maximums[name]))
    return b"".join(fields)


def _duration(time_us: int) -> Duration:
    seconds, micros = divmod(time_us, 1_000_000)
    return Duration(seconds=seconds, nanos=micros * 1_000)
