"""Files of exported history, made piece by piece: what is written comes out at once and is forgotten here."""

import io
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from twin_server.export_columns import BATTERY, TIME

ROW_GROUP_ROWS: Final = 65_536
"""Rows of a row group of Parquet: some 7 MB in memory with all columns, and long enough to compress well."""

_NEEDS_QUOTES: Final = frozenset('",\r\n')


class ExportFile(Protocol):
    """A file in the making."""

    def add(self, rows: pa.Table) -> bytes:
        """Takes rows and gives the bytes that are ready, perhaps none."""

    def end(self) -> bytes:
        """Gives what is left; nothing may be added afterwards."""


class CsvFile:
    """Text: times as ISO 8601 in UTC, floats with as many digits as their exact value needs, nothing for null.

    Args:
        schema: columns of the file.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._heading = (",".join(schema.names) + "\n").encode()

    def add(self, rows: pa.Table) -> bytes:
        """Gives the lines of these rows, the names of the columns before the first."""
        times = np.datetime_as_string(rows[TIME].to_numpy().astype("datetime64[us]"), unit="us", timezone="UTC")
        rows = rows.set_column(rows.schema.get_field_index(TIME), TIME, pa.array(times, pa.string()))
        # Arrow puts quotes around every text or around none, and would fail on a name that needs them.
        quotes = any(_NEEDS_QUOTES & set(name) for name in rows[BATTERY].unique().to_pylist())
        lines = io.BytesIO()
        pyarrow.csv.write_csv(
            rows,
            lines,
            pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed" if quotes else "none"),
        )
        return self._take_heading() + lines.getvalue()

    def end(self) -> bytes:
        """Gives the names of the columns if there was no row."""
        return self._take_heading()

    def _take_heading(self) -> bytes:
        heading, self._heading = self._heading, b""
        return heading


class ParquetFile:
    """Apache Parquet with zstd; a row group leaves as soon as it is full.

    Args:
        schema: columns of the file.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = io.BytesIO()
        self._writer = pyarrow.parquet.ParquetWriter(self._sink, schema, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    def add(self, rows: pa.Table) -> bytes:
        """Keeps rows until they fill a row group."""
        while self._waiting_rows + rows.num_rows >= ROW_GROUP_ROWS:
            fitting = ROW_GROUP_ROWS - self._waiting_rows
            self._keep(rows.slice(0, fitting))
            rows = rows.slice(fitting)
            self._write()
        self._keep(rows)
        return self._take()

    def end(self) -> bytes:
        """Writes the last row group and the footer."""
        self._write()
        self._writer.close()
        return self._take()

    def _keep(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._waiting.append(rows)
            self._waiting_rows += rows.num_rows

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP_ROWS)
        self._waiting, self._waiting_rows = [], 0

    def _take(self) -> bytes:
        # The writer counts the bytes that it has written by itself, so what has left may be forgotten.
        written = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return written
