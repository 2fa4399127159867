"""The server's end of the process that reads the archive."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import StoreUnavailableError
from storage.framed_child import FramedChild

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
    """Asks the process that reads the archive.

    Args:
        folder: of the archive.
    """

    def __init__(self, folder: Path) -> None:
        self._child = FramedChild(
            "storage.archive_worker", [str(folder)], part_count=2, timeout_s=_TIMEOUT_S, name="The archive"
        )

    async def ask(self, question: ArchiveQuestion) -> dict[str, NDArray[Any]]:
        """Columns as `archive_worker.answer` gives them.

        Raises:
            StoreUnavailableError: a file is not there (it may just have been replaced: look at the manifest again), or
                the process died or took too long.
        """
        asked = {
            "kind": question.kind,
            "paths": list(question.paths),
            "battery_key": int(question.battery_key),
            "start_us": int(question.start_us),
            "end_us": int(question.end_us),
            "names": list(question.names),
            "limit": int(question.limit),
        }
        return await self._ask(asked)

    async def ask_loads(
        self, paths: Sequence[str], batteries_of: Sequence[Sequence[int]], start_us: int, end_us: int
    ) -> dict[str, NDArray[Any]]:
        """Columns as `archive_worker.string_loads` gives them.

        Args:
            paths: files of readings, within the folder.
            batteries_of: database keys of the batteries of each string.
            start_us: first time, inclusive, microseconds since 1970 UTC.
            end_us: last time, exclusive.

        Raises:
            StoreUnavailableError: as `ask`.
        """
        return await self._ask(
            {
                "kind": "loads",
                "paths": list(paths),
                "battery_keys": [int(key) for keys in batteries_of for key in keys],
                "strings": [number for number, keys in enumerate(batteries_of) for _ in keys],
                "start_us": int(start_us),
                "end_us": int(end_us),
            }
        )

    async def _ask(self, asked: dict[str, Any]) -> dict[str, NDArray[Any]]:
        told, body = await self._child.ask(json.dumps(asked).encode())
        head = json.loads(told)
        if "error" in head:
            raise StoreUnavailableError(f"The archive cannot be read: {head['error']}", retry_after_s=1.0)
        return _columns(head["columns"], body)

    async def close(self) -> None:
        """Ends the process. Repeating it changes nothing."""
        await self._child.close()


def _columns(told: list[list[Any]], body: bytes) -> dict[str, NDArray[Any]]:
    columns, offset = {}, 0
    for name, dtype, count in told:
        columns[name] = np.frombuffer(body, np.dtype(dtype), count, offset)
        offset += columns[name].nbytes
    return columns
