"""The manifest of the archive: which files hold what, in the database that rows leave for them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import psycopg

from storage.archive_files import FileSummary, remove_file
from storage.sql_files import read_sql

_INSERT: Final = read_sql("insert_archive_files")
_FILES: Final = read_sql("archive_files")
_SUPERSEDE: Final = read_sql("supersede_archive_files")
_BUMP: Final = read_sql("bump_archive_version")
_NAMED: Final = "SELECT path FROM archive_file WHERE path = ANY(%(paths)s)"
_EPOCH: Final = date(1970, 1, 1)

Connection = psycopg.Connection[Any]


class FileKind(IntEnum):
    """What a file holds."""

    READINGS = 1
    HOURS = 2


def to_date(day: int) -> date:
    """Day counted from 1970-01-01."""
    return _EPOCH + timedelta(days=day)


def from_date(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def current_files(
    connection: Connection,
    kind: FileKind,
    days: tuple[int | None, int | None] = (None, None),
    keys: tuple[int | None, int | None] = (None, None),
) -> list[FileSummary]:
    """Files that readers may use, oldest first.

    Args:
        connection: of a migrated database.
        kind: readings or hours.
        days: only files that touch these days, inclusive; None = open end.
        keys: only files that touch these battery keys, inclusive; None = open end.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    rows = connection.execute(_FILES, file_query(kind, days, keys))
    return [FileSummary(p, from_date(f), from_date(t), k, m, n, b, bytes(s)) for p, _, f, t, k, m, n, b, s in rows]


def file_query(
    kind: FileKind, days: tuple[int | None, int | None], keys: tuple[int | None, int | None]
) -> dict[str, object]:
    """Parameters of `archive_files.sql`."""
    return {
        "kind": int(kind),
        "first_day": None if days[0] is None else to_date(days[0]),
        "last_day": None if days[1] is None else to_date(days[1]),
        "first_key": keys[0],
        "last_key": keys[1],
    }


def exchange_files(connection: Connection, kind: FileKind, new: Sequence[FileSummary], old: Iterable[str] = ()) -> None:
    """Makes files current and others superseded, within the transaction under way, and tells readers of it.

    Raises:
        psycopg.Error: the database is away.
    """
    if new:
        connection.execute(
            _INSERT,
            {
                "kind": int(kind),
                "paths": [file.path for file in new],
                "first_days": [to_date(file.first_day) for file in new],
                "last_days": [to_date(file.last_day) for file in new],
                "first_keys": [file.first_key for file in new],
                "last_keys": [file.last_key for file in new],
                "row_counts": [file.row_count for file in new],
                "byte_counts": [file.byte_count for file in new],
                "digests": [file.sha256 for file in new],
            },
        )
    connection.execute(_SUPERSEDE, {"paths": list(old)})
    connection.execute(_BUMP)


def remove_unnamed(connection: Connection, folder: Path, files: Iterable[FileSummary]) -> None:
    """Removes files that were written for a transaction which has failed.

    Those that the manifest names stay, and all of them where nobody can say: the answer to a COMMIT may be lost after
    it happened. What is left over is removed later.
    """
    paths = [file.path for file in files]
    if connection.closed or not paths:
        return
    try:
        named = {path for (path,) in connection.execute(_NAMED, {"paths": paths})}
    except psycopg.Error:
        return
    for path in paths:
        if path not in named:
            remove_file(folder, path)
