"""What a shard needs of the archive: rows of batteries that have been silent for so long that their days are sealed.

The usual answer is that there is none, and costs one question to the manifest. The reader of files is loaded only when
there is something to read.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.partitions import DAY_US
from storage.sql_files import read_sql

_PATHS: Final = read_sql("archived_paths")

Connection = psycopg.Connection[Any]


class ArchivedRows:
    """Rows in sealed days.

    Args:
        folder: of the archive; None = there is none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def after(self, connection: Connection, watermarks_us: Mapping[int, int], until_us: int | None = None) -> Rows:
        """Applied rows newer than each battery's watermark, `TELEMETRY_DTYPE`, in no order.

        Args:
            connection: of the store.
            watermarks_us: `{battery_key: microseconds since 1970 UTC}`.
            until_us: only rows up to this time; None = all.

        Raises:
            psycopg.OperationalError: the database is away.
            ArchiveDamagedError: a file cannot be read.
        """
        if self._folder is None or not watermarks_us:
            return np.empty(0, TELEMETRY_DTYPE)
        oldest_us = min(watermarks_us.values())
        end_us = None if until_us is None else until_us + 1
        rows = self._read(connection, list(watermarks_us), oldest_us + 1, end_us)
        keys = np.fromiter(watermarks_us, np.int32, len(watermarks_us))
        marks = np.fromiter(watermarks_us.values(), np.int64, len(watermarks_us))
        order = np.argsort(keys)
        newer = rows["sample_time_us"] > marks[order[np.searchsorted(keys, rows["battery_key"], sorter=order)]]
        return _telemetry(rows[newer & (rows["late"] < _TOO_LATE)])

    def find(
        self,
        connection: Connection,
        battery_keys: NDArray[np.int32],
        sample_times_us: NDArray[np.int64],
        stored: NDArray[np.bool_],
        into: Rows,
    ) -> None:
        """Looks for pairs that are not stored elsewhere.

        Args:
            connection: of the store.
            battery_keys: shape `(n_pairs,)`.
            sample_times_us: shape `(n_pairs,)`.
            stored: which pairs are known to be stored; changed.
            into: takes the rows of the pairs that are found, `TELEMETRY_DTYPE`, shape `(n_pairs,)`; changed.

        Raises:
            psycopg.OperationalError: the database is away.
            ArchiveDamagedError: a file cannot be read.
        """
        if self._folder is None or stored.all():
            return
        missing = np.flatnonzero(~stored)
        times_us = sample_times_us[missing]
        keys = np.unique(battery_keys[missing]).tolist()
        rows = self._read(connection, keys, int(times_us.min()), int(times_us.max()) + 1)
        place_of = {(int(row["battery_key"]), int(row["sample_time_us"])): n for n, row in enumerate(rows)}
        for place in missing.tolist() if place_of else ():
            found = place_of.get((int(battery_keys[place]), int(sample_times_us[place])))
            if found is not None:
                stored[place] = True
                into[place] = _telemetry(rows[found : found + 1])[0]

    def _read(self, connection: Connection, keys: list[int], start_us: int, end_us: int | None) -> Rows:
        values = {
            "keys": keys,
            "first_day": max(start_us // DAY_US, 0),
            "last_day": None if end_us is None else (end_us - 1) // DAY_US,
        }
        paths = [str(row[0]) for row in connection.execute(_PATHS, values)]
        if not paths:
            return np.empty(0, np.dtype([*TELEMETRY_DTYPE.descr, ("late", "u1")]))
        files = importlib.import_module("storage.archive_files")
        return np.concatenate(list(files.read_rows(self._folder, paths, keys, max(start_us, 0), end_us)))


_TOO_LATE: Final = 2


def _telemetry(rows: Rows) -> Rows:
    plain = np.empty(len(rows), TELEMETRY_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        plain[name] = rows[name]
    return plain
