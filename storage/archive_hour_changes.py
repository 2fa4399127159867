"""Keeps hours true when the readings of their days change.

A current file of hours counts every row that was ever sealed of its days and batteries, once. Readings are let go years
before their hours, so that hours can not be made from them again at any time. They change therefore in the transaction
that changes readings, and never after it: rows that are sealed are added to them by weight, and nobody has to find out
later which of the rows they hold already. No row is seen twice or not at all in between, and none counts twice should
the work be repeated, because hours and readings changed together or not at all.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray

from storage.archive_files import KEYS_PER_FILE, FileSummary, read_table
from storage.archive_hours import HOUR_US, SUMMED_COLUMNS, sorted_hours, sum_days, write_hours
from storage.archive_manifest import FileKind, current_files

_HOURS_SHIFT: Final = 1 << 23  # hours since 1970; more than 900 years

Connection = psycopg.Connection[Any]


def hours_with(
    connection: Connection, folder: Path, sealed: Sequence[FileSummary]
) -> Iterator[tuple[str, FileSummary]]:
    """Files of hours with the rows of new files of readings in them, which are in none so far.

    Args:
        connection: of a migrated database.
        folder: of the archive.
        sealed: new files, not in the manifest yet, each of another block of batteries.

    Yields:
        File that is replaced, and the one that was written.

    Raises:
        ArchiveDamagedError: a file is not what was written.
        OSError: the disk is full.
        psycopg.OperationalError: the database is away.
    """
    for file in sealed:
        for old in _hours_of(connection, file):
            yield old.path, _write(folder, old, _with_rows(folder, old, file))


def hours_again(
    connection: Connection, folder: Path, old_file: FileSummary, new_file: FileSummary, keys: Sequence[int]
) -> Iterator[tuple[str, FileSummary]]:
    """Files of hours in which some batteries are summed up once more, where their readings are still there.

    Args:
        connection: of a migrated database.
        folder: of the archive.
        old_file: file of readings that is about to be replaced.
        new_file: that takes its place, with the same rows, not in the manifest yet.
        keys: batteries whose rows differ in the two.

    Yields:
        File that is replaced, and the one that was written.

    Raises:
        ArchiveDamagedError: a file is not what was written.
        OSError: the disk is full.
        psycopg.OperationalError: the database is away.
    """
    span = (old_file.first_day, old_file.last_day)
    files = current_files(connection, FileKind.READINGS, span, (min(keys), max(keys)))
    paths = [new_file.path, *(file.path for file in files if file.path != old_file.path)]
    for old in _hours_of(connection, new_file):
        yield old.path, _write(folder, old, _with_sums(folder, old, paths, keys, _common_days(old, new_file)))


def _with_rows(folder: Path, old: FileSummary, file: FileSummary) -> Callable[[range], pa.Table]:
    """Hours with the rows of a file of readings."""
    days = _common_days(old, file)
    return lambda keys: added(read_table(folder, old.path, keys), sum_days(folder, [file.path], keys, days))


def _with_sums(
    folder: Path, old: FileSummary, paths: Sequence[str], keys: Sequence[int], days: range
) -> Callable[[range], pa.Table]:
    """Hours of which those of some batteries are summed up once more."""

    def hours_of(some: range) -> pa.Table:
        again = sum_days(folder, paths, [key for key in keys if key in some], days)
        return summed_again(read_table(folder, old.path, some), again)

    return hours_of


def added(hours: pa.Table, more: pa.Table) -> pa.Table:
    """Hours of two sets of rows that share none, as `sum_hours` would give them of both together.

    Args:
        hours: of the one, as `sum_hours` gives them, any order.
        more: of the other.

    Returns:
        Sorted by battery and hour.
    """
    here, there = _in_both(hours, more)
    both = _sum_of(hours.take(here), more.take(there))
    return sorted_hours([_without(hours, here), both, _without(more, there)])


def summed_again(hours: pa.Table, again: pa.Table) -> pa.Table:
    """Hours in which those whose rows are all there are replaced.

    An hour counts all rows that were ever sealed of it. Where fewer are left the others are gone, and what the hour
    tells of them is all there is: it stays as it is.

    Args:
        hours: as they are, any order.
        again: some of them, summed up from the rows that are left.

    Returns:
        Sorted by battery and hour.
    """
    here, there = _in_both(hours, again)
    whole = _numbers(again, "row_count")[there] >= _numbers(hours, "row_count")[here]
    return sorted_hours([_without(hours, here[whole]), _without(again, there[~whole])])


def _hours_of(connection: Connection, file: FileSummary) -> list[FileSummary]:
    """Files of hours that stand for days of a file of readings in its block, whichever batteries they hold."""
    first = file.first_key // KEYS_PER_FILE * KEYS_PER_FILE
    return current_files(
        connection, FileKind.HOURS, (file.first_day, file.last_day), (first, first + KEYS_PER_FILE - 1)
    )


def _common_days(one: FileSummary, other: FileSummary) -> range:
    return range(max(one.first_day, other.first_day), min(one.last_day, other.last_day) + 1)


def _write(folder: Path, old: FileSummary, hours_of: Callable[[range], pa.Table]) -> FileSummary:
    return write_hours(folder, old.first_key // KEYS_PER_FILE, (old.first_day, old.last_day), hours_of)


def _in_both(one: pa.Table, other: pa.Table) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the pairs of battery and hour that both have, in each of the two."""
    _, here, there = np.intersect1d(_pairs(one), _pairs(other), assume_unique=True, return_indices=True)
    return here, there


def _pairs(hours: pa.Table) -> NDArray[np.int64]:
    """Battery and hour as one number."""
    hour: NDArray[np.int64] = hours["hour"].cast(pa.int64()).to_numpy() // HOUR_US
    return _numbers(hours, "battery_key") * _HOURS_SHIFT + hour


def _sum_of(one: pa.Table, other: pa.Table) -> pa.Table:
    """Sums of the same batteries and hours, place by place."""
    columns: dict[str, Any] = {"battery_key": one["battery_key"], "hour": one["hour"]}
    for name in ("row_count", "suspect_count"):
        columns[name] = _numbers(one, name) + _numbers(other, name)
    for name in SUMMED_COLUMNS:
        counts = [_numbers(table, f"{name}_count") for table in (one, other)]
        means = [np.nan_to_num(_values(table, f"{name}_mean")) for table in (one, other)]
        count = counts[0] + counts[1]
        columns[f"{name}_mean"] = (means[0] * counts[0] + means[1] * counts[1]) / np.maximum(count, 1)
        for kind, choose in (("min", np.fmin), ("max", np.fmax)):
            columns[f"{name}_{kind}"] = choose(_values(one, f"{name}_{kind}"), _values(other, f"{name}_{kind}"))
        for kind in ("mean", "min", "max"):
            kept = np.where(count == 0, 0.0, columns[f"{name}_{kind}"])
            columns[f"{name}_{kind}"] = pa.array(kept.astype(np.float32), mask=count == 0)
        columns[f"{name}_count"] = count
    return pa.table(columns).select(one.column_names).cast(one.schema)


def _numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = table[name].to_numpy().astype(np.int64)
    return numbers


def _values(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Values of a column, NaN = none."""
    values: NDArray[np.float64] = table[name].to_numpy().astype(np.float64)
    return values


def _without(table: pa.Table, places: NDArray[np.intp]) -> pa.Table:
    kept = np.ones(table.num_rows, np.bool_)
    kept[places] = False
    return table.filter(pa.array(kept))
