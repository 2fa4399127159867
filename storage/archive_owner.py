"""Whose archive a folder is: its keeper removes what the database does not name, so it must be of no other database."""

import os
from pathlib import Path
from typing import Any, Final

import psycopg

from batterytwin.errors import ConflictError

_MARK: Final = "database.id"
_OWNER: Final = "SELECT owner::text FROM archive_state"
_KNOWN: Final = "SELECT path FROM archive_file"

Connection = psycopg.Connection[Any]


def claim_folder(connection: Connection, folder: Path) -> None:
    """Makes sure that a folder is the archive of this database; an empty one becomes it.

    Args:
        connection: of a migrated database.
        folder: of the archive; made when missing.

    Raises:
        ConflictError: it is the archive of another database.
        OSError: the folder cannot be written to.
        psycopg.OperationalError: the database is away.
    """
    mark = folder / _MARK
    (owner,) = connection.execute(_OWNER).fetchall()[0]
    if not mark.exists() and not _holds_files_of_others(connection, folder):
        _write(mark, owner)
    if not mark.exists() or mark.read_text(encoding="utf-8").strip() != owner:
        raise ConflictError(
            f"{folder} is the archive of another database. Name another folder (BATTERYTWIN_ARCHIVE_DIR), or move this "
            "one away.",
            field="archive_dir",
            value=folder,
        )


def _holds_files_of_others(connection: Connection, folder: Path) -> bool:
    """Whether there are files, and none of them is of this database: one that was never marked."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    return bool(found) and found.isdisjoint(path for (path,) in connection.execute(_KNOWN))


def _write(mark: Path, owner: str) -> None:
    """Whole or not at all, and not over one that was written meanwhile."""
    mark.parent.mkdir(parents=True, exist_ok=True)
    part = mark.with_suffix(f".{owner}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(f"{owner}\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(mark)
    finally:
        part.unlink(missing_ok=True)
