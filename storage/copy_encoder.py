"""Rows in PostgreSQL's binary COPY format, and back, without a Python loop over rows.

Format: a header; each row as a field count and, for each field, its length and its big-endian value; a trailer
(PostgreSQL manual, COPY, "Binary Format"). No column is null, so every row is equally long and rows are an array.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import POSTGRES_EPOCH_US

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NAMES: Final = TELEMETRY_DTYPE.names or ()
_PIECE_ROWS: Final = 1_024

COPY_COLUMNS: Final = ", ".join(name.removesuffix("_us") for name in _NAMES)
"""Columns of a row as SQL names them. COPY has to name them: a newer version may have added others to the table."""


def _record_dtype() -> np.dtype[np.void]:
    parts: list[tuple[str, str]] = [("field_count", ">i2")]
    for name in _NAMES:
        big_endian = TELEMETRY_DTYPE[name].newbyteorder(">").str
        parts += [(f"{name}_length", ">i4"), (name, big_endian)]
    return np.dtype(parts)


def _template() -> bytes:
    record = np.zeros(1, _RECORD)
    record["field_count"] = len(_NAMES)
    for name in _NAMES:
        record[f"{name}_length"] = TELEMETRY_DTYPE[name].itemsize
    return record.tobytes()


_RECORD: Final = _record_dtype()
_ROW_TEMPLATE: Final = _template()


class CopyEncoder:
    """Encodes rows for `COPY ... FROM STDIN (FORMAT binary)` into a table with the columns of `reading`.

    Works in one small buffer that is used again and again: fresh memory for every batch would cost more than the
    encoding. One thread.
    """

    def __init__(self) -> None:
        self._buffer = bytearray().join((_HEADER, _ROW_TEMPLATE * _PIECE_ROWS))
        self._records = np.frombuffer(self._buffer, _RECORD, offset=len(_HEADER))

    def pieces(self, rows: Rows) -> Iterator[memoryview | bytes]:
        """Encodes rows piece by piece; each piece is valid until the next one is asked for.

        Args:
            rows: `TELEMETRY_DTYPE`, shape `(n_rows,)`.
        """
        view = memoryview(self._buffer)
        for start in range(0, max(len(rows), 1), _PIECE_ROWS):
            part = rows[start : start + _PIECE_ROWS]
            records = self._records[: len(part)]
            for name in _NAMES:
                records[name] = part[name]
            records["sample_time_us"] -= POSTGRES_EPOCH_US
            yield view[len(_HEADER) if start else 0 : len(_HEADER) + records.nbytes]
        yield _TRAILER


def encode_copy(rows: Rows) -> bytes:
    """Encodes rows as one block, like `CopyEncoder`.

    Args:
        rows: `TELEMETRY_DTYPE`, shape `(n_rows,)`.
    """
    return b"".join(bytes(piece) for piece in CopyEncoder().pieces(rows))


def decode_copy(block: bytes) -> Rows:
    """Decodes what `COPY ... TO STDOUT (FORMAT binary)` sends for columns of `reading`.

    Args:
        block: everything that was received.

    Returns:
        `TELEMETRY_DTYPE`, shape `(n_rows,)`.
    """
    count = (len(block) - len(_HEADER) - len(_TRAILER)) // _RECORD.itemsize
    records = np.frombuffer(block, _RECORD, count=count, offset=len(_HEADER))
    rows = np.empty(count, TELEMETRY_DTYPE)
    for name in _NAMES:
        rows[name] = records[name]
    rows["sample_time_us"] += POSTGRES_EPOCH_US
    return rows
