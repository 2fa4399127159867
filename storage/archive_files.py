"""Writes and reads files of the archive: whole or not at all, checked before anybody relies on them."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from batterytwin.errors import TwinError
from batterytwin.telemetry import Rows
from storage.archive_columns import encodings, to_rows, to_table
from storage.archive_spans import Piece
from storage.partitions import DAY_US

KEYS_PER_FILE: Final = 256
"""Battery keys are divided into blocks of so many; a file holds batteries of one block."""

_LEAST_GROUP_ROWS: Final = 8_192
"""A row group holds whole batteries until it has so many rows: few enough to read one battery quickly."""

_LEVEL: Final = 3
_SORTED_BY: Final = ("battery_key", "sample_time")


class ArchiveDamagedError(TwinError):
    """A file of the archive is not what was written."""


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What the manifest tells of a file.

    Attributes:
        path: within the archive folder.
        first_day: days since 1970-01-01 UTC.
        last_day: inclusive.
        first_key: smallest battery key.
        last_key: largest.
        row_count: rows.
        byte_count: bytes.
        sha256: of the file.
    """

    path: str
    first_day: int
    last_day: int
    first_key: int
    last_key: int
    row_count: int
    byte_count: int
    sha256: bytes


def blocks_of(keys: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of the block of each battery key, shape as given."""
    return keys // KEYS_PER_FILE


def write_rows(folder: Path, path: str, rows: Rows, days: tuple[int, int]) -> FileSummary:
    """Writes rows to a file and reads them back.

    Args:
        folder: of the archive.
        path: of the new file within it.
        rows: `ARCHIVE_DTYPE`, sorted by battery and sample time, at least one.
        days: first and last day that the file stands for.

    Raises:
        ArchiveDamagedError: what was read back is not what was written.
        OSError: the disk is full, or the folder cannot be written to.
    """
    return write_table(folder, path, to_table(rows), days)


def write_table(folder: Path, path: str, table: pa.Table, days: tuple[int, int]) -> FileSummary:
    """Like `write_rows` for a table that is one already, sorted by `battery_key`, without NaN.

    Raises:
        ArchiveDamagedError: what was read back is not what was written.
        OSError: as `write_rows`.
    """
    _write(folder / path, table, _groups(table["battery_key"].to_numpy()))
    # numbers as they are in the file: what rows become of them is told by the same function, now and later
    if not pq.read_table(folder / path).equals(table):
        raise ArchiveDamagedError(f"File {path} of the archive does not read back as it was written; check the disk.")
    return _summary(folder, path, table, days)


def read_rows(
    folder: Path,
    paths: Sequence[str],
    keys: Sequence[int] | None = None,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Iterator[Rows]:
    """Rows of files, file after file, `ARCHIVE_DTYPE`, each file's sorted by battery and sample time.

    Args:
        folder: of the archive.
        paths: files.
        keys: only these batteries; None = all.
        start_us: first sample time, inclusive; None = no matter.
        end_us: last sample time, exclusive; None = no matter.

    Raises:
        ArchiveDamagedError: a file is missing or cannot be read.
    """
    wanted = _condition(keys, start_us, end_us)
    for path in paths:
        with _readable(path):
            rows = to_rows(pq.read_table(folder / path, filters=wanted))
        yield rows


def read_pieces(folder: Path, path: str, pieces: Sequence[Piece]) -> Rows:
    """Rows of a file that lie in any of some pieces, `ARCHIVE_DTYPE`, sorted by battery and sample time.

    Args:
        folder: of the archive.
        path: of the file within it.
        pieces: what is wanted, at least one.

    Raises:
        ArchiveDamagedError: the file is missing or cannot be read.
    """
    wanted = reduce(or_, [_condition(piece.keys, piece.start_us, piece.end_us) for piece in pieces])
    with _readable(path):
        return to_rows(pq.read_table(folder / path, filters=wanted))


def read_table(folder: Path, path: str) -> pa.Table:
    """A whole file as it was given to `write_table`.

    Raises:
        ArchiveDamagedError: the file is missing or cannot be read.
    """
    with _readable(path):
        return pq.read_table(folder / path)


def check_file(folder: Path, path: str, sha256: bytes) -> bool:
    """Whether a file is there and is what was written."""
    try:
        return _digest(folder / path) == sha256
    except OSError:
        return False


def remove_file(folder: Path, path: str) -> None:
    """Removes a file; one that is gone already is fine."""
    (folder / path).unlink(missing_ok=True)


def _condition(keys: Sequence[int] | None, start_us: int | None, end_us: int | None) -> pc.Expression | None:
    """Which rows are wanted; None = all."""
    wanted = None
    if keys is not None:
        wanted = pc.field("battery_key").isin(list(keys))
    for bound_us, from_below in ((start_us, True), (end_us, False)):
        if bound_us is not None:
            bound = pa.scalar(bound_us, pa.timestamp("us"))
            within = pc.field("sample_time") >= bound if from_below else pc.field("sample_time") < bound
            wanted = within if wanted is None else wanted & within
    return wanted


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ArchiveDamagedError(f"File {path} of the archive cannot be read: {error}") from error


def _write(target: Path, table: pa.Table, groups: Sequence[tuple[int, int]]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    options: dict[str, Any] = encodings(table.column_names) if "sample_time" in table.column_names else {}
    try:
        with part.open("wb") as file:
            with pq.ParquetWriter(
                file,
                table.schema,
                compression="zstd",
                compression_level=_LEVEL,
                write_statistics=[name for name in (*_SORTED_BY, "hour") if name in table.column_names],
                **options,
            ) as writer:
                for begin, end in groups:
                    writer.write_table(table.slice(begin, end - begin), row_group_size=max(end - begin, 1))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)  # on a full disk each attempt would leave one more
        raise
    part.replace(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _groups(keys: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Row groups of whole batteries."""
    ends = [*(np.flatnonzero(np.diff(keys)) + 1).tolist(), len(keys)]
    groups, begin = [], 0
    for end in ends:
        if end - begin >= _LEAST_GROUP_ROWS or end == len(keys):
            groups.append((begin, end))
            begin = end
    return groups


def _summary(folder: Path, path: str, table: pa.Table, days: tuple[int, int]) -> FileSummary:
    keys = table["battery_key"].to_numpy()
    return FileSummary(
        path=path,
        first_day=days[0],
        last_day=days[1],
        first_key=int(keys[0]),
        last_key=int(keys[-1]),
        row_count=table.num_rows,
        byte_count=(folder / path).stat().st_size,
        sha256=_digest(folder / path),
    )


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def split_by_day_and_block(rows: Rows) -> Iterator[tuple[int, int, Rows]]:
    """Rows by day and block of batteries, each part sorted by battery and sample time.

    Args:
        rows: `ARCHIVE_DTYPE`, shape `(n_rows,)`, any order.

    Yields:
        Day (since 1970-01-01 UTC), block, rows.
    """
    days, blocks = rows["sample_time_us"] // DAY_US, blocks_of(rows["battery_key"])
    order = np.lexsort((rows["sample_time_us"], rows["battery_key"], days))
    rows, days, blocks = rows[order], days[order], blocks[order]
    cuts = np.flatnonzero((np.diff(days) != 0) | (np.diff(blocks) != 0)) + 1
    for part in np.split(rows, cuts):
        if len(part):
            yield int(part["sample_time_us"][0] // DAY_US), int(blocks_of(part["battery_key"][:1])[0]), part
