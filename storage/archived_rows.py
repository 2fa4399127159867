"""What a shard needs of the archive: rows of batteries that have been silent for so long that their days are sealed.

The usual answer is that there is none, and costs one question to the manifest. The reader of files is loaded only when
there is something to read.
"""

import importlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import to_datetime, to_us
from storage.partitions import DAY_US
from storage.sql_files import read_sql

_PATHS: Final = read_sql("archived_paths")
_REVISED: Final = read_sql("revised_status")

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
        if not self._paths(connection, list(watermarks_us), oldest_us + 1, end_us):
            return np.empty(0, TELEMETRY_DTYPE)
        # first these: they leave the table for a new file, not the other way round
        revised = connection.execute(
            _REVISED, {"keys": list(watermarks_us), "oldest": to_datetime(oldest_us)}
        ).fetchall()
        rows = self._read(connection, list(watermarks_us), oldest_us + 1, end_us)
        keys = np.fromiter(watermarks_us, np.int32, len(watermarks_us))
        marks = np.fromiter(watermarks_us.values(), np.int64, len(watermarks_us))
        order = np.argsort(keys)
        newer = rows["sample_time_us"] > marks[order[np.searchsorted(keys, rows["battery_key"], sorter=order)]]
        return _judged(_telemetry(rows[newer & (rows["late"] < _TOO_LATE)]), revised)

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

    @staticmethod
    def _paths(connection: Connection, keys: list[int], start_us: int, end_us: int | None) -> list[str]:
        values = {
            "keys": keys,
            "first_day": max(start_us // DAY_US, 0),
            "last_day": None if end_us is None else (end_us - 1) // DAY_US,
        }
        return [str(row[0]) for row in connection.execute(_PATHS, values)]

    def _read(self, connection: Connection, keys: list[int], start_us: int, end_us: int | None) -> Rows:
        paths = self._paths(connection, keys, start_us, end_us)
        if not paths:
            return np.empty(0, np.dtype([*TELEMETRY_DTYPE.descr, ("late", "u1")]))
        files = importlib.import_module("storage.archive_files")
        return np.concatenate(list(files.read_rows(self._folder, paths, keys, max(start_us, 0), end_us)))


_TOO_LATE: Final = 2


def join_once(rows: Rows, sealed: Rows) -> Rows:
    """Rows of the tables and rows of the archive that were read after them, each once.

    Args:
        rows: `TELEMETRY_DTYPE`; where both have a row, this one stays.
        sealed: `TELEMETRY_DTYPE`.

    Returns:
        Sorted by battery and sample time.
    """
    both = np.concatenate([rows, sealed])
    both = both[np.lexsort((both["sample_time_us"], both["battery_key"]))]  # stable
    again = (np.diff(both["battery_key"]) == 0) & (np.diff(both["sample_time_us"]) == 0)
    once: Rows = both[~np.append(False, again)]
    return once


def _judged(rows: Rows, revised: Sequence[tuple[int, datetime, int]]) -> Rows:
    """Rows with the judgement of the newest revision, which the archive has not taken over yet."""
    status = {(key, to_us(time)): value for key, time, value in revised}
    times_us = np.array([time_us for _, time_us in status], np.int64)
    for place in np.flatnonzero(np.isin(rows["sample_time_us"], times_us)).tolist():
        pair = int(rows["battery_key"][place]), int(rows["sample_time_us"][place])
        rows["status"][place] = status.get(pair, rows["status"][place])
    return rows


def _telemetry(rows: Rows) -> Rows:
    plain = np.empty(len(rows), TELEMETRY_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        plain[name] = rows[name]
    return plain
