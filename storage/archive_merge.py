"""Joins files of the archive: days and what was added to them become weeks, which are quicker to read.

Nothing but speed depends on it. A few batteries at a time are joined: in a week with an outage all of a file would be
several times as much as in any other.
"""

import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import psycopg

from storage.archive_files import KEYS_PER_FILE, ArchiveDamagedError, FileSummary, read_joined, write_parts
from storage.archive_manifest import FileKind, current_files, exchange_files, remove_unnamed, to_date
from storage.archive_seal import Failpoint, no_failpoint

_DAYS: Final = 7
_FIRST_MONDAY: Final = 4  # 1970-01-05

Connection = psycopg.Connection[Any]


def merge_weeks(connection: Connection, folder: Path, before_day: int, reached: Failpoint = no_failpoint) -> int:
    """Joins the files of weeks that are over, a file a block of batteries.

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        before_day: only weeks that end before this day, since 1970-01-01 UTC.
        reached: for tests.

    Returns:
        Files that were joined.

    Raises:
        ArchiveDamagedError: a file is not what was written; the files of its week stay as they are, others are joined.
        OSError: the disk is full.
        psycopg.Error: the database is away.
    """
    parts: dict[tuple[int, int], list[FileSummary]] = defaultdict(list)
    for file in current_files(connection, FileKind.READINGS, (None, before_day - 1)):
        parts[(file.first_day - _FIRST_MONDAY) // _DAYS, file.first_key // KEYS_PER_FILE].append(file)
    joined = 0
    damaged: list[ArchiveDamagedError] = []
    for (week, _), files in sorted(parts.items()):
        days = (_FIRST_MONDAY + week * _DAYS, _FIRST_MONDAY + week * _DAYS + _DAYS - 1)
        whole = len(files) == 1 and files[0].last_day - files[0].first_day == _DAYS - 1
        if whole or days[1] >= before_day:
            continue
        try:
            _join(connection, folder, files, days, reached)
            joined += len(files)
        except ArchiveDamagedError as error:
            damaged.append(error)
    if damaged:
        raise damaged[0]
    return joined


def _join(
    connection: Connection, folder: Path, files: list[FileSummary], days: tuple[int, int], reached: Failpoint
) -> None:
    first, block = to_date(days[0]), files[0].first_key // KEYS_PER_FILE
    path = f"{first:%Y/%m}/readings-{first:%Y%m%d}-week-{block:05d}-{uuid.uuid4().hex[:8]}.parquet"
    keys = range(min(file.first_key for file in files), max(file.last_key for file in files) + 1)
    new = write_parts(folder, path, read_joined(folder, [file.path for file in files], keys), days)
    try:
        reached("joined")
        with connection.transaction():
            exchange_files(connection, FileKind.READINGS, [new], [file.path for file in files])
        reached("exchanged")
    except BaseException:
        remove_unnamed(connection, folder, [new])
        raise
