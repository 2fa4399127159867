"""Moves a closed day from table `reading` to the archive.

Files are written and checked first; then one transaction puts them into the manifest and empties the day's partition.
A reader sees the rows either there or here. Whatever breaks on the way, the next attempt begins again: files that no
manifest names are removed.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql

from storage.archive_files import KEYS_PER_FILE, FileSummary, remove_file, write_rows
from storage.archive_manifest import FileKind, current_files, exchange_files, to_date
from storage.archive_sources import day_span, has_partition, rows_by_block
from storage.partitions import partition_name

_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '300ms'"
_LOCK: Final = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE")
_COUNT: Final = sql.SQL("SELECT count(*) FROM {} WHERE sample_time >= %(start)s AND sample_time < %(end)s")
_DELETE: Final = sql.SQL("DELETE FROM {} WHERE sample_time >= %(start)s AND sample_time < %(end)s")
_TRUNCATE: Final = sql.SQL("TRUNCATE {}")

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
Failpoint = Callable[[str], None]
"""Called with the name of each step that has just been done, so that a test can stop there."""


def no_failpoint(_: str) -> None:
    """Goes on."""


def seal_day(connection: Connection, folder: Path, day: int, reached: Failpoint = no_failpoint) -> int | None:
    """Seals one day.

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        day: days since 1970-01-01 UTC.
        reached: for tests.

    Returns:
        Rows that were moved; None where the day cannot be sealed now, because rows came meanwhile or somebody reads
        its partition for long.

    Raises:
        ArchiveDamagedError: a file does not read back; nothing was moved.
        OSError: the disk is full; nothing was moved.
        psycopg.Error: the database is away; nothing was moved.
    """
    generation = uuid.uuid4().hex[:8]
    written: list[FileSummary] = []
    counts = {"in time": 0, "late": 0}
    try:
        for block, rows in rows_by_block(connection, day):
            path = f"{to_date(day):%Y/%m}/readings-{to_date(day):%Y%m%d}-{block:05d}-{generation}.parquet"
            written.append(write_rows(folder, path, rows, (day, day)))
            late = int(np.count_nonzero(rows["late"]))
            counts["in time"] += len(rows) - late
            counts["late"] += late
            reached("file")
        moved = _move(connection, day, written, counts, reached)
    except BaseException:
        _remove(folder, written)
        raise
    if not moved:
        _remove(folder, written)
        return None
    reached("moved")
    return sum(counts.values())


def _remove(folder: Path, files: list[FileSummary]) -> None:
    for file in files:
        remove_file(folder, file.path)


def _move(
    connection: Connection, day: int, files: list[FileSummary], counts: dict[str, int], reached: Failpoint
) -> bool:
    """Manifest and tables in one transaction. False: not now."""
    tables = {"in time": partition_name(day)} if has_partition(connection, day) else {}
    tables["late"] = "late_reading"
    try:
        with connection.transaction():
            connection.execute(_LOCK_TIMEOUT)
            connection.execute(_LOCK.format(sql.SQL(", ").join(map(sql.Identifier, tables.values()))))
            if any(_count(connection, table, day) != counts[name] for name, table in tables.items()):
                _log.info("rows of %s came while it was being sealed; next time", to_date(day))
                return False
            reached("locked")
            exchange_files(connection, FileKind.HOURS, [], _outdated_hours(connection, day, files))
            exchange_files(connection, FileKind.READINGS, files)
            reached("manifest")
            for table in ("late_reading", "revised_estimate"):
                connection.execute(_DELETE.format(sql.Identifier(table)), day_span(day))
            if "in time" in tables:
                connection.execute(_TRUNCATE.format(sql.Identifier(tables["in time"])))
            reached("emptied")
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("%s is left for the next round, somebody is at it: %s", to_date(day), error)
        return False
    return True


def _outdated_hours(connection: Connection, day: int, new: Sequence[FileSummary]) -> list[str]:
    """Files of hours that lack the new rows, to be made anew; where readings are gone they stay, being all there is."""
    outdated = []
    for block in {file.first_key // KEYS_PER_FILE for file in new}:
        keys = (block * KEYS_PER_FILE, (block + 1) * KEYS_PER_FILE - 1)
        readings = current_files(connection, FileKind.READINGS, keys=keys)
        outdated += [
            hours.path
            for hours in current_files(connection, FileKind.HOURS, (day, day), keys)
            if readings and readings[0].first_day <= hours.first_day
        ]
    return outdated


def _count(connection: Connection, table: str, day: int) -> int:
    row = connection.execute(_COUNT.format(sql.Identifier(table)), day_span(day)).fetchone()
    return 0 if row is None else int(row[0])
