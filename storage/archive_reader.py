"""The server's end of the process that reads the archive."""

import asyncio
import json
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import StoreUnavailableError

FRAME: Final = struct.Struct("<I")
"""Length of what follows, in front of every question and answer."""

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class ArchiveQuestion:
    """What is wanted of the archive.

    Attributes:
        kind: readings or hours.
        paths: files, within the folder.
        battery_key: database key of the battery.
        start_us: first time, inclusive, microseconds since 1970 UTC.
        end_us: last time, exclusive.
        names: columns.
        limit: rows at most.
    """

    kind: Literal["readings", "hours"]
    paths: Sequence[str]
    battery_key: int
    start_us: int
    end_us: int
    names: Sequence[str]
    limit: int = 2**31 - 1


class ArchiveReader:
    """Starts the process when it is first needed, and again when it has died; one question at a time.

    Args:
        folder: of the archive.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: ArchiveQuestion) -> dict[str, NDArray[Any]]:
        """Columns as `archive_worker.answer` gives them.

        Raises:
            StoreUnavailableError: a file is not there (it may just have been replaced: look at the manifest again), or
                the process died or took too long.
        """
        asked = json.dumps(
            {
                "kind": question.kind,
                "paths": list(question.paths),
                "battery_key": int(question.battery_key),
                "start_us": int(question.start_us),
                "end_us": int(question.end_us),
                "names": list(question.names),
                "limit": int(question.limit),
            }
        ).encode()
        async with self._turn:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    head, body = await self._exchange(asked)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                await self._end()
                raise StoreUnavailableError("The archive does not answer; try again.", retry_after_s=1.0) from error
            except asyncio.CancelledError:  # its answer would be taken for that of the next question
                await self._end()
                raise
        if "error" in head:
            raise StoreUnavailableError(f"The archive cannot be read: {head['error']}", retry_after_s=1.0)
        return _columns(head["columns"], body)

    async def close(self) -> None:
        """Ends the process. Repeating it changes nothing."""
        async with self._turn:
            await self._end()

    async def _exchange(self, asked: bytes) -> tuple[dict[str, Any], bytes]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "storage.archive_worker", str(self._folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        if process.stdin is None or process.stdout is None:
            raise OSError("the process of the archive has no pipes")
        process.stdin.write(FRAME.pack(len(asked)) + asked)
        await process.stdin.drain()
        head = json.loads(await _frame(process.stdout))
        return head, await _frame(process.stdout)

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


async def _frame(stream: asyncio.StreamReader) -> bytes:
    length = FRAME.unpack(await stream.readexactly(FRAME.size))[0]
    return await stream.readexactly(length)


def _columns(told: list[list[Any]], body: bytes) -> dict[str, NDArray[Any]]:
    columns, offset = {}, 0
    for name, dtype, count in told:
        columns[name] = np.frombuffer(body, np.dtype(dtype), count, offset)
        offset += columns[name].nbytes
    return columns
