"""A child process that answers questions: frames of bytes in on its input, frames of bytes out on its output."""

import asyncio
import os
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

from batterytwin.errors import StoreUnavailableError

_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

FRAME: Final = struct.Struct("<I")
"""Length of what follows, in front of every question and every part of an answer."""


def ignore_stop_signals() -> None:
    """Makes a child outlive a signal that was sent to the server and all its processes: the server ends it in order.

    Ctrl-C and the end of a terminal reach the process group, and SIGTERM every process of a service or a container.
    """
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def stop_signals_held_back() -> Iterator[None]:
    """Children that are started within inherit these signals blocked: one would end them before they can ignore it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        yield
    finally:  # not what was before: children are started side by side
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def read_frame(stream: BinaryIO) -> bytes | None:
    """Next frame, or None where the stream has ended."""
    head = stream.read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    length = FRAME.unpack(head)[0]
    body = stream.read(length)
    return body if len(body) == length else None


def write_frames(stream: BinaryIO, *parts: bytes) -> None:
    """Writes an answer of some parts."""
    stream.write(b"".join(FRAME.pack(len(part)) + part for part in parts))
    stream.flush()


class FramedChild:
    """Starts `python -m MODULE ARGUMENTS` when it is first needed or told to begin, and again when it has died.

    One question at a time. It ends when its input ends, so also when this process is killed.

    Args:
        module: module to run.
        arguments: its arguments; everyone on the machine can read them.
        part_count: frames of an answer.
        timeout_s: longest time for an answer, s.
        greeting: a question whose answer is not waited for, asked first of every new process.
        name: for messages.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        part_count: int,
        timeout_s: float,
        name: str,
        greeting: bytes = b"",
    ) -> None:
        self._command = (sys.executable, "-m", module, *arguments)
        self._part_count = part_count
        self._timeout_s = timeout_s
        self._name = name
        self._greeting = greeting
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Starts the process before it is needed; what it must load then keeps no question waiting."""
        async with self._turn:
            with suppress(OSError):  # the first question tells
                await self._running()

    async def ask(self, question: bytes) -> list[bytes]:
        """Parts of the answer.

        Raises:
            StoreUnavailableError: the process died or took too long.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._exchange(question)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                await self._end()
                raise StoreUnavailableError(f"{self._name} does not answer; try again.", retry_after_s=1.0) from error
            except asyncio.CancelledError:  # its answer would be taken for that of the next question
                await self._end()
                raise

    async def close(self) -> None:
        """Ends the process. Repeating it changes nothing."""
        async with self._turn:
            await self._end()

    async def _running(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is None or process.returncode is not None:
            with stop_signals_held_back():
                process = self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    env=os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
                )
            if self._greeting and process.stdin is not None:
                process.stdin.write(FRAME.pack(len(self._greeting)) + self._greeting)
        return process

    async def _exchange(self, question: bytes) -> list[bytes]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError(f"{self._name} has no pipes")
        process.stdin.write(FRAME.pack(len(question)) + question)
        await process.stdin.drain()
        return [await next_frame(process.stdout) for _ in range(self._part_count)]

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(1.0):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def next_frame(stream: asyncio.StreamReader) -> bytes:
    """Next frame of a child's output.

    Raises:
        IncompleteReadError: the output has ended.
    """
    length = FRAME.unpack(await stream.readexactly(FRAME.size))[0]
    return await stream.readexactly(length)
