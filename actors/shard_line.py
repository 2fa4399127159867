"""The line from the server to a shard's process on the same machine: a Unix socket, one question at a time.

Ray starts, watches and restarts the process. A Ray call costs about 1.2 ms of processor time on both sides together, at
32 rows a second most of what the server may use; a question over this line costs a tenth, and a dead shard is noticed
at once.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, cast

from batterytwin.errors import ShardUnavailableError

_QUESTION: Final = struct.Struct("<Iq")  # length of the rows, time of receipt
_ANSWER: Final = struct.Struct("<I")  # length of the answer


class LineServer:
    """The shard's end: a thread that answers whoever has connected last.

    Args:
        path: of the socket, in a folder that only this user can enter.
        answer: makes the answer from rows (`READING_DTYPE` bytes) and their time of receipt, microseconds.
    """

    def __init__(self, path: Path, answer: Callable[[bytes, int], bytes]) -> None:
        self._answer = answer
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(1)
        threading.Thread(target=self._serve, name="shard-line", daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, contextlib.suppress(ConnectionError, EOFError):
                self._answer_questions(connection)

    def _answer_questions(self, connection: socket.socket) -> None:
        while True:
            length, receive_time_us = _QUESTION.unpack(_receive(connection, _QUESTION.size))
            answer = self._answer(_receive(connection, length), receive_time_us)
            connection.sendall(_ANSWER.pack(len(answer)) + answer)


def _receive(connection: socket.socket, length: int) -> bytes:
    first = connection.recv(length) if length else b""
    if len(first) == length:
        return first
    received = bytearray(first)
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


class ShardLine(asyncio.Protocol):
    """The server's end."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = bytearray()
        self._pending: asyncio.Future[bytes] | None = None

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connects to a shard.

        Raises:
            ShardUnavailableError: nobody answers there.
        """
        try:
            _, line = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        except OSError as error:
            raise _gone() from error
        return line

    async def ask(self, rows: bytes, receive_time_us: int) -> bytes:
        """Sends rows and waits for the answer.

        A caller that stops waiting takes nothing back; the next question then waits for that answer to pass first.

        Raises:
            ShardUnavailableError: the shard is gone, or goes before it answers.
        """
        while self._pending is not None and not self._pending.done():
            await asyncio.wait([self._pending])
        if self._transport is None:
            raise _gone()
        self._pending = asyncio.get_running_loop().create_future()
        self._transport.writelines((_QUESTION.pack(len(rows), receive_time_us), rows))
        return await asyncio.shield(self._pending)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._transport is not None

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._received += data
        if len(self._received) < _ANSWER.size:
            return
        end = _ANSWER.size + _ANSWER.unpack_from(self._received)[0]
        if len(self._received) >= end and self._pending is not None:
            answer = bytes(memoryview(self._received)[_ANSWER.size : end])
            self._received.clear()
            self._pending.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # asyncio's interface
        """Called by asyncio."""
        self._transport = None
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(_gone())
            self._pending.exception()  # told, even if nobody waits any more


def _gone() -> ShardUnavailableError:
    return ShardUnavailableError("The shard died and is being restored; send again.", retry_after_s=1.0)
