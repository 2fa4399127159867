"""Moves a closed day from table `reading` to the archive.

Files are written and checked first, those of hours that stand for the day already with its rows added; then one
transaction puts them into the manifest and empties the day's partition. A reader sees the rows either there or here.
Whatever breaks on the way, the next attempt begins again: files that no manifest names are removed.

Only the partition of the closed day is locked: late rows of any day may come at every step.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql

from batterytwin.telemetry import Rows
from storage.archive_files import FileSummary, write_parts
from storage.archive_hour_changes import hours_with
from storage.archive_manifest import FileKind, exchange_files, remove_unnamed, to_date
from storage.archive_sources import day_span, has_partition, rows_by_block
from storage.partitions import partition_name
from storage.sql_files import read_sql

_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '300ms'"
_LOCK: Final = sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE")
_COUNT: Final = sql.SQL("SELECT count(*) FROM {} WHERE sample_time >= %(start)s AND sample_time < %(end)s")
_NEWEST_REVISIONS: Final = read_sql("newest_revisions")
_WAS_REVISED: Final = read_sql("was_revised")
_DELETE_LATE: Final = sql.SQL("DELETE FROM late_reading WHERE sample_time >= %(start)s AND sample_time < %(end)s")
_DELETE_REVISED: Final = sql.SQL(read_sql("delete_revised").decode())
_TRUNCATE: Final = sql.SQL("TRUNCATE {}")

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
Failpoint = Callable[[str], None]
"""Called with the name of each step that has just been done, so that a test can stop there."""


def no_failpoint(_: str) -> None:
    """Goes on."""


@dataclass(slots=True)
class _Counts:
    """What was read of a day: newest revision of each battery before it was, rows in time, late rows."""

    revisions: list[tuple[int, int]]
    in_time: int = 0
    late: int = 0

    def counted(self, parts: Iterable[Rows]) -> Iterator[Rows]:
        """The same rows, counted as they pass."""
        for rows in parts:
            late = int(np.count_nonzero(rows["late"]))
            self.in_time += len(rows) - late
            self.late += late
            yield rows


@dataclass(slots=True)
class _Written:
    """Files for the transaction: of readings, and of hours by the file that each replaces."""

    readings: list[FileSummary] = field(default_factory=list)
    hours: dict[str, FileSummary] = field(default_factory=dict)

    def all(self) -> list[FileSummary]:
        """Everything that is in the way should the day not be sealed."""
        return [*self.readings, *self.hours.values()]


class _ChangedError(Exception):
    """What was read is not what is there any more."""


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
        psycopg.Error: the database is away; the day was moved or not, as a whole.
    """
    generation = uuid.uuid4().hex[:8]
    written = _Written()
    counts = _Counts(connection.execute(_NEWEST_REVISIONS).fetchall())
    try:
        for block, rows in rows_by_block(connection, day):
            path = f"{to_date(day):%Y/%m}/readings-{to_date(day):%Y%m%d}-{block:05d}-{generation}.parquet"
            written.readings.append(write_parts(folder, path, counts.counted(rows), (day, day)))
            reached("file")
        for replaced, summed in hours_with(connection, folder, written.readings):
            written.hours[replaced] = summed
            reached("hours")
        moved = _move(connection, day, written, counts, reached)
    except BaseException:
        remove_unnamed(connection, folder, written.all())
        raise
    if not moved:
        remove_unnamed(connection, folder, written.all())
        return None
    reached("moved")
    return counts.in_time + counts.late


def _move(connection: Connection, day: int, files: _Written, counts: _Counts, reached: Failpoint) -> bool:
    """Manifest and tables in one transaction. False: not now."""
    partition = sql.Identifier(partition_name(day)) if has_partition(connection, day) else None
    try:
        with connection.transaction():
            connection.execute(_LOCK_TIMEOUT)
            if partition is not None:
                connection.execute(_LOCK.format(partition))
                if _count(connection, partition, day) != counts.in_time:
                    raise _ChangedError
            reached("locked")
            exchange_files(connection, FileKind.HOURS, list(files.hours.values()), files.hours)
            exchange_files(connection, FileKind.READINGS, files.readings)
            reached("manifest")
            # a late row that is not there yet stays in the table, and is sealed with the day another time
            for table in (sql.Identifier("late_reading"), *([] if partition is None else [partition])):
                connection.execute(_DELETE_REVISED.format(source=table), day_span(day))
            late = connection.execute(_DELETE_LATE, day_span(day)).rowcount
            if late != counts.late or _was_revised(connection, day, counts.revisions):
                raise _ChangedError
            if partition is not None:
                connection.execute(_TRUNCATE.format(partition))
            reached("emptied")
    except _ChangedError:
        _log.info("rows of %s came while it was being sealed; next time", to_date(day))
        return False
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("%s is left for the next round, somebody is at it: %s", to_date(day), error)
        return False
    return True


def _count(connection: Connection, table: sql.Identifier, day: int) -> int:
    row = connection.execute(_COUNT.format(table), day_span(day)).fetchone()
    return 0 if row is None else int(row[0])


def _was_revised(connection: Connection, day: int, revisions: list[tuple[int, int]]) -> bool:
    """Whether the past of a twin has changed in this day, or before it, since these were the newest revisions."""
    values = {"keys": [key for key, _ in revisions], "revisions": [revision for _, revision in revisions]}
    row = connection.execute(_WAS_REVISED, values | day_span(day)).fetchone()
    return row is None or bool(row[0])
