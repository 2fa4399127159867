"""Stored series from the messages of `HistoryService`."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from batterytwin.v1 import history_service_pb2
from clients.alerts_proto import alert_from_proto
from clients.events_proto import event_from_proto
from clients.exports import ExportChunk
from clients.history import History, Metric, Series
from clients.wire import enum_from_number, float_column, int_column, time_column

_Scalar = TypeVar("_Scalar", bound=np.generic)


def history_from_pages(pages: Sequence[history_service_pb2.QueryHistoryResponse]) -> History:
    """Joins the pages of one query, in order; at least one."""
    first = pages[0]
    pages = [page for page in pages if page.time_unix_ns] or pages[:1]
    times = np.concatenate([time_column(page.time_unix_ns) for page in pages])
    suspects = [np.asarray(page.suspects, dtype=np.bool_) for page in pages]
    return History(
        time_unix_ns=times,
        series={
            enum_from_number(Metric, series.metric): Series(
                values=np.concatenate([float_column(page.series[n].values) for page in pages]),
                min_values=_optional([float_column(page.series[n].min_values) for page in pages]),
                max_values=_optional([float_column(page.series[n].max_values) for page in pages]),
            )
            for n, series in enumerate(pages[0].series)
        },
        row_counts=_optional([int_column(page.row_counts) for page in pages]),
        suspects=np.concatenate(suspects),
        bucket=first.bucket.ToTimedelta() if first.HasField("bucket") else None,
        events=tuple(event_from_proto(event) for event in first.events),
        alerts=tuple(alert_from_proto(alert) for alert in first.alerts),
        more_events=first.more_events,
    )


def chunk_from_proto(piece: history_service_pb2.ExportHistoryResponse) -> ExportChunk:
    """Reads one piece of an export."""
    return ExportChunk(piece.data, piece.row_count, piece.done_fraction)


def _optional(columns: list[NDArray[_Scalar]]) -> NDArray[_Scalar] | None:
    joined = np.concatenate(columns)
    return joined if len(joined) else None
