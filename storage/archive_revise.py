"""Gives rows of the archive the estimates of newer revisions.

The past of a twin may change when its days are sealed already: a block was replaced three weeks ago and somebody tells
of it today, or recorded history comes in any order. The files that hold such days are written anew, a few
batteries at a time, and those of their hours.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from batterytwin.telemetry import STORED_ESTIMATE_COLUMNS, Rows
from storage.archive_files import (
    KEYS_PER_FILE,
    ArchiveDamagedError,
    FileSummary,
    keys_in_parts,
    read_rows,
    write_parts,
)
from storage.archive_hour_changes import hours_again
from storage.archive_manifest import FileKind, current_files, exchange_files, remove_unnamed, to_date
from storage.archive_seal import Failpoint, no_failpoint
from storage.archive_spans import packed_pairs
from storage.copy_encoder import decode_copy
from storage.copy_script import read_copy
from storage.instants import to_datetime
from storage.partitions import DAY_US
from storage.sql_files import read_sql

_FILES: Final = read_sql("revised_files")
_REVISIONS: Final = read_sql("revisions_of_file").decode()
_DELETE: Final = read_sql("delete_taken_revisions")
_IDENTITY: Final = ["battery_key", "sample_time_us", "received_s"]

Connection = psycopg.Connection[Any]


class _ChangedError(Exception):
    """The past has changed once more meanwhile."""


def revise_files(connection: Connection, folder: Path, reached: Failpoint = no_failpoint) -> int:
    """Writes the files anew whose rows have newer estimates in table `revised_estimate`, and empties it of these.

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        reached: for tests.

    Returns:
        Files that were written.

    Raises:
        ArchiveDamagedError: a file is not what was written; it stays as it is, others are written.
        OSError: the disk is full.
        psycopg.Error: the database is away.
    """
    paths = {str(path) for (path,) in connection.execute(_FILES)}
    files = [file for file in current_files(connection, FileKind.READINGS) if file.path in paths] if paths else []
    written = 0
    damaged: list[ArchiveDamagedError] = []
    for file in files:
        try:
            written += _revise(connection, folder, file, reached)
        except ArchiveDamagedError as error:
            damaged.append(error)
    if damaged:
        raise damaged[0]
    return written


def _revise(connection: Connection, folder: Path, file: FileSummary, reached: Failpoint) -> bool:
    if not _has_revised_rows(connection, folder, file):
        return False  # they are of rows that came for a sealed day, and will be sealed with these
    taken: list[Rows] = []
    first, block = to_date(file.first_day), file.first_key // KEYS_PER_FILE
    path = f"{first:%Y/%m}/readings-{first:%Y%m%d}-revised-{block:05d}-{uuid.uuid4().hex[:8]}.parquet"
    parts = _revised_parts(connection, folder, file, taken)
    new = write_parts(folder, path, parts, (file.first_day, file.last_day))
    hours: dict[str, FileSummary] = {}
    try:
        keys = sorted({int(key) for some in taken for key in np.unique(some["battery_key"])})
        if keys:
            hours.update(hours_again(connection, folder, file, new, keys))
        reached("written")
        with connection.transaction():
            exchange_files(connection, FileKind.HOURS, list(hours.values()), hours)
            exchange_files(connection, FileKind.READINGS, [new], [file.path])
            for some in taken:
                _forget(connection, some)
            reached("exchanged")
    except BaseException as error:
        remove_unnamed(connection, folder, [new, *hours.values()])
        if isinstance(error, _ChangedError):
            return False
        raise
    return True


def _has_revised_rows(connection: Connection, folder: Path, file: FileSummary) -> bool:
    for keys in _keys_in_parts(file):
        revised = _revisions(connection, file, keys)
        if len(revised) and len(_common(file, _rows_of(folder, file, revised), revised)[0]):
            return True
    return False


def _revised_parts(connection: Connection, folder: Path, file: FileSummary, taken: list[Rows]) -> Iterator[Rows]:
    """Rows of the file with their newest estimates, as parts for `write_parts`; tells which estimates these are."""
    for keys in _keys_in_parts(file):
        rows = np.concatenate(list(read_rows(folder, [file.path], keys)))
        revised = _revisions(connection, file, keys)
        places, chosen = _common(file, rows, revised)
        for name in (*STORED_ESTIMATE_COLUMNS, "status"):
            rows[name][places] = revised[name][chosen]
        if len(chosen):
            taken.append(repack_fields(revised[_IDENTITY][chosen]))
        yield rows


def _keys_in_parts(file: FileSummary) -> Iterator[range]:
    return keys_in_parts(range(file.first_key, file.last_key + 1))


def _revisions(connection: Connection, file: FileSummary, keys: range) -> Rows:
    values = {
        "start": to_datetime(file.first_day * DAY_US),
        "end": to_datetime((file.last_day + 1) * DAY_US),
        "first_key": keys.start,
        "last_key": keys.stop - 1,
    }
    query = psycopg.ClientCursor(connection).mogrify(_REVISIONS, values)
    return decode_copy(read_copy(connection, query.encode()))


def _rows_of(folder: Path, file: FileSummary, revised: Rows) -> Rows:
    """Rows of the file of the revised batteries and times, at least one, which is quicker to read than all of it."""
    times_us = revised["sample_time_us"]
    span = (int(times_us.min()), int(times_us.max()) + 1)
    return np.concatenate(list(read_rows(folder, [file.path], np.unique(revised["battery_key"]).tolist(), *span)))


def _common(file: FileSummary, rows: Rows, revised: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the pairs of battery and sample time that both have, in each of the two."""
    _, places, taken = np.intersect1d(
        _pairs(file, rows), _pairs(file, revised), assume_unique=True, return_indices=True
    )
    return places, taken


def _pairs(file: FileSummary, rows: Rows) -> NDArray[np.int64]:
    return packed_pairs(rows["battery_key"], rows["sample_time_us"], file.first_key, file.first_day)


def _forget(connection: Connection, taken: Rows) -> None:
    values = {
        "keys": taken["battery_key"].tolist(),
        "times": [to_datetime(us) for us in taken["sample_time_us"].tolist()],
        "revisions": taken["received_s"].tolist(),
    }
    if connection.execute(_DELETE, values).rowcount != len(taken):
        raise _ChangedError
