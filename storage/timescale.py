"""TimescaleDB, where the connected server has it: whether it can be used, and how long it keeps what."""

import logging
from pathlib import Path
from typing import Any, Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.archive_settings import ArchiveSettings
from storage.sql_files import read_sql

MIGRATIONS: Final = Path(__file__).parent / "migrations" / "timescale"
"""Migrations for servers with TimescaleDB alone, numbered among the others."""

_LEAST_VERSION: Final = (2, 20)
"""Before it, an ON CONFLICT on compressed chunks could end early and policies had other names."""

_STATE: Final = read_sql("timescale_state")
_POLICIES: Final = read_sql("timescale_policies").decode()
_OLD_CHUNKS: Final = read_sql("timescale_old_chunks").decode()
_REFRESH: Final = "CALL refresh_continuous_aggregate('reading_hour', %s::timestamptz, %s::timestamptz)"
IS_HYPERTABLE: Final = "SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('reading')"
"""Whether table `reading` is a hypertable rather than partitioned."""

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


def enable_timescale(connection: Connection) -> bool:
    """Whether TimescaleDB can be used in this database; makes the extension where that is allowed.

    It needs version 2.20, the Community licence (columnstore, policies and continuous aggregates are not in the other)
    and to be loaded by the server. Where something is missing, the plain partitions serve as well.

    Args:
        connection: in autocommit mode.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    row = connection.execute(_STATE).fetchone()
    if row is None or row[0] is None:
        return False
    version, installed, loaded = str(row[0]), bool(row[1]), bool(row[2])
    if not loaded or tuple(map(int, version.split("-", maxsplit=1)[0].split(".")[:2])) < _LEAST_VERSION:
        _log.info("TimescaleDB %s is not used: too old, or not in shared_preload_libraries", version)
        return False
    if installed:
        return _has_licence(connection)
    try:
        with connection.transaction() as creating:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            if not _has_licence(connection):
                raise psycopg.Rollback(creating)
            return True
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFile) as error:
        _log.info("TimescaleDB is not used: %s", error)
    return False


def _has_licence(connection: Connection) -> bool:
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    if row is not None and row[0] == "timescale":
        return True
    _log.info("TimescaleDB is not used: its Apache edition lacks columnstore, policies and continuous aggregates")
    return False


def is_hypertable(connection: Connection) -> bool:
    """Whether table `reading` is a hypertable of TimescaleDB, which looks after its chunks by itself."""
    row = connection.execute(IS_HYPERTABLE).fetchone()
    return row is not None and bool(row[0])


def apply_policies(url: str, keeping: ArchiveSettings) -> bool:
    """Makes TimescaleDB keep what is asked for; does nothing where `reading` is no hypertable.

    Args:
        url: libpq connection string or URL of a migrated database.
        keeping: how long what is kept.

    Returns:
        Whether TimescaleDB is in use.

    Raises:
        StoreUnavailableError: the database does not answer, or refuses.
    """
    try:
        with psycopg.connect(url, application_name="batterytwin policies") as connection:
            if not is_hypertable(connection):
                return False
            # Literals: a CALL with parameters needs their types, and these are numbers of ours.
            connection.execute(
                _POLICIES.format(
                    hot=f"interval '{keeping.hot_days} days'",
                    raw=f"interval '{keeping.raw_days} days'",
                    hours=f"interval '{keeping.hour_days} days'",
                    refreshed=_refreshed(keeping),
                ).encode()
            )
            return True
    except psycopg.Error as error:
        raise StoreUnavailableError(f"TimescaleDB's policies cannot be set: {error}") from error


def refresh_old_hours(url: str, keeping: ArchiveSettings) -> int:
    """Brings hours of recorded history up to date that is older than what the policy of TimescaleDB looks at.

    The policy must not look further back than readings are kept: where they are gone, it would take the hours away too.
    So this goes by the chunks that are there.

    Args:
        url: libpq connection string or URL of a migrated database.
        keeping: how long what is kept.

    Returns:
        Chunks that were looked at; 0 where `reading` is no hypertable.

    Raises:
        StoreUnavailableError: the database does not answer, or refuses.
    """
    try:
        with psycopg.connect(url, autocommit=True, application_name="batterytwin hours") as connection:
            if not is_hypertable(connection):
                return 0
            chunks = connection.execute(_OLD_CHUNKS.format(refreshed=_refreshed(keeping)).encode()).fetchall()
            for start, end in chunks:
                connection.execute(_REFRESH, (start, end))
            return len(chunks)
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Hours cannot be brought up to date: {error}", retry_after_s=60.0) from error


def _refreshed(keeping: ArchiveSettings) -> str:
    return f"interval '{keeping.raw_days - 1} days'"
