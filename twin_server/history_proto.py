"""History as messages of `HistoryService`."""

from typing import Final

from batterytwin.v1 import history_service_pb2 as pb
from storage.history_reads import HistoryRows

METRIC_NAMES: Final[dict[int, str]] = {
    number: name.removeprefix("METRIC_").lower() for name, number in pb.Metric.items() if number
}
"""Column of each metric: the names of the enum are those of the columns."""

_METRICS: Final = {name: pb.Metric.ValueType(number) for number, name in METRIC_NAMES.items()}


def history_to_proto(rows: HistoryRows, next_page_token: str, *, bucketed: bool) -> pb.QueryHistoryResponse:
    """Message of one page of history."""
    series = [
        pb.HistorySeries(
            metric=_METRICS[name],
            values=values.tolist(),
            min_values=rows.minimums[name].tolist() if bucketed else None,
            max_values=rows.maximums[name].tolist() if bucketed else None,
        )
        for name, values in rows.values.items()
    ]
    return pb.QueryHistoryResponse(
        time_unix_ns=(rows.time_us * 1_000).tolist(),
        series=series,
        row_counts=rows.row_count.tolist() if bucketed else None,
        suspects=rows.suspect.tolist(),
        next_page_token=next_page_token,
    )
