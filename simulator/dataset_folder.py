"""A folder of Parquet files that appears whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batterytwin.errors import InvalidArgumentError

MOST_ROWS_PER_FILE = 4_000_000
"""Rows after which a table goes on in a new file."""


class DatasetFolder:
    """Tables that grow chunk by chunk, each in files of its own; nothing stays in memory.

    Args:
        path: folder to fill.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = {}
        self._files: dict[str, int] = {}

    def append(self, name: str, table: pa.Table) -> None:
        """Adds rows to the table `name`, as one row group of `name/part-00000.parquet` and so on."""
        if name in self._writers and self._rows[name] + table.num_rows > MOST_ROWS_PER_FILE:
            self._writers.pop(name).close()
        if name not in self._writers:
            number = self._files.get(name, 0)
            (self._path / name).mkdir(exist_ok=True)
            self._writers[name] = _writer(self._path / name / f"part-{number:05d}.parquet", table.schema)
            self._files[name], self._rows[name] = number + 1, 0
        self._writers[name].write_table(table, row_group_size=max(table.num_rows, 1))
        self._rows[name] += table.num_rows

    def write(self, name: str, table: pa.Table) -> None:
        """Writes a table that is complete, as `name.parquet`."""
        with _writer(self._path / f"{name}.parquet", table.schema) as writer:
            writer.write_table(table)

    def describe(self, about: dict[str, Any]) -> None:
        """Writes `about.json`."""
        (self._path / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")

    def close(self) -> None:
        """Completes all files."""
        while self._writers:
            self._writers.popitem()[1].close()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    numbers = [field.name for field in schema if pa.types.is_float32(field.type)]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts, use_byte_stream_split=numbers)


@contextmanager
def new_dataset_folder(path: Path) -> Iterator[DatasetFolder]:
    """A folder that is filled beside its place and moved there at the end; on any error nothing is left.

    Raises:
        InvalidArgumentError: something is there already, or the folder above it is missing.
    """
    path = path.absolute()
    if path.exists():
        raise InvalidArgumentError(
            f"{path} is there already, and data sets never overwrite. Choose another name or remove it first.",
            field="folder",
            value=path,
        )
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"There is no folder {path.parent}.", field="folder", value=path)
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    unfinished.mkdir()
    folder = DatasetFolder(unfinished)
    try:
        yield folder
        folder.close()
        _sync(unfinished)
        unfinished.rename(path)
    except BaseException:  # Ctrl-C too
        folder.close()
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
