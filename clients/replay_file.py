"""Recorded files as tables of the columns a map names, chunk by chunk, with errors that say what is wrong and where."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from batterytwin.errors import InvalidArgumentError
from clients.replay_map import ReplayMap

CHUNK_ROWS: Final = 20_000
"""Rows read at once."""


def read_chunks(path: Path, replay_map: ReplayMap) -> Iterator[pd.DataFrame]:
    """Yields the file's rows, at most `CHUNK_ROWS` at once, with the columns that the map names.

    The index is the number by which a person finds the row: the line of a CSV file, the row (from 1) of a Parquet file.
    Cells of a CSV file stay text.

    Raises:
        InvalidArgumentError: the file cannot be read, is damaged, or lacks a column.
    """
    if not path.is_file():
        raise InvalidArgumentError(f"There is no file {path}.", field="file", value=path)
    parquet = replay_map.format == "parquet" or (replay_map.format == "auto" and path.suffix == ".parquet")
    wanted = _wanted_columns(replay_map)
    try:
        yield from _read_parquet(path, wanted) if parquet else _read_csv(path, wanted, replay_map.delimiter)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, pa.ArrowException, pd.errors.ParserError) as error:
        kind = "Parquet" if parquet else "CSV"
        raise InvalidArgumentError(
            f"{path} cannot be read as {kind}: {error}. Check that it is whole and what its name says.",
            field="file",
            value=path,
        ) from error


def _read_csv(path: Path, wanted: list[str], delimiter: str) -> Iterator[pd.DataFrame]:
    try:
        header = pd.read_csv(path, sep=delimiter, nrows=0, encoding="utf-8-sig")
    except pd.errors.EmptyDataError as error:
        raise InvalidArgumentError(f"{path} is empty; it needs a line of column names.", field="file") from error
    _check_columns(path, wanted, [str(name) for name in header.columns])
    with pd.read_csv(
        path,
        sep=delimiter,
        dtype=str,
        na_filter=False,
        encoding="utf-8-sig",
        chunksize=CHUNK_ROWS,
        skip_blank_lines=False,  # keeps row numbers equal to line numbers
    ) as reader:
        for chunk in reader:  # all columns, since pandas overlooks surplus cells of a row when it is told which to read
            if not isinstance(chunk.index, pd.RangeIndex):
                raise pd.errors.ParserError("rows have more cells than there are column names")
            chunk.index += 2  # line 1 holds the names
            yield chunk[wanted]


def _read_parquet(path: Path, wanted: list[str]) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(path) as file:
        _check_columns(path, wanted, file.schema_arrow.names)
        row = 1
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=wanted):
            chunk: pd.DataFrame = batch.to_pandas()
            chunk.index = pd.RangeIndex(row, row + len(chunk))
            row += len(chunk)
            yield chunk


def _wanted_columns(replay_map: ReplayMap) -> list[str]:
    names = [replay_map.time.column, *(column.column for column in replay_map.measured().values())]
    if replay_map.filter is not None:
        names.append(replay_map.filter.column)
    return list(dict.fromkeys(names))


def _check_columns(path: Path, wanted: list[str], present: list[str]) -> None:
    missing = [name for name in wanted if name not in present]
    if missing:
        raise InvalidArgumentError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(present)}. Correct the map.",
            field="column",
            value=missing[0],
        )
