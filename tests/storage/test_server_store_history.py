"""History from the store equals the same sums made with NumPy over the rows that were written."""

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.telemetry import LIVE_DTYPE, TRACED_COLUMNS, Flag
from storage.history_reads import HISTORY_METRICS
from storage.history_rows import HistoryRows
from storage.server_store import ServerStore
from tests.storage.server_stores import DAY_US, HOUR_US, MINUTE_US, NOW_US, make_minutes, store_rows, telemetry

START_US = NOW_US - NOW_US % DAY_US


async def _all_pages(store: ServerStore, limit: int, bucket_us: int | None, end_us: int) -> list[HistoryRows]:
    pages, after = [], None
    while True:
        page = await store.query_history(
            1, START_US, end_us, ["voltage_v", "soc"], bucket_us=bucket_us, after_us=after, limit=limit
        )
        pages.append(page)
        if not page.more:
            return pages
        assert 0 < len(page.time_us) <= limit
        assert bucket_us is not None or len(page.time_us) == limit, "raw rows fill their pages"
        after = int(page.time_us[-1])


async def test_raw_rows_come_back_exactly_with_late_ones_in_their_place(
    server_store: ServerStore, database_url: str
) -> None:
    rows = telemetry(1, range(START_US, START_US + 3 * HOUR_US, MINUTE_US), seed=1)
    rows["internal_resistance_mohm"] = np.nan
    rows["status"][5] = Flag.SUSPECT
    late = np.isin(np.arange(len(rows)), [7, 8, 100])
    store_rows(database_url, rows[~late])
    store_rows(database_url, rows[late], late=True)
    store_rows(database_url, telemetry(2, range(START_US, START_US + HOUR_US, MINUTE_US), seed=2))

    page = await server_store.query_history(
        1, START_US, START_US + DAY_US, HISTORY_METRICS, bucket_us=None, after_us=None, limit=20_000
    )
    assert not page.more
    np.testing.assert_array_equal(page.time_us, rows["sample_time_us"])
    for name in set(HISTORY_METRICS) - set(TRACED_COLUMNS):
        assert page.values[name].dtype == np.float32
        np.testing.assert_array_equal(page.values[name], rows[name])
    np.testing.assert_array_equal(np.flatnonzero(page.suspect), [5])
    assert page.minimums == page.maximums == {}
    assert await server_store.late_count() == 3


async def test_the_range_includes_its_start_and_excludes_its_end(server_store: ServerStore, database_url: str) -> None:
    store_rows(database_url, telemetry(1, [START_US, START_US + 1, START_US + 2]))
    page = await server_store.query_history(1, START_US, START_US + 2, ["soc"], bucket_us=None, after_us=None, limit=10)
    assert page.time_us.tolist() == [START_US, START_US + 1]


@pytest.mark.parametrize("bucket_us", [MINUTE_US, 7 * MINUTE_US, HOUR_US, DAY_US])
async def test_buckets_are_the_mean_least_and_greatest_of_what_was_measured(
    server_store: ServerStore, database_url: str, bucket_us: int
) -> None:
    rows = telemetry(1, range(START_US + 90_000_000, START_US + 5 * HOUR_US, MINUTE_US), seed=3)
    rows["soc"][::3] = np.nan
    rows["soc"][:60] = np.nan
    rows["status"][70] = Flag.SUSPECT
    store_rows(database_url, rows[::2])
    store_rows(database_url, rows[1::2], late=True)
    page = await server_store.query_history(
        1, START_US, START_US + DAY_US, ["voltage_v", "soc"], bucket_us=bucket_us, after_us=None, limit=20_000
    )
    bucket_of = rows["sample_time_us"] // bucket_us * bucket_us
    starts = np.unique(bucket_of)
    np.testing.assert_array_equal(page.time_us, starts)
    for index, start in enumerate(starts):
        inside = rows[bucket_of == start]
        assert page.row_count[index] == len(inside)
        assert page.suspect[index] == bool((inside["status"] & Flag.SUSPECT).any())
        for name in ("voltage_v", "soc"):
            measured = inside[name][~np.isnan(inside[name])].astype(np.float64)
            got = [series[name][index] for series in (page.values, page.minimums, page.maximums)]
            expected = [measured.mean(), measured.min(), measured.max()] if len(measured) else [np.nan] * 3
            np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("bucket_us", [None, 10 * MINUTE_US])
@pytest.mark.parametrize("limit", [1, 6, 7, 1_000])
async def test_pages_put_together_are_the_whole(
    server_store: ServerStore, database_url: str, bucket_us: int | None, limit: int
) -> None:
    minutes = [*range(12), *range(30, 42), *range(95, 113)]
    rows = telemetry(1, (START_US + minute * MINUTE_US for minute in minutes), seed=4)
    store_rows(database_url, rows[::2])
    store_rows(database_url, rows[1::2], late=True)
    [whole] = await _all_pages(server_store, 20_000, bucket_us, START_US + DAY_US)
    pages = await _all_pages(server_store, limit, bucket_us, START_US + DAY_US)
    np.testing.assert_array_equal(np.concatenate([p.time_us for p in pages]), whole.time_us)
    np.testing.assert_array_equal(np.concatenate([p.values["soc"] for p in pages]), whole.values["soc"])
    np.testing.assert_array_equal(np.concatenate([p.row_count for p in pages]), whole.row_count)
    assert len(pages) <= len(whole.time_us)


async def test_nothing_stored_is_an_empty_page(server_store: ServerStore) -> None:
    for bucket_us in (None, HOUR_US):
        page = await server_store.query_history(
            1, START_US, START_US + DAY_US, ["soc"], bucket_us=bucket_us, after_us=None, limit=10
        )
        assert (len(page.time_us), len(page.values["soc"]), len(page.row_count), page.more) == (0, 0, 0, False)


async def test_ninety_days_of_one_battery_at_one_minute_page_completely(
    server_store: ServerStore, database_url: str
) -> None:
    start_us = START_US - 90 * DAY_US
    make_minutes(database_url, start_us, START_US)
    times, after = [], None
    while True:
        page = await server_store.query_history(
            1, start_us, START_US, HISTORY_METRICS, bucket_us=None, after_us=after, limit=20_000
        )
        times.append(page.time_us)
        if not page.more:
            break
        after = int(page.time_us[-1])
    np.testing.assert_array_equal(np.concatenate(times), np.arange(start_us, START_US, MINUTE_US))
    days = await server_store.query_history(
        1, start_us, START_US, ["soc"], bucket_us=DAY_US, after_us=None, limit=20_000
    )
    assert days.row_count.tolist() == [1_440] * 90


async def test_unknown_metrics_and_impossible_times_are_refused(server_store: ServerStore) -> None:
    for metrics in ([], ["soc", "status"], ["soc; DROP TABLE reading"]):
        with pytest.raises(InvalidArgumentError) as refused:
            await server_store.query_history(1, 0, 1, metrics, bucket_us=None, after_us=None, limit=1)
        assert refused.value.field == "metrics"
    with pytest.raises(InvalidArgumentError) as refused:
        await server_store.query_history(1, 0, 2**62, ["soc"], bucket_us=None, after_us=None, limit=1)
    assert refused.value.reason is Reason.TIME_OUT_OF_RANGE


async def test_hourly_states_of_the_model_stand_at_their_readings(server_store: ServerStore, database_url: str) -> None:
    times_us = [START_US + n * HOUR_US // 4 for n in range(12)]
    store_rows(database_url, telemetry(1, times_us))
    traced = np.zeros(2, LIVE_DTYPE)
    traced["float_marker"], traced["float_marker_sigma"], traced["v1_v"] = [0.25, 0.5], 0.125, np.nan
    hours_us = np.array([times_us[0], times_us[4]], np.int64)
    for _ in range(2):  # what is stored already stays
        await server_store.save_model_trace(np.array([1, 1], np.int32), hours_us, traced)
    metrics = ("voltage_v", "float_marker", "float_marker_sigma", "v1_v")
    raw = await server_store.query_history(
        1, START_US, START_US + DAY_US, metrics, bucket_us=None, after_us=None, limit=100
    )
    assert raw.time_us.tolist() == times_us
    assert np.flatnonzero(np.isfinite(raw.values["float_marker"])).tolist() == [0, 4]
    assert raw.values["float_marker"][[0, 4]].tolist() == [0.25, 0.5]
    assert raw.values["float_marker_sigma"][4] == 0.125
    assert np.isnan(raw.values["v1_v"]).all()
    hourly = await server_store.query_history(
        1, START_US, START_US + DAY_US, metrics, bucket_us=HOUR_US, after_us=None, limit=100
    )
    assert hourly.row_count.tolist() == [4, 4, 4]
    np.testing.assert_array_equal(hourly.values["float_marker"], np.array([0.25, 0.5, np.nan], np.float32))
