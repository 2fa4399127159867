"""Writes and reads files of the archive: whole or not at all, checked before anybody relies on them.

How much a file holds depends on how often batteries were measured, once a minute or, in an outage, once a second. So
whoever makes one of others takes a few batteries at a time, and a row group at a time is written and read back.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from storage.archive_columns import ARCHIVE_DTYPE, encodings, to_rows, to_table
from storage.archive_spans import FileSpan, Piece
from storage.partitions import DAY_US

KEYS_PER_FILE: Final = 256
"""Battery keys are divided into blocks of so many; a file holds batteries of one block."""

KEYS_AT_ONCE: Final = 8
"""Battery keys whose rows are held at once. Fewer read the row groups at their ends more often."""

_LEAST_GROUP_ROWS: Final = 8_192
"""A row group holds whole batteries until it has so many rows: few enough to read one battery quickly."""

_LEVEL: Final = 3
_SORTED_BY: Final = ("battery_key", "sample_time")


class ArchiveDamagedError(TwinError):
    """A file of the archive is not what was written."""


@dataclass(frozen=True, slots=True)
class FileSummary(FileSpan):
    """What the manifest tells of a file, beside what it stands for.

    Attributes:
        row_count: rows.
        byte_count: bytes.
        sha256: of the file.
    """

    row_count: int
    byte_count: int
    sha256: bytes


@dataclass(slots=True)
class _Content:
    """What a file says, told a row group at a time; equal where all of it is.

    Attributes:
        digests: of each row group.
        row_count: rows so far.
        first_key: battery key of the first of them.
        last_key: of the last.
    """

    digests: list[bytes] = field(default_factory=list)
    row_count: int = 0
    first_key: int = 0
    last_key: int = 0

    def add(self, group: pa.Table) -> None:
        """Takes one more row group, at least one row."""
        keys = group["battery_key"]
        if not self.digests:
            self.first_key = keys[0].as_py()
        self.last_key = keys[-1].as_py()
        self.row_count += group.num_rows
        self.digests.append(_digest_of(group))


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
    return write_parts(folder, path, [rows], days)


def write_parts(folder: Path, path: str, parts: Iterable[Rows], days: tuple[int, int]) -> FileSummary:
    """Like `write_rows` for rows that come part by part, of which no more than one is held; the file is the same.

    Args:
        folder: of the archive.
        path: of the new file within it.
        parts: `ARCHIVE_DTYPE`, each of whole batteries; one after the other they are sorted by battery and sample time
            and have at least one row. What goes wrong with them is raised, and nothing left behind.
        days: first and last day that the file stands for.

    Raises:
        ArchiveDamagedError: what was read back is not what was written.
        OSError: as `write_rows`.
    """
    schema = to_table(np.empty(0, ARCHIVE_DTYPE)).schema
    return _write_groups(folder, path, schema, (to_table(rows) for rows in _grouped(parts)), days)


def write_table(folder: Path, path: str, table: pa.Table, days: tuple[int, int]) -> FileSummary:
    """Like `write_rows` for a table that is one already, sorted by `battery_key`."""
    return write_tables(folder, path, table.schema, [table], days)


def write_tables(
    folder: Path, path: str, schema: pa.Schema, parts: Iterable[pa.Table], days: tuple[int, int]
) -> FileSummary:
    """Like `write_parts` for tables; where they have no rows, the file has none, and its keys are 0.

    Raises:
        ArchiveDamagedError: what was read back is not what was written.
        OSError: as `write_rows`.
    """
    return _write_groups(folder, path, schema, _grouped_tables(parts), days)


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


def read_joined(folder: Path, paths: Sequence[str], keys: range) -> Iterator[Rows]:
    """Rows of files as if they were one, as parts for `write_parts`.

    Args:
        folder: of the archive.
        paths: files, at least one; of rows of the same battery and sample time those of the first file come first.
        keys: only these batteries.

    Raises:
        ArchiveDamagedError: a file is missing or cannot be read.
    """
    for some in keys_in_parts(keys):
        rows = np.concatenate(list(read_rows(folder, paths, some)))
        yield rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


def keys_in_parts(keys: range) -> Iterator[range]:
    """Keys a few at a time, as many as may be held at once."""
    for first in range(keys.start, keys.stop, KEYS_AT_ONCE):
        yield range(first, min(first + KEYS_AT_ONCE, keys.stop))


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


def read_table(folder: Path, path: str, keys: range | None = None) -> pa.Table:
    """What was given to `write_table`, of some batteries or, with None, all of it.

    Raises:
        ArchiveDamagedError: the file is missing or cannot be read.
    """
    with _readable(path):
        return pq.read_table(folder / path, filters=_condition(keys, None, None))


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
    if isinstance(keys, range) and keys.step == 1:  # a third of what a list costs where most groups are passed over
        wanted = (pc.field("battery_key") >= keys.start) & (pc.field("battery_key") < keys.stop)
    elif keys is not None:
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


def _write_groups(
    folder: Path, path: str, schema: pa.Schema, groups: Iterable[pa.Table], days: tuple[int, int]
) -> FileSummary:
    written, read = _Content(), _Content()
    _write(folder / path, schema, groups, written)
    # numbers as they are in the file: what rows become of them is told by the same function, now and later
    with _readable(path), pq.ParquetFile(folder / path) as file:
        for number in range(file.num_row_groups):
            read.add(file.read_row_group(number))
    if read != written:
        raise ArchiveDamagedError(f"File {path} of the archive does not read back as it was written; check the disk.")
    return FileSummary(
        path=path,
        first_day=days[0],
        last_day=days[1],
        first_key=written.first_key,
        last_key=written.last_key,
        row_count=written.row_count,
        byte_count=(folder / path).stat().st_size,
        sha256=_digest(folder / path),
    )


def _write(target: Path, schema: pa.Schema, groups: Iterable[pa.Table], written: _Content) -> None:
    """Writes row groups and tells what they say."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    options: dict[str, Any] = encodings(schema.names) if "sample_time" in schema.names else {}
    try:
        with part.open("wb") as file:
            with pq.ParquetWriter(
                file,
                schema,
                compression="zstd",
                compression_level=_LEVEL,
                write_statistics=[name for name in (*_SORTED_BY, "hour") if name in schema.names],
                **options,
            ) as writer:
                for group in groups:
                    writer.write_table(group, row_group_size=group.num_rows)
                    written.add(group)
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


def _grouped(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Rows of each row group. The last one of a part is held back: the next part may have more batteries for it."""
    rest = np.empty(0, ARCHIVE_DTYPE)
    for part in parts:
        rows = np.concatenate([rest, part]) if len(rest) else part
        *whole, (begin, _) = _groups(rows["battery_key"])
        yield from (rows[first:end] for first, end in whole)
        rest = rows[begin:].copy()  # not a view, which would keep all of them
    if len(rest):
        yield rest


def _grouped_tables(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """As `_grouped`, of tables."""
    rest = None
    for part in parts:
        table = part if rest is None else pa.concat_tables([rest, part])
        if not table.num_rows:
            continue
        *whole, (begin, _) = _groups(table["battery_key"].to_numpy())
        yield from (table.slice(first, end - first) for first, end in whole)
        rest = table.slice(begin)
    if rest is not None:
        yield rest


def _digest_of(group: pa.Table) -> bytes:
    """Of names, types and values; what lies beneath a missing value does not matter."""
    digest = hashlib.sha256()
    for named, column in zip(group.schema, group.itercolumns(), strict=True):
        digest.update(f"{named.name} {named.type}\n".encode())
        digest.update(column.is_null().to_numpy().tobytes())
        digest.update(column.drop_null().to_numpy().tobytes())
    return digest.digest()


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
