"""A backup: the database at one instant, the archive's files that it names, the server's keys, and a manifest."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from batterytwin import __version__
from batterytwin.errors import ConflictError, InvalidArgumentError, StoreUnavailableError
from storage.archive_files import ArchiveDamagedError
from storage.backup_file import is_file_name, pack
from storage.backup_manifest import BackupManifest, entries_below, sync_file, sync_folder
from storage.database_dump import check_server_version, dump_database
from storage.sql_files import read_sql

DATABASE_FOLDER: Final = "database"
"""Folder of the dump in a backup."""
ARCHIVE_FOLDER: Final = "archive"
"""Folder of sealed days, in a data directory and in a backup."""
KEYS_FOLDER: Final = "keys"
"""Folder of a data directory's keys in a backup."""
KEY_FILES: Final = ("secret",)
"""Files of a data directory without which tokens that were given out stop working."""

_LIST_TABLES: Final = read_sql("list_tables").decode()
_KEEP_DAYS: Final = "LOCK TABLE reading IN ACCESS SHARE MODE"
"""Before the snapshot: a day that was sealed between the snapshot and its dump would be in neither of the two, since a
table that is emptied at once is empty for older snapshots too. Sealing gives up on such a lock and comes again."""
_CURRENT_FILES: Final = "SELECT path, encode(sha256, 'hex') FROM archive_file WHERE superseded_at IS NULL ORDER BY path"
_TRIES: Final = 3

Connection = psycopg.Connection[Any]


def make_backup(
    url: str, data_dir: Path, target: Path, *, archive: Path | None = None, copy: bool = False
) -> BackupManifest:
    """Backs up a database with its data directory; server and ingest go on meanwhile.

    Everything that was committed when the backup began is in it. It appears under its name when it is complete and on
    the disk. Files of the archive never change, so they are hard-linked where the file system allows it.

    Args:
        url: libpq connection string or URL of the database.
        data_dir: holds keys, and the archive unless it is elsewhere.
        target: a folder to make, or a file to make if its name ends in `.tar`; must not exist.
        archive: folder of sealed days; None = in the data directory.
        copy: copy the archive's files, so that the backup shares no disk block with them.

    Returns:
        What was backed up.

    Raises:
        ArchiveDamagedError: the backup was made, with files of the archive that are not what was once written.
        ConflictError: the target exists, or another backup to it is under way.
        InvalidArgumentError: the target cannot be written.
        StoreUnavailableError: the database is away, or could not be dumped.
    """
    target = target.absolute()
    if target.exists():
        raise ConflictError(f"{target} exists; give a new name.", field="target", value=target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _partial_folder(target) as partial:
            manifest, damaged = _try_until_whole(
                url, data_dir, archive or data_dir / ARCHIVE_FOLDER, partial, copy=copy
            )
            manifest.write(partial)
            for folder in [partial, *(path for path in partial.rglob("*") if path.is_dir())]:
                sync_folder(folder)
            if is_file_name(target):
                pack(partial, target)
            else:
                partial.rename(target)
                sync_folder(target.parent)
    except OSError as error:
        raise InvalidArgumentError(
            f"The backup could not be written: {error}. Choose a place that has room.", field="target", value=target
        ) from error
    if damaged:
        raise ArchiveDamagedError(
            f"{target} was made, but {len(damaged)} files of the archive are not what was once written: "
            f"{', '.join(damaged[:3])}{' …' if damaged[3:] else ''}. Keep older backups, which may have them whole, "
            "and check the disk.",
            field="archive_dir",
            value=damaged[0],
        )
    return manifest


@contextmanager
def _partial_folder(target: Path) -> Iterator[Path]:
    """Folder beside the target that is locked meanwhile; what a killed backup left in it is removed."""
    partial = target.with_name(f".{target.name}.partial")
    partial.mkdir(exist_ok=True, mode=0o700)  # it will hold keys and password hashes
    descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            _empty(partial)
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except BlockingIOError:
        raise ConflictError(f"Another backup to {target} is under way.", field="target", value=target) from None
    finally:
        os.close(descriptor)


def _try_until_whole(
    url: str, data_dir: Path, archive: Path, folder: Path, *, copy: bool
) -> tuple[BackupManifest, list[str]]:
    """A table that is dropped while it is being dumped, or a file that vanishes, makes the backup begin again."""
    for attempt in range(_TRIES):
        try:
            return _take(url, data_dir, archive, folder, copy=copy)
        except (StoreUnavailableError, InvalidArgumentError):
            if attempt == _TRIES - 1:
                raise
            _empty(folder)
    raise AssertionError("unreachable")


def _take(url: str, data_dir: Path, archive: Path, folder: Path, *, copy: bool) -> tuple[BackupManifest, list[str]]:
    """Fills the folder; returns what is in it, and which files of the archive are damaged."""
    _take_files(archive, folder / ARCHIVE_FOLDER, copy=copy)
    try:
        with psycopg.connect(url, options="-c timezone=UTC", application_name="batterytwin backup") as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            check_server_version(connection.info.server_version)
            connection.execute(_KEEP_DAYS)
            (snapshot,) = _row(connection, "SELECT pg_export_snapshot()")
            made_at, position = _row(connection, "SELECT now(), pg_current_wal_lsn()::text")
            # Again: days that were sealed between the first look and the snapshot. Files never change, so that what
            # is taken twice is the same, and what the snapshot does not name is no harm.
            _take_files(archive, folder / ARCHIVE_FOLDER, copy=copy)
            sealed: dict[str, str] = dict(connection.execute(_CURRENT_FILES).fetchall())
            for path in sealed:
                if not (folder / ARCHIVE_FOLDER / path).is_file():
                    raise InvalidArgumentError(
                        f"{archive / path} is not there, though the archive's manifest names it. Set archive_dir "
                        "right, or restore the file.",
                        field="archive_dir",
                        value=archive,
                    )
            dump_database(url, folder / DATABASE_FOLDER, str(snapshot))
            tables = {
                str(name): int(_row(connection, f"SELECT count(*) FROM {name}")[0])  # noqa: S608 - a name of ours
                for (name,) in connection.execute(_LIST_TABLES.encode()).fetchall()
            }
            names = _column(connection, "SELECT name FROM schema_migration ORDER BY number")
            layouts = _column(connection, "SELECT DISTINCT layout FROM twin_snapshot ORDER BY layout")
            extensions = _column(connection, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1")
            version = connection.info.parameter_status("server_version") or ""
    except psycopg.Error as error:
        raise StoreUnavailableError(f"The database cannot be backed up: {error}", retry_after_s=1.0) from error
    _take_keys(data_dir, folder / KEYS_FOLDER)
    manifest = BackupManifest(
        made_at=made_at.isoformat(),
        wal_position=str(position),
        product_version=__version__,
        postgres_version=version,
        migrations=names,
        snapshot_layouts=layouts,
        extensions=extensions,
        tables=tables,
        files=entries_below(folder),
    )
    return manifest, [p for p, sha256 in sealed.items() if manifest.files[f"{ARCHIVE_FOLDER}/{p}"].sha256 != sha256]


def _take_files(source: Path, target: Path, *, copy: bool) -> None:
    """Links or copies the finished files of the archive that are not there yet."""
    for path in sorted(source.rglob("*.parquet")):
        place = target / path.relative_to(source)
        if place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if not copy:
            try:
                os.link(path, place)
            except FileNotFoundError:
                continue  # replaced by a newer file, which this loop or the next finds
            except OSError:
                copy = True  # another file system, or one without links
            else:
                continue
        try:
            shutil.copyfile(path, place)
        except FileNotFoundError:
            place.unlink(missing_ok=True)
            continue
        sync_file(place)


def _take_keys(data_dir: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    for name in KEY_FILES:
        if (data_dir / name).is_file():
            shutil.copy2(data_dir / name, target / name)
            sync_file(target / name)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _row(connection: Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query.encode()).fetchone()
    if row is None:
        raise StoreUnavailableError("The database gave no answer to a question that always has one.")
    return tuple(row)


def _column(connection: Connection, query: str) -> list[str]:
    return [str(value) for (value,) in connection.execute(query.encode()).fetchall()]
