"""The pool of database connections behind the server's store, and the one place where driver errors are translated."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool

from batterytwin.errors import InvalidArgumentError, StoreUnavailableError

_POOL_SIZE = 4
_OPEN_TIMEOUT_S = 15.0
_WAIT_FOR_CONNECTION_S = 5.0
_RETRY_AFTER_S = 1.0
_SESSION_OPTIONS = "-c timezone=UTC -c statement_timeout=30s -c application_name=batterytwin-server"

_log = structlog.get_logger(__name__)

Connection = AsyncConnection[Any]
"""A connection whose rows are named tuples, made by the driver from the columns of each statement."""


class StorePool:
    """Connections to one database, shared by everything the server asks of it.

    The parts of `ServerStore` derive from it and add their questions. Every method of theirs raises
    `StoreUnavailableError` while the database is away, and works again once it is back.
    """

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, connections: int = _POOL_SIZE) -> Self:
        """Opens the pool and waits until the database answers.

        Args:
            url: connection string of libpq, for example "postgresql://user@host/database".
            connections: how many, at least 1.

        Raises:
            StoreUnavailableError: no connection within 15 s.
        """

        async def check(connection: Connection) -> None:
            try:
                await AsyncConnectionPool.check_connection(connection)
            except psycopg.OperationalError:
                # What cut this one has cut the others: finding that out one by one, with the pool's growing pauses,
                # would keep callers waiting for longer than the database was away.
                await pool.drain()
                raise

        # psycopg keeps I/O out of the constructor: the pool is made closed and opened here, where it can be awaited.
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            open=False,
            min_size=connections,
            max_size=connections,
            timeout=_WAIT_FOR_CONNECTION_S,
            name="server",
            check=check,
            kwargs={"autocommit": True, "options": _SESSION_OPTIONS, "row_factory": namedtuple_row},
        )
        with _translated():
            try:
                await pool.open(wait=True, timeout=_OPEN_TIMEOUT_S)
            except psycopg.Error:
                await pool.close()
                raise
        return cls(pool)

    async def close(self) -> None:
        """Gives all connections back. Repeating it changes nothing."""
        await self._pool.close()

    async def ping(self) -> None:
        """Asks the database for a sign of life.

        Raises:
            StoreUnavailableError: none came.
        """
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Connection in autocommit mode."""
        with _translated():
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """Like `_connection`, with a transaction that commits when the block ends without an error."""
        async with self._connection() as connection, connection.transaction():
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    """Turns driver errors into errors of the product; the cause is kept for the log."""
    try:
        yield
    except (psycopg.DataError, UnicodeEncodeError) as error:
        raise InvalidArgumentError("A value holds characters or a number that cannot be stored.") from error
    except psycopg.Error as error:
        if not isinstance(error, psycopg.OperationalError):
            _log.error("unexpected answer of the database", exc_info=error)
        raise StoreUnavailableError(
            "The database does not answer as it should; try again.", retry_after_s=_RETRY_AFTER_S
        ) from error
