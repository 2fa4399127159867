"""Removes what the archive and the tables no longer need."""

import logging
import time
from pathlib import Path
from typing import Any, Final

import psycopg

from storage.archive_files import KEYS_PER_FILE, remove_file
from storage.archive_manifest import to_date
from storage.sql_files import read_sql

_UNNEEDED: Final = read_sql("unneeded_archive_files")
_KNOWN: Final = "SELECT path FROM archive_file"
_FORGET_FILE: Final = "DELETE FROM archive_file WHERE path = %s"
_EXPIRE_FILES: Final = read_sql("expire_archive_files")
_EXPIRE_LATE: Final = read_sql("expire_late_rows")
_EXPIRE_REVISED: Final = read_sql("expire_revised")
_EXPIRE_REVISIONS: Final = read_sql("expire_revisions")
_EXPIRE_TRACE: Final = read_sql("expire_model_trace")
_ORPHAN_AGE_S: Final = 3_600.0

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


def remove_unneeded_files(connection: Connection, folder: Path, grace_s: float) -> int:
    """Removes files that were superseded a while ago, and files that no manifest names.

    Args:
        connection: in autocommit mode.
        folder: of the archive.
        grace_s: time after which no query can still read a superseded file, s.

    Returns:
        Files that were removed.

    Raises:
        psycopg.Error: the database is away.
    """
    removed = 0
    for (path,) in connection.execute(_UNNEEDED, {"grace_s": grace_s}).fetchall():
        remove_file(folder, path)
        connection.execute(_FORGET_FILE, (path,))
        removed += 1
    known = {folder / path for (path,) in connection.execute(_KNOWN)}
    for file in [*folder.rglob("*.parquet"), *folder.rglob("*.part")]:
        # one that is being written, or restored from a backup, is young
        if file not in known and time.time() - file.stat().st_mtime > _ORPHAN_AGE_S:
            _log.info("%s belongs to nothing and is removed", file)
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def forget_old(connection: Connection, today: int, raw_days: int, hour_days: int) -> None:
    """Lets readings and hours go that have been kept long enough, and what stands beside such readings.

    Recorded history that is replayed counts from the day on which it was sealed: it may be older than any limit.
    Readings of which no hours could be made stay for as long as these would.

    Args:
        connection: in autocommit mode.
        today: days since 1970-01-01 UTC.
        raw_days: days that readings are kept.
        hour_days: days that hours are kept.

    Raises:
        psycopg.Error: the database is away.
    """
    before = {
        "raw_before": to_date(today - raw_days),
        "hours_before": to_date(today - hour_days),
        "block_size": KEYS_PER_FILE,
    }
    with connection.transaction():
        for statement in (_EXPIRE_FILES, _EXPIRE_LATE, _EXPIRE_REVISED, _EXPIRE_REVISIONS, _EXPIRE_TRACE):
            connection.execute(statement, before)
