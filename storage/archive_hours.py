"""Hours of days that are sealed: what ten years of history are drawn from, long after the readings are gone.

A file holds a quarter of a year of a block of batteries, the present one as far as days are sealed: a year of one
battery is then in five files, and in few rows of each. It is made a few batteries at a time.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, Flag, Rows
from storage.archive_files import (
    KEYS_PER_FILE,
    ArchiveDamagedError,
    FileSummary,
    keys_in_parts,
    read_rows,
    read_table,
    write_tables,
)
from storage.archive_manifest import FileKind, current_files, exchange_files, from_date, to_date

HOUR_US: Final = 3_600_000_000
SUMMED_COLUMNS: Final = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS)
"""Columns that hours are made of."""

_QUARTER_MONTHS: Final = 3

Connection = psycopg.Connection[Any]
_Place = tuple[int, int]  # first day of a quarter, and block of batteries


def make_hours(connection: Connection, folder: Path, before_day: int) -> int:
    """Brings hours up to a day, a file a quarter and block of batteries. What is there is kept, and gains what is not.

    Days that are covered are not looked at again: what is sealed of them later is added where it is sealed
    (`archive_hour_changes`).

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        before_day: only days before this one, since 1970-01-01 UTC.

    Returns:
        Files that were made.

    Raises:
        ArchiveDamagedError: a file is not what was written; its quarter and block stay as they are, others are made.
        OSError: the disk is full.
        psycopg.Error: the database is away.
    """
    there = _by_place(current_files(connection, FileKind.HOURS))
    readings = _by_place(current_files(connection, FileKind.READINGS))
    count = 0
    damaged: list[ArchiveDamagedError] = []
    for place in sorted(there.keys() | readings.keys()):
        old, files = there[place], readings[place]
        days = _days_to_cover(place[0], before_day, old, files)
        if not days or [(file.first_day, file.last_day) for file in old] == [(days[0], days[-1])]:
            continue
        try:
            new = write_hours(folder, place[1], (days[0], days[-1]), _joined(folder, days, old, files))
        except ArchiveDamagedError as error:
            damaged.append(error)
            continue
        with connection.transaction():
            exchange_files(connection, FileKind.HOURS, [new], [file.path for file in old])
        count += 1
    if damaged:
        raise damaged[0]
    return count


def write_hours(folder: Path, block: int, days: tuple[int, int], hours_of: Callable[[range], pa.Table]) -> FileSummary:
    """Writes a file of hours, a few batteries at a time.

    One without rows is written too, so that it is known that there were none.

    Args:
        folder: of the archive.
        block: of batteries.
        days: first and last day that the file stands for.
        hours_of: hours of some batteries, as `sum_hours` gives them; what it raises is raised, and nothing left behind.

    Raises:
        ArchiveDamagedError: what was read back is not what was written.
        OSError: the disk is full.
    """
    first, keys = to_date(days[0]), range(block * KEYS_PER_FILE, (block + 1) * KEYS_PER_FILE)
    path = f"{first:%Y/%m}/hours-{first:%Y%m%d}-{block:05d}-{uuid.uuid4().hex[:8]}.parquet"
    schema = sum_hours(np.empty(0, _ROWS)).schema
    written = write_tables(folder, path, schema, (hours_of(some) for some in keys_in_parts(keys)), days)
    return written if written.row_count else replace(written, first_key=keys[0], last_key=keys[0])


def _joined(
    folder: Path, days: range, old: Sequence[FileSummary], readings: Sequence[FileSummary]
) -> Callable[[range], pa.Table]:
    """Hours that are there, with those of the days that they lack."""
    missing = [
        (stretch, [file.path for file in readings if file.first_day < stretch.stop and file.last_day >= stretch.start])
        for stretch in _missing(days, old)
    ]

    def hours_of(keys: range) -> pa.Table:
        parts = [read_table(folder, file.path, keys) for file in old]
        parts += [sum_days(folder, paths, keys, stretch) for stretch, paths in missing]
        return sorted_hours(parts)

    return hours_of


def sorted_hours(parts: Sequence[pa.Table]) -> pa.Table:
    """Hours of some tables as one, sorted by battery and hour."""
    return pa.concat_tables(parts).sort_by([("battery_key", "ascending"), ("hour", "ascending")]).combine_chunks()


def quarter_of(day: int) -> range:
    """Days of the quarter of a year that a day belongs to, since 1970-01-01 UTC."""
    there = to_date(day)
    month = (there.month - 1) // _QUARTER_MONTHS * _QUARTER_MONTHS + 1
    after = date(there.year + (month + _QUARTER_MONTHS) // 13, (month + _QUARTER_MONTHS - 1) % 12 + 1, 1)
    return range(from_date(date(there.year, month, 1)), from_date(after))


def _by_place(files: Sequence[FileSummary]) -> defaultdict[_Place, list[FileSummary]]:
    """Files by the quarters that they touch and their blocks."""
    found: defaultdict[_Place, list[FileSummary]] = defaultdict(list)
    for file in files:
        for quarter in {quarter_of(file.first_day).start, quarter_of(file.last_day).start}:
            found[quarter, file.first_key // KEYS_PER_FILE].append(file)
    return found


def _days_to_cover(quarter: int, before_day: int, old: Sequence[FileSummary], readings: Sequence[FileSummary]) -> range:
    """Days of a quarter from the first one that anything is known of; those that are covered stay so."""
    days = quarter_of(quarter)
    first = min(file.first_day for file in (*old, *readings))
    stop = max([before_day, *(file.last_day + 1 for file in old)])
    return range(max(days.start, first), min(days.stop, stop))


def _missing(days: range, covered: Sequence[FileSummary]) -> list[range]:
    """Stretches of days that no file covers."""
    found, day = [], days.start
    for file in sorted(covered, key=lambda file: file.first_day):
        if day < file.first_day:
            found.append(range(day, file.first_day))
        day = max(day, file.last_day + 1)
    return [*found, range(day, days.stop)] if day < days.stop else found


def sum_days(folder: Path, paths: Sequence[str], keys: Sequence[int], days: range) -> pa.Table:
    """Sums days of some batteries up; all of their rows are held at once.

    Args:
        folder: of the archive.
        paths: files of readings, all that hold something of these batteries and days.
        keys: a few batteries, sorted.
        days: since 1970-01-01 UTC.

    Returns:
        As `sum_hours`.

    Raises:
        ArchiveDamagedError: a file is missing or cannot be read.
    """
    if not paths or not keys:
        return sum_hours(np.empty(0, _ROWS))
    start_us, end_us = days.start * 24 * HOUR_US, days.stop * 24 * HOUR_US
    rows = np.concatenate(list(read_rows(folder, paths, keys, start_us, end_us)))
    return sum_hours(rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))])


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
