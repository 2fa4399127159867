"""Exports from the store give every row once, as it is known now, a batch at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pytest

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.telemetry import LIVE_DTYPE, MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, TRACED_COLUMNS, Flag, Rows
from storage.history_export import ExportBatch
from storage.history_reads import HISTORY_METRICS
from storage.instants import to_datetime
from storage.server_store import ServerStore
from tests.storage.server_stores import DAY_US, HOUR_US, MINUTE_US, NOW_US, make_minutes, store_rows, telemetry

START_US = NOW_US - NOW_US % DAY_US


async def batches_of(
    store: ServerStore,
    keys: Sequence[int],
    *,
    start_us: int = START_US,
    end_us: int = START_US + DAY_US,
    metrics: Sequence[str] = HISTORY_METRICS,
    batch_rows: int = 20_000,
) -> list[ExportBatch]:
    return [batch async for batch in store.export_history(keys, start_us, end_us, metrics, batch_rows)]


def joined(batches: Sequence[ExportBatch], column: str) -> Any:
    return np.concatenate([getattr(batch, column) for batch in batches])


def values(batches: Sequence[ExportBatch], metric: str) -> Any:
    return np.concatenate([batch.values[metric] for batch in batches])


def revise(database_url: str, rows: Rows, status: int) -> None:
    """Computes estimates anew: those of `rows`."""
    names = ("battery_key", "sample_time", "revision", "status", *STORED_ESTIMATE_COLUMNS)
    with psycopg.connect(database_url) as connection:
        for row in rows:
            key = (int(row["battery_key"]), to_datetime(int(row["sample_time_us"])), 1, status)
            connection.execute(
                f"INSERT INTO revised_estimate ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
                (*key, *(row[name].item() for name in STORED_ESTIMATE_COLUMNS)),
            )


@pytest.mark.parametrize("batch_rows", [1, 7, 60, 20_000])
async def test_every_row_comes_once_in_order_and_late_ones_are_marked(
    server_store: ServerStore, database_url: str, batch_rows: int
) -> None:
    minutes = range(START_US, START_US + HOUR_US, MINUTE_US)
    first, second = telemetry(1, minutes, seed=1), telemetry(3, minutes, seed=2)
    first["internal_resistance_mohm"] = np.nan
    first["status"][5] = Flag.SUSPECT
    late = np.isin(np.arange(len(first)), [0, 6, 7, 59])
    for rows, is_late in ((first[~late], False), (first[late], True), (second, False)):
        store_rows(database_url, rows, late=is_late)
    batches = await batches_of(server_store, [3, 2, 1], batch_rows=batch_rows)
    assert all(0 < len(batch) <= batch_rows for batch in batches)
    np.testing.assert_array_equal(joined(batches, "battery_keys"), [3] * 60 + [1] * 60)
    np.testing.assert_array_equal(joined(batches, "time_us"), [*minutes, *minutes])
    for name in (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS):
        np.testing.assert_array_equal(values(batches, name), np.concatenate([second[name], first[name]]))
    np.testing.assert_array_equal(joined(batches, "late"), np.concatenate([np.zeros(60, bool), late]))
    np.testing.assert_array_equal(np.flatnonzero(joined(batches, "suspect")), [65])


async def test_estimates_are_the_newest_and_measurements_stay(server_store: ServerStore, database_url: str) -> None:
    rows = telemetry(1, range(START_US, START_US + 10 * MINUTE_US, MINUTE_US), seed=3)
    store_rows(database_url, rows)
    anew = telemetry(1, rows["sample_time_us"][4:6], seed=4)
    revise(database_url, anew, status=int(Flag.SUSPECT))
    batches = await batches_of(server_store, [1])
    known = rows.copy()
    raw, hour = [
        await server_store.query_history(
            1, START_US, START_US + DAY_US, HISTORY_METRICS, bucket_us=bucket_us, after_us=None, limit=100
        )
        for bucket_us in (None, HOUR_US)
    ]
    for name in STORED_ESTIMATE_COLUMNS:
        known[name][4:6] = anew[name]
    for name in (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS):
        np.testing.assert_array_equal(values(batches, name), known[name])
        np.testing.assert_array_equal(raw.values[name], known[name])
        np.testing.assert_allclose(hour.values[name], [known[name].astype(np.float64).mean()], rtol=1e-6)
    assert np.flatnonzero(joined(batches, "suspect")).tolist() == [4, 5]
    assert np.flatnonzero(raw.suspect).tolist() == [4, 5]
    assert hour.suspect.tolist() == [True]


async def test_hourly_states_of_the_model_stand_at_their_readings(server_store: ServerStore, database_url: str) -> None:
    times_us = [START_US + n * HOUR_US // 4 for n in range(8)]
    store_rows(database_url, telemetry(1, times_us))
    traced = np.zeros(2, LIVE_DTYPE)
    traced["float_marker"] = [0.25, 0.5]
    await server_store.save_model_trace(
        np.array([1, 1], np.int32), np.array([times_us[0], times_us[4]], np.int64), traced
    )
    for metrics in (HISTORY_METRICS, TRACED_COLUMNS):
        markers = values(await batches_of(server_store, [1], metrics=metrics, batch_rows=3), "float_marker")
        assert np.flatnonzero(np.isfinite(markers)).tolist() == [0, 4]
        assert markers[[0, 4]].tolist() == [0.25, 0.5]


async def test_ninety_days_of_one_battery_are_129_600_rows(server_store: ServerStore, database_url: str) -> None:
    start_us = START_US - 90 * DAY_US
    make_minutes(database_url, start_us, START_US)
    batches = await batches_of(server_store, [1, 2], start_us=start_us, end_us=START_US)
    times = joined(batches, "time_us")
    assert len(times) == 129_600
    np.testing.assert_array_equal(times, np.arange(start_us, START_US, MINUTE_US))


async def test_an_empty_time_gives_no_batch(server_store: ServerStore) -> None:
    assert await batches_of(server_store, [1, 2]) == []
    assert await batches_of(server_store, []) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": []}, Reason.INVALID_ARGUMENT),
        ({"metrics": ["soc", "status"]}, Reason.INVALID_ARGUMENT),
        ({"metrics": ["soc; DROP TABLE reading"]}, Reason.INVALID_ARGUMENT),
        ({"end_us": 2**62}, Reason.TIME_OUT_OF_RANGE),
    ],
)
async def test_what_cannot_be_exported_is_refused(
    server_store: ServerStore, changes: dict[str, Any], reason: Reason
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        await batches_of(server_store, [1], **changes)
    assert refused.value.reason is reason
