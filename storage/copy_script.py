"""Several statements with their COPY data in one message to the server, and so in one transaction and one fsync."""

import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any, Final

import psycopg
from psycopg import errors, generators, pq
from psycopg.abc import PQGen
from psycopg.waiting import Wait

_ROOM_BYTES: Final = 4 << 20
"""20,000 encoded rows, as much as a shard's commit has under load."""
_FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)

Connection = psycopg.Connection[Any]
Block = Iterable[bytes | memoryview]
"""Data of one COPY in pieces; the next piece is asked for when the one before is no longer needed."""


def give_room(connection: Connection) -> None:
    """Lets the kernel take a whole COPY at once, so that its sender need not wait for the server to read it.

    On a Unix socket alone: over a network the kernel finds the right size by itself. It may grant less.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as own:
        if own.family == socket.AF_UNIX:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM_BYTES)


def run_script(connection: Connection, script: bytes, blocks: Iterable[Block] = ()) -> None:
    """Runs statements without parameters, separated by semicolons, as one message.

    The driver's own COPY sends BEGIN, COPY and COMMIT one after the other and waits for each; this waits once for the
    server to ask for the data and once for the end. Outside a transaction block PostgreSQL runs such a message as a
    transaction of its own: when a statement fails, none has happened.

    Args:
        connection: in autocommit mode.
        script: SQL statements.
        blocks: data of each `COPY ... FROM STDIN` of the script, in order.

    Raises:
        psycopg.Error: the first statement that failed.
    """
    connection.wait(_exchange(connection.pgconn, script, iter(blocks)))


def read_copy(connection: Connection, statement: bytes) -> bytes:
    """Runs `COPY ... TO STDOUT` and returns all that the server sends.

    The driver's own COPY returns to Python for every row that it waits for; this takes what has arrived at once.

    Raises:
        psycopg.Error: the statement failed.
    """
    return connection.wait(_receive(connection.pgconn, statement))


def _exchange(pgconn: pq.abc.PGconn, script: bytes, blocks: Iterator[Block]) -> PQGen[None]:
    pgconn.send_query(script)
    yield from generators.send(pgconn)
    failed: pq.abc.PGresult | None = None
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status == pq.ExecStatus.COPY_IN:
            yield from _send_block(pgconn, next(blocks))
        elif result.status in _FAILED and failed is None:
            failed = result
    if failed is not None:
        raise errors.error_from_result(failed)


def _send_block(pgconn: pq.abc.PGconn, block: Block) -> PQGen[None]:
    for piece in block:
        # libpq moves all that it still holds with each part that the server takes: let it hold one piece at most
        yield from generators.copy_to(pgconn, piece, flush=True)
    while pgconn.put_copy_end(None) == 0:
        yield from generators.send(pgconn)
    yield from generators.send(pgconn)


def _receive(pgconn: pq.abc.PGconn, statement: bytes) -> PQGen[bytes]:
    pgconn.send_query(statement)
    yield from generators.send(pgconn)
    pieces: list[memoryview] = []
    failed: pq.abc.PGresult | None = None
    while (result := (yield from generators.fetch(pgconn))) is not None:
        if result.status == pq.ExecStatus.COPY_OUT:
            yield from _receive_pieces(pgconn, pieces)
        elif result.status in _FAILED and failed is None:
            failed = result
    if failed is not None:
        raise errors.error_from_result(failed)
    return b"".join(pieces)


def _receive_pieces(pgconn: pq.abc.PGconn, pieces: list[memoryview]) -> PQGen[None]:
    while True:
        count, data = pgconn.get_copy_data(1)
        if count > 0:
            pieces.append(data)
        elif count < 0:
            return
        else:
            while not (yield Wait.R):
                pass
            pgconn.consume_input()
