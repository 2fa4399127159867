"""Revisions of the past of twins: their numbers, the rows they changed, and the snapshots that they supersede."""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from storage.instants import to_datetime
from storage.shard_store import Revision
from storage.sql_files import read_sql

COPY_REVISED: Final = read_sql("copy_revised")
"""Statements that take the revised rows in; `write_revisions` then stores them."""

_NUMBER: Final = read_sql("number_revisions")
_STORE: Final = read_sql("store_revised")
_SUPERSEDE: Final = read_sql("supersede_snapshots")

Connection = psycopg.Connection[Any]


def write_revisions(connection: Connection, revisions: Sequence[Revision], known_us: int, *, with_rows: bool) -> None:
    """Stores revisions within the transaction under way.

    Args:
        connection: in a transaction; where there are revised rows, they are in `revised_incoming`.
        revisions: each battery once.
        known_us: when the server received what changed the past, microseconds since 1970 UTC.
        with_rows: whether there are revised rows.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    values = {
        "keys": [revision.battery_key for revision in revisions],
        "from_times": [to_datetime(revision.from_us) for revision in revisions],
        "known_at": to_datetime(known_us),
    }
    connection.execute(_NUMBER, values)
    if with_rows:
        connection.execute(_STORE, values)
    connection.execute(_SUPERSEDE, values)
