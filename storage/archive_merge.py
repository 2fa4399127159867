"""Joins files of the archive: days and what was added to them become weeks, which are quicker to read."""

import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from storage.archive_files import KEYS_PER_FILE, FileSummary, read_rows, write_rows
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
        ArchiveDamagedError: a file is not what was written; the files of its week stay as they are.
        OSError: the disk is full.
        psycopg.Error: the database is away.
    """
    parts: dict[tuple[int, int], list[FileSummary]] = defaultdict(list)
    for file in current_files(connection, FileKind.READINGS, (None, before_day - 1)):
        parts[(file.first_day - _FIRST_MONDAY) // _DAYS, file.first_key // KEYS_PER_FILE].append(file)
    joined = 0
    for (week, block), files in sorted(parts.items()):
        first_day, last_day = _FIRST_MONDAY + week * _DAYS, _FIRST_MONDAY + week * _DAYS + _DAYS - 1
        whole = len(files) == 1 and files[0].last_day - files[0].first_day == _DAYS - 1
        if whole or last_day >= before_day:
            continue
        rows = np.concatenate(list(read_rows(folder, [file.path for file in files])))
        rows = rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]
        name = f"readings-{to_date(first_day):%Y%m%d}-week-{block:05d}-{uuid.uuid4().hex[:8]}.parquet"
        new = write_rows(folder, f"{to_date(first_day):%Y/%m}/{name}", rows, (first_day, last_day))
        try:
            reached("joined")
            with connection.transaction():
                exchange_files(connection, FileKind.READINGS, [new], [file.path for file in files])
            reached("exchanged")
        except BaseException:
            remove_unnamed(connection, folder, [new])
            raise
        joined += len(files)
    return joined
