"""Brings a database to the schema of this version: numbered plain SQL files, each applied once."""

import hashlib
import itertools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from batterytwin.errors import ConflictError, Reason, SchemaMismatchError, StoreUnavailableError
from storage.timescale import MIGRATIONS as _TIMESCALE_MIGRATIONS
from storage.timescale import enable_timescale

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK_KEY: Final = 6203154002
_CONNECT_TIMEOUT_S: Final = 10
_CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number int PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file, for example `0001_initial.sql`."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = _MIGRATIONS) -> list[Migration]:
    """Migrations of a folder in the order of their numbers.

    Raises:
        SchemaMismatchError: two files have the same number.
    """
    migrations = [
        Migration(int(path.name.split("_", 1)[0]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*.sql"))
    ]
    for before, after in itertools.pairwise(migrations):
        if before.number == after.number:
            raise SchemaMismatchError(
                f"Migrations {before.name} and {after.name} have the same number; give one of them the next free one.",
                field="migration",
                value=after.name,
            )
    return migrations


def migrate(url: str, folder: Path = _MIGRATIONS, *, timescale: bool = True) -> list[str]:
    """Applies the migrations that a database lacks; safe to call from several processes at once.

    Args:
        url: libpq connection string or URL.
        folder: where the migrations are.
        timescale: use TimescaleDB where the server has it. Once used, it stays in use.

    Returns:
        Names of the files applied now, in order.

    Raises:
        SchemaMismatchError: an applied file was changed since, or the database knows one that this version does not.
        ConflictError: the database refuses a migration, of which nothing was applied (DATABASE_FORBIDS).
        StoreUnavailableError: the database does not answer.
    """
    migrations, optional = read_migrations(folder), read_migrations(_TIMESCALE_MIGRATIONS)
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="batterytwin migrate"
        ) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
            connection.execute(_CREATE_TABLE)
            applied = _applied(connection)
            _check_unchanged(applied, [*migrations, *optional])
            names = _apply_missing(connection, migrations, applied)
            if timescale and enable_timescale(connection):
                names += _apply_missing(connection, optional, applied)
            return names
    except psycopg.OperationalError as error:
        raise StoreUnavailableError(f"The database cannot be migrated: {error}", retry_after_s=1.0) from error
    except psycopg.Error as error:
        raise ConflictError(
            f"The database refuses to be migrated: {error}. Nothing of that step was done. The user needs the right to "
            "make and change tables: best it owns the database.",
            reason=Reason.DATABASE_FORBIDS,
            field="database_url",
        ) from error


def check_known(names: Collection[str], folder: Path = _MIGRATIONS) -> None:
    """Checks that this version knows all migrations that a database (or a backup of it) has had.

    Raises:
        SchemaMismatchError: one is unknown: a newer version made it.
    """
    known = {migration.name for migration in [*read_migrations(folder), *read_migrations(_TIMESCALE_MIGRATIONS)]}
    for name in names:
        if name not in known:
            raise _made_by_newer(name)


def _applied(connection: psycopg.Connection) -> dict[int, tuple[str, str]]:
    """Name and checksum of each migration that the database has had, by number."""
    return {
        int(number): (str(name), str(sha256))
        for number, name, sha256 in connection.execute("SELECT number, name, sha256 FROM schema_migration")
    }


def _apply_missing(connection: psycopg.Connection, migrations: list[Migration], applied: Collection[int]) -> list[str]:
    names = []
    for migration in migrations:
        if migration.number in applied:
            continue
        with connection.transaction():
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO schema_migration (number, name, sha256) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.sha256),
            )
        names.append(migration.name)
    return names


def _check_unchanged(applied: dict[int, tuple[str, str]], migrations: list[Migration]) -> None:
    known = {migration.number: migration for migration in migrations}
    for number, (name, sha256) in sorted(applied.items()):
        migration = known.get(number)
        if migration is None:
            raise _made_by_newer(name)
        if migration.sha256 != sha256:
            raise SchemaMismatchError(
                f"Migration {migration.name} was changed after it was applied to this database. Restore the file; "
                "put changes into a migration with the next number.",
                field="migration",
                value=migration.name,
            )


def _made_by_newer(name: str) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"The database has migration {name}, which this version does not know: it was used by a newer "
        "version. Start that version, or restore a backup from before the upgrade.",
        field="migration",
        value=name,
    )
