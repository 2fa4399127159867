"""Snapshots of twins that were computed from their logs, beside a server that may be running."""

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.shard_store import TwinSnapshot
from storage.snapshot_rows import write_snapshots
from storage.sql_files import read_sql

_HOLDS = read_sql("revision_unless_moved")
_LOCK = "LOCK TABLE twin_revision IN SHARE MODE"


def store_rebuilt(url: str, snapshot: TwinSnapshot, revision: int) -> bool:
    """Stores a snapshot unless the past that it was computed from has changed meanwhile.

    It needs no lease: a snapshot is only a shorter way to what the log says.

    Args:
        url: libpq connection string or URL.
        snapshot: state at its watermark.
        revision: that of the past it was computed from.

    Returns:
        Whether it was stored; else compute it again.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(url, options="-c timezone=UTC", application_name="batterytwin rebuild") as connection:
            connection.execute(_LOCK)
            values = {"key": snapshot.battery_key, "revision": revision}
            holds = connection.execute(_HOLDS, values).fetchone()
            if holds is None or not holds[0]:
                return False
            write_snapshots(connection, [snapshot])
    except psycopg.Error as error:
        raise StoreUnavailableError(f"A rebuilt twin cannot be stored now: {error}", retry_after_s=1.0) from error
    return True
