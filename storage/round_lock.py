"""Rounds of background work that only one process at a time may do."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg


@contextmanager
def round_lock(connection: psycopg.Connection[Any], key: int) -> Iterator[bool]:
    """Holds an advisory lock of the session for a `with` block, or says at once that somebody else has it.

    It is of the session, because an index cannot be built CONCURRENTLY within a transaction. It is given back before
    the connection is closed: a session ends some time after its client has hung up, and a round that follows at once
    would find the lock still taken and do nothing.

    Args:
        connection: in autocommit mode.
        key: of the lock.

    Yields:
        Whether this process may do the round.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    held = row is not None and bool(row[0])
    try:
        yield held
    finally:
        if held:
            with suppress(psycopg.OperationalError):  # a broken session has given it back
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
