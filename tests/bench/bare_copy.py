"""What PostgreSQL alone can take: the product's rows, encoded beforehand, in plain COPY into the product's table."""

import time
from datetime import UTC, datetime
from typing import Final

import numpy as np
import psycopg

from batterytwin.telemetry import TELEMETRY_DTYPE
from storage.copy_encoder import encode_copy
from storage.partitions import partition_name

_SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")
_FOREIGN_KEYS_FROM: Final = 100_000_000  # no battery has such a key: what is copied here belongs to no twin
_DAY_US: Final = 86_400_000_000

COMMIT_ROWS: Final = {"a fleet a commit": 1_944, "ten fleets a commit": 19_440, "one commit": 0}
"""Plain variants, by rows a commit (0 = all): the fastest one is what the product is compared with."""


class BareCopy:
    """A plain client on one connection to the database under test.

    Args:
        url: of the product's database, whose server is idle while rows are copied.
        sample_time_s: Unix time within the day whose partition takes the rows.

    Raises:
        RuntimeError: a setting or a table of this database would let a commit be lost.
    """

    def __init__(self, url: str, sample_time_s: float) -> None:
        self._url = url
        self._time_us = round(sample_time_s * 1e6)
        self._table = partition_name(self._time_us // _DAY_US)
        with psycopg.connect(url, autocommit=True) as connection:
            for name in _SETTINGS:
                row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
                if row is None or row[0] != "on":
                    raise RuntimeError(f"{name} is {row and row[0]}, not on: not a durable database")
            row = connection.execute(
                "SELECT relpersistence = 'p' FROM pg_class WHERE oid = to_regclass(%s)", (self._table,)
            ).fetchone()
            if row is None or not row[0]:
                raise RuntimeError(f"{self._table} is missing or not logged")

    def checkpoint(self) -> None:
        """Lets the database write out what has been written so far."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def row_bytes(self) -> float:
        """Bytes of a row in the table, its header and page share included."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"ANALYZE {self._table}")
            row = connection.execute(
                "SELECT pg_relation_size(c.oid) / greatest(c.reltuples, 1) FROM pg_class c "
                "WHERE c.oid = to_regclass(%s)",
                (self._table,),
            ).fetchone()
        return float(row[0]) if row else float("nan")

    def rows_per_s(self, rows: int, commit_rows: int) -> float:
        """Copies rows, each commit on disk before the next begins; returns rows a second.

        Args:
            rows: how many, a multiple of `commit_rows`.
            commit_rows: rows of one COPY and commit; 0 = all of them.
        """
        size = commit_rows or rows
        block = encode_copy(_rows(size, self._time_us))
        commits = max(1, rows // size)
        with psycopg.connect(self._url, autocommit=True) as connection:
            began = time.perf_counter()
            for _ in range(commits):
                with connection.cursor().copy(f"COPY {self._table} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(block)
            return commits * size / (time.perf_counter() - began)

    def __str__(self) -> str:
        day = datetime.fromtimestamp(self._time_us / 1e6, UTC).date()
        return f"bare COPY into {self._table} ({day})"


def _rows(count: int, time_us: int) -> np.ndarray:
    """Rows with a value in every column, as stored ones have, of twins that do not exist."""
    rng = np.random.default_rng(7)
    rows = np.zeros(count, TELEMETRY_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        if TELEMETRY_DTYPE[name].kind == "f":
            rows[name] = rng.normal(1.0, 0.1, count)
    rows["battery_key"] = _FOREIGN_KEYS_FROM + np.arange(count) % 1_944
    rows["sample_time_us"] = time_us
    return rows
