"""Exported history as plain types, and the file that it goes to."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from batterytwin.errors import InvalidArgumentError


class ExportFormat(IntEnum):
    """A kind of file. Numbers equal `batterytwin.v1.ExportFormat`."""

    CSV = 1
    PARQUET = 2


@dataclass(frozen=True, slots=True)
class ExportChunk:
    """The next piece of an exported file.

    Attributes:
        data: bytes that follow those of the piece before, at most 1 MiB; may be none.
        row_count: rows in the file so far.
        done_fraction: share of the work that is done, 0...1.
    """

    data: bytes
    row_count: int
    done_fraction: float


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A finished export.

    Attributes:
        path: the file.
        row_count: rows in it.
        byte_count: its size.
    """

    path: Path
    row_count: int
    byte_count: int


ExportProgress = Callable[[ExportChunk], None]
"""Told every piece after it has been written."""


class ExportTarget:
    """The file of an export: it appears under its name when it is whole, and not at all when something goes wrong.

    Args:
        path: name of the file.
        overwrite: whether a file of this name may be replaced.

    Raises:
        InvalidArgumentError: there is a file of this name already, or none can be written there.
    """

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool) -> None:
        self._path = Path(path)
        self._overwrite = overwrite
        self._last: ExportChunk | None = None
        self._byte_count = 0
        self._refuse_existing()
        self._part = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}.part")
        try:
            self._file: BinaryIO = self._part.open("xb")
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, chunk: ExportChunk) -> None:
        """Appends a piece.

        Raises:
            InvalidArgumentError: the disk does not take it.
        """
        try:
            self._file.write(chunk.data)
        except OSError as error:
            raise self._unwritable(error) from error
        self._byte_count += len(chunk.data)
        self._last = chunk

    def finish(self) -> ExportedFile:
        """Gives the file its name, all or nothing.

        Raises:
            InvalidArgumentError: the disk does not take it, or a file of this name has appeared meanwhile.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self._overwrite:
                self._part.replace(self._path)
            else:
                self._refuse_existing()
                self._part.rename(self._path)
        except OSError as error:
            raise self._unwritable(error) from error
        return ExportedFile(self._path, 0 if self._last is None else self._last.row_count, self._byte_count)

    def _refuse_existing(self) -> None:
        if not self._overwrite and self._path.exists():
            raise InvalidArgumentError(
                f"{self._path} exists already; choose another name, or allow it to be overwritten.",
                field="path",
                value=self._path,
            )

    def _unwritable(self, error: OSError) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"{self._path} cannot be written: {error.strerror or error}. Choose a place with room that is yours.",
            field="path",
            value=self._path,
        )
