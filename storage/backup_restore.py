"""A backup becomes a data directory and a database again."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from batterytwin.errors import ConflictError, InvalidArgumentError, StoreUnavailableError
from storage.backup import ARCHIVE_FOLDER, DATABASE_FOLDER, KEYS_FOLDER
from storage.backup_file import unpack
from storage.backup_manifest import BackupManifest, sync_file, sync_folder
from storage.database_dump import load_database
from storage.embedded import EmbeddedPostgres
from storage.migrate import check_known, migrate

_EMPTY: Final = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
_SERVERS: Final = """
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'batterytwin-server'
"""
_MAKE_EMPTY: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
_OTHER_OWNER: Final = "UPDATE archive_state SET owner = gen_random_uuid()"
"""The database that was backed up may live on, with an archive of its own."""
_TIMESCALE: Final = "timescaledb"

Connection = psycopg.Connection[Any]


def check_backup(backup: Path) -> BackupManifest:
    """Reads a whole backup and compares it with its manifest; changes nothing.

    Raises:
        InvalidArgumentError: it is no backup, or is damaged.
    """
    with _opened(backup.absolute(), backup.absolute().parent) as folder:
        manifest = BackupManifest.read(folder)
        manifest.check(folder)
    return manifest


def restore_backup(
    backup: Path,
    data_dir: Path,
    *,
    database_url: str | None = None,
    archive: Path | None = None,
    force: bool = False,
) -> BackupManifest:
    """Makes a data directory (and its database) of a backup, after checking all of it.

    The directory appears under its name when it is complete. What stood there before is moved aside, not deleted.

    Args:
        backup: folder or file that `make_backup` has made.
        data_dir: directory to make; no server may run on it.
        database_url: a PostgreSQL server's empty database to restore into; None = the embedded server.
        archive: folder for sealed days, which must be empty or missing; None = in the data directory.
        force: take a directory that is not empty, or a database with tables, which are dropped.

    Returns:
        What was restored.

    Raises:
        InvalidArgumentError: the backup is damaged, or there is no room; nothing was changed.
        ConflictError: the target is not empty, or a server uses the database.
        SchemaMismatchError: the backup was made by a newer version; nothing was changed.
        StoreUnavailableError: the database could not be filled.
    """
    data_dir = data_dir.absolute()
    if _is_occupied(data_dir) and not force:
        raise ConflictError(
            f"{data_dir} is not empty. Name a new directory, or add --force to move what is there aside.",
            field="data_dir",
            value=data_dir,
        )
    if archive is not None and _is_occupied(archive):
        raise ConflictError(
            f"The archive {archive} is not empty. Name a new one, or move it away.", field="archive_dir", value=archive
        )
    # A name of its own each time: the embedded server may note a place for its cluster by it.
    staging = data_dir.with_name(f".{data_dir.name}.restoring-{secrets.token_hex(4)}")
    server = EmbeddedPostgres(staging)
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        with _opened(backup.absolute(), data_dir.parent) as folder:
            manifest = BackupManifest.read(folder)
            manifest.check(folder)
            check_known(manifest.migrations)
            staging.mkdir(mode=0o755)
            if database_url is None:
                _fill(server.start(), folder, manifest)
                server.stop()
            else:
                _check_database(database_url, force=force)
                _fill(database_url, folder, manifest)
            _copy_files(folder / ARCHIVE_FOLDER, archive or staging / ARCHIVE_FOLDER, mode=0o644)
            _copy_files(folder / KEYS_FOLDER, staging, mode=0o600)
        _put_in_place(staging, data_dir)
    except BaseException as error:
        _remove(server, staging)
        if archive is not None:  # it was empty: what is there now is half of this
            shutil.rmtree(archive, ignore_errors=True)
        if isinstance(error, OSError):
            raise InvalidArgumentError(
                f"The backup could not be restored: {error}. Choose a place that has room.",
                field="data_dir",
                value=data_dir,
            ) from error
        raise
    return manifest


@contextmanager
def _opened(backup: Path, near: Path) -> Iterator[Path]:
    """The backup as a folder; a packed one is unpacked beside its target for as long as the block lasts."""
    if not backup.is_file():
        yield backup
        return
    folder = near / f".{backup.name}.unpacked-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    try:
        unpack(backup, folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def _is_occupied(data_dir: Path) -> bool:
    return data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir()))


def _check_database(url: str, *, force: bool) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(_EMPTY).fetchone()
            if row is not None and row[0] and not force:
                raise ConflictError(
                    "The database that DATABASE_URL names is not empty. Name an empty one, or add --force to drop its "
                    "tables.",
                    field="DATABASE_URL",
                )
            if connection.execute(_SERVERS).fetchall():
                raise ConflictError(
                    "A server uses the database that DATABASE_URL names. Stop it, or name another database.",
                    field="DATABASE_URL",
                )
            if row is not None and row[0]:
                connection.execute(_MAKE_EMPTY)
    except psycopg.Error as error:
        raise StoreUnavailableError(f"The database cannot be restored: {error}") from error


def _fill(url: str, folder: Path, manifest: BackupManifest) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            timescale = _TIMESCALE in manifest.extensions
            if timescale:
                connection.execute(f"CREATE EXTENSION IF NOT EXISTS {_TIMESCALE}")
                connection.execute("SELECT timescaledb_pre_restore()")
            load_database(url, folder / DATABASE_FOLDER, 1 if timescale else os.cpu_count() or 1)
            if timescale:
                connection.execute("SELECT timescaledb_post_restore()")
            _check_counts(connection, manifest)
            connection.execute("ANALYZE")  # the planner knows nothing of tables that were just filled
    except psycopg.Error as error:
        raise StoreUnavailableError(f"The database cannot be restored: {error}") from error
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute(_OTHER_OWNER)


def _check_counts(connection: Connection, manifest: BackupManifest) -> None:
    for name, expected in manifest.tables.items():
        row = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()  # noqa: S608 - checked by SHA-256
        found = -1 if row is None else int(row[0])
        if found != expected:
            raise InvalidArgumentError(
                f"Table {name} has {found} rows after the restore; the backup says {expected}. Use another backup.",
                field="backup",
                value=name,
            )


def _copy_files(source: Path, target: Path, mode: int) -> None:
    """Copies all below a folder, so that the new server shares nothing with the backup."""
    made = {target}
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        place.chmod(mode)
        sync_file(place)
        made.add(place.parent)
    for folder in made:
        if folder.is_dir():
            sync_folder(folder)


def _put_in_place(staging: Path, data_dir: Path) -> None:
    if _is_occupied(data_dir):
        EmbeddedPostgres(data_dir).stop()  # left running by a server that was killed
        data_dir.rename(data_dir.with_name(f"{data_dir.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"))
    elif data_dir.exists():
        data_dir.rmdir()
    staging.rename(data_dir)
    sync_folder(data_dir.parent)


def _remove(server: EmbeddedPostgres, staging: Path) -> None:
    if not staging.exists():
        return
    home = server.home
    server.stop()
    shutil.rmtree(staging, ignore_errors=True)
    if home != staging:
        shutil.rmtree(home, ignore_errors=True)
