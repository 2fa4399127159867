"""Hours of months that are sealed: what ten years of history are drawn from, long after the readings are gone."""

import uuid
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, Flag, Rows
from storage.archive_files import KEYS_PER_FILE, FileSummary, read_rows, write_table
from storage.archive_manifest import FileKind, current_files, exchange_files, from_date, to_date

HOUR_US: Final = 3_600_000_000
SUMMED_COLUMNS: Final = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS)
"""Columns that hours are made of."""

_KEYS_AT_ONCE: Final = 16

Connection = psycopg.Connection[Any]


def make_hours(connection: Connection, folder: Path, before_day: int) -> int:
    """Makes the hours of every month that lies before a day and has none, a file a block of batteries.

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        before_day: only months that end before this day, since 1970-01-01 UTC.

    Returns:
        Files that were made.

    Raises:
        ArchiveDamagedError: a file of readings is not what was written.
        OSError: the disk is full.
        psycopg.Error: the database is away.
    """
    made = {(file.first_day, file.first_key // KEYS_PER_FILE) for file in current_files(connection, FileKind.HOURS)}
    wanted: dict[tuple[int, int], list[FileSummary]] = defaultdict(list)
    for file in current_files(connection, FileKind.READINGS):
        for month in {_month_of(file.first_day), _month_of(file.last_day)}:
            wanted[month, file.first_key // KEYS_PER_FILE].append(file)
    count = 0
    for (month, block), files in sorted(wanted.items()):
        last_day = _next_month(month) - 1
        if (month, block) in made or last_day >= before_day:
            continue
        table = _month_table(folder, [file.path for file in files], block, (month, last_day + 1))
        if table.num_rows:
            path = f"{to_date(month):%Y/%m}/hours-{to_date(month):%Y%m}-{block:05d}-{uuid.uuid4().hex[:8]}.parquet"
            new = write_table(folder, path, table, (month, last_day))
            with connection.transaction():
                exchange_files(connection, FileKind.HOURS, [new])
            count += 1
    return count


def _month_of(day: int) -> int:
    return from_date(to_date(day).replace(day=1))


def _next_month(month: int) -> int:
    first = to_date(month)
    return from_date(date(first.year + first.month // 12, first.month % 12 + 1, 1))


def _month_table(folder: Path, paths: list[str], block: int, days: tuple[int, int]) -> pa.Table:
    start_us, end_us = days[0] * 24 * HOUR_US, days[1] * 24 * HOUR_US
    parts = [sum_hours(np.empty(0, _ROWS))]
    for first in range(block * KEYS_PER_FILE, (block + 1) * KEYS_PER_FILE, _KEYS_AT_ONCE):
        keys = range(first, first + _KEYS_AT_ONCE)
        rows = np.concatenate(list(read_rows(folder, paths, keys, start_us, end_us)))
        parts.append(sum_hours(rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]))
    return pa.concat_tables(parts).combine_chunks()


def sum_hours(rows: Rows) -> pa.Table:
    """Sums readings up by battery and hour.

    Args:
        rows: with the columns of `TELEMETRY_DTYPE`, sorted by battery and sample time, shape `(n_rows,)`.

    Returns:
        Table with `battery_key`, `hour`, `row_count`, `suspect_count`, and of each column `*_mean`, `*_min`, `*_max`
        (float32, null = nothing was measured) and `*_count`.
    """
    hours = rows["sample_time_us"] // HOUR_US
    starts = np.flatnonzero(
        np.concatenate(
            [np.ones(min(len(rows), 1), np.bool_), (np.diff(hours) != 0) | (np.diff(rows["battery_key"]) != 0)]
        )
    )
    suspect = (rows["status"] & Flag.SUSPECT) != 0
    columns: dict[str, Any] = {
        "battery_key": pa.array(rows["battery_key"][starts].astype(np.int32)),
        "hour": pa.array(hours[starts] * HOUR_US, pa.timestamp("us")),
        "row_count": pa.array(np.diff(np.append(starts, len(rows))).astype(np.int32)),
        "suspect_count": pa.array(_sum(suspect.astype(np.int32), starts).astype(np.int32)),
    }
    for name in SUMMED_COLUMNS:
        values = rows[name].astype(np.float64)
        known = ~np.isnan(values)
        count = _sum(known.astype(np.int32), starts)
        empty = count == 0
        mean = _sum(np.where(known, values, 0.0), starts) / np.maximum(count, 1)
        lowest = _reduce(np.minimum, np.where(known, values, np.inf), starts)
        highest = _reduce(np.maximum, np.where(known, values, -np.inf), starts)
        for kind, column in (("mean", mean), ("min", lowest), ("max", highest)):
            columns[f"{name}_{kind}"] = pa.array(np.where(empty, 0.0, column).astype(np.float32), mask=empty)
        columns[f"{name}_count"] = pa.array(count.astype(np.int32))
    return pa.table(columns)


def _sum(values: Any, starts: Any) -> Any:
    return _reduce(np.add, values, starts)


def _reduce(function: np.ufunc, values: Any, starts: Any) -> Any:
    return function.reduceat(values, starts) if len(starts) else values[:0]


_ROWS: Final = np.dtype(
    [("battery_key", "<i4"), ("sample_time_us", "<i8"), ("status", "<i2"), *((n, "<f4") for n in SUMMED_COLUMNS)]
)
