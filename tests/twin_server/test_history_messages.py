"""Pages of history are what protobuf would have written, and no larger than any client takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.errors import InvalidArgumentError
from batterytwin.v1 import history_service_pb2 as pb
from storage.history_reads import HISTORY_METRICS
from storage.history_rows import HistoryRows
from twin_server.history_page import LARGEST_PAGE, MOST_BYTES, page_points
from twin_server.history_proto import history_to_proto

HOUR_US = 3_600_000_000


def some_rows(count: int, names: tuple[str, ...], *, bucketed: bool, seed: int = 0, most_rows: int = 60) -> HistoryRows:
    rng = np.random.default_rng(seed)

    def series() -> dict[str, np.ndarray]:
        values = rng.normal(size=(len(names), count)).astype(np.float32)
        values[rng.random(values.shape) < 0.1] = np.nan
        return dict(zip(names, values, strict=True))

    return HistoryRows(
        time_us=1_700_000_000_000_000 + np.arange(count) * HOUR_US,
        values=series(),
        minimums=series() if bucketed else {},
        maximums=series() if bucketed else {},
        row_count=rng.integers(1, most_rows + 1, count, dtype=np.int32),
        suspect=rng.random(count) < 0.3,
        more=False,
    )


def by_protobuf(rows: HistoryRows, token: str, *, bucketed: bool) -> pb.QueryHistoryResponse:
    response = pb.QueryHistoryResponse(
        time_unix_ns=(rows.time_us * 1_000).tolist(),
        series=[
            pb.HistorySeries(
                metric=pb.Metric.Value(f"METRIC_{name.upper()}"),
                values=rows.values[name].tolist(),
                min_values=rows.minimums[name].tolist() if bucketed else None,
                max_values=rows.maximums[name].tolist() if bucketed else None,
            )
            for name in rows.values
        ],
        row_counts=rows.row_count.tolist() if bucketed else None,
        suspects=rows.suspect.tolist(),
        next_page_token=token,
    )
    if bucketed:
        response.bucket.FromSeconds(3_600)
    return response


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 50),
    names=st.lists(st.sampled_from(HISTORY_METRICS), min_size=1, unique=True).map(tuple),
    bucketed=st.booleans(),
    token=st.text(max_size=9),
    most_rows=st.sampled_from([60, 3_600]),
    seed=st.integers(0, 9),
)
def test_a_page_is_what_protobuf_would_write(
    count: int, names: tuple[str, ...], *, bucketed: bool, token: str, most_rows: int, seed: int
) -> None:
    rows = some_rows(count, names, bucketed=bucketed, seed=seed, most_rows=most_rows)
    written = history_to_proto(rows, token, bucket_us=HOUR_US if bucketed else None, marks=None)
    expected = by_protobuf(rows, token, bucketed=bucketed)
    assert written.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize("metric_count", [1, 4, len(HISTORY_METRICS)])
def test_a_full_page_is_no_larger_than_it_may_be(metric_count: int, *, bucketed: bool) -> None:
    points = page_points(0, metric_count, bucketed=bucketed)
    rows = some_rows(points, HISTORY_METRICS[:metric_count], bucketed=bucketed, most_rows=2**31 - 2)
    message = history_to_proto(rows, "", bucket_us=HOUR_US if bucketed else None, marks=None)
    assert message.ByteSize() < MOST_BYTES + 1_024
    assert points == LARGEST_PAGE or message.ByteSize() > 0.9 * MOST_BYTES


def test_a_page_size_is_kept_where_it_can_be() -> None:
    assert page_points(7, 20, bucketed=True) == 7
    assert page_points(10**9, 1, bucketed=False) == LARGEST_PAGE
    with pytest.raises(InvalidArgumentError, match="page_size"):
        page_points(-1, 1, bucketed=False)
