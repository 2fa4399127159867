"""What a shard needs of the archive: rows of batteries that have been silent for so long that their days are sealed.

The usual answer is that there is none, and costs one question to the manifest. The reader of files is loaded only when
there is something to read.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.archive_spans import FileSpan, Piece, Tails, asked_of
from storage.instants import to_datetime, to_us
from storage.partitions import DAY_US
from storage.sql_files import read_sql

_SPANS: Final = read_sql("archived_spans")
_REVISED: Final = read_sql("revised_status")
_TOO_LATE: Final = 2

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

        A battery that has been silent for months has its own files read for so long, and not those of all others.

        Args:
            connection: of the store.
            watermarks_us: `{battery_key: microseconds since 1970 UTC}`.
            until_us: only rows up to this time; None = all.

        Raises:
            psycopg.OperationalError: the database is away.
            ArchiveDamagedError: a file cannot be read.
        """
        parts = [np.empty(0, TELEMETRY_DTYPE)]
        if self._folder is None or not watermarks_us:
            return parts[0]
        tails = Tails.after(watermarks_us, until_us)
        files = _files_of(connection, tails)
        if not files:
            return parts[0]
        # first these: they leave the table for a new file, not the other way round
        judgements = _read_judgements(connection, tails.touched(files), max(file.end_us for file in files) - 1)
        for file in _files_of(connection, tails):
            mine = tails.within(file)
            rows = self._read(file, mine.pieces())
            kept = mine.holds(rows["battery_key"], rows["sample_time_us"]) & (rows["late"] < _TOO_LATE)
            parts.append(_telemetry(rows[kept]))
            judgements.judge(file, parts[-1])
        return np.concatenate(parts)

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
        keys, times_us = battery_keys[missing], sample_times_us[missing]
        for file in _files(connection, np.unique(keys), int(times_us.min()), int(times_us.max()) + 1):
            # A clock that fell back by years, beside rows of today, must not make all days in between be read.
            asked, pieces = asked_of(file, keys, times_us)
            if not pieces:
                continue
            rows = self._read(file, pieces)
            places, there = _places(
                file.pairs(rows["battery_key"], rows["sample_time_us"]), file.pairs(keys[asked], times_us[asked])
            )
            found = missing[asked[there]]
            stored[found] = True
            into[found] = _telemetry(rows[places[there]])

    def _read(self, file: FileSpan, pieces: Sequence[Piece]) -> Rows:
        files = importlib.import_module("storage.archive_files")
        rows: Rows = files.read_pieces(self._folder, file.path, pieces)
        return rows


@dataclass(frozen=True, slots=True)
class _Judgements:
    """How newest revisions judge rows, which the archive has not taken over yet.

    Attributes:
        keys: sorted, shape `(n_rows,)`.
        times_us: sorted within a battery, shape `(n_rows,)`.
        status: shape `(n_rows,)`.
    """

    keys: NDArray[np.int32]
    times_us: NDArray[np.int64]
    status: NDArray[np.int16]

    def judge(self, file: FileSpan, rows: Rows) -> None:
        """Lets them stand for the first judgement of rows of a file, `TELEMETRY_DTYPE`; changed."""
        days = self.times_us // DAY_US
        mine = np.flatnonzero(file.may_hold(self.keys) & (days >= file.first_day) & (days <= file.last_day))
        places, there = _places(
            file.pairs(self.keys[mine], self.times_us[mine]), file.pairs(rows["battery_key"], rows["sample_time_us"])
        )
        rows["status"][there] = self.status[mine[places[there]]]


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


def _files_of(connection: Connection, tails: Tails) -> list[FileSpan]:
    """Files that may hold something of some tails."""
    files = _files(connection, tails.keys, int(tails.starts_us.min()), tails.end_us)
    return [file for file in files if len(tails.within(file))]


def _files(connection: Connection, keys: NDArray[np.int32], start_us: int, end_us: int | None) -> list[FileSpan]:
    """Files that may hold rows of some batteries from a time on until another, oldest first."""
    values = {
        "keys": keys.tolist(),
        "first_day": max(start_us // DAY_US, 0),
        "last_day": None if end_us is None else (end_us - 1) // DAY_US,
    }
    return [FileSpan(*row) for row in connection.execute(_SPANS, values)]


def _read_judgements(connection: Connection, tails: Tails, last_us: int) -> _Judgements:
    """How newer revisions judge what is wanted, up to a time."""
    values = {
        "keys": tails.keys.tolist(),
        "watermarks": [to_datetime(us - 1) for us in tails.starts_us.tolist()],
        "last": to_datetime(last_us),
    }
    rows = connection.execute(_REVISED, values).fetchall()
    return _Judgements(
        np.array([key for key, _, _ in rows], np.int32),
        np.array([to_us(time) for _, time, _ in rows], np.int64),
        np.array([status for _, _, status in rows], np.int16),
    )


def _places(pairs: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where wanted pairs stand among others, the last one where there are several, and whether they are there.

    Args:
        pairs: as of `FileSpan.pairs`, sorted, shape `(n_pairs,)`.
        wanted: likewise, in any order, shape `(n_wanted,)`.

    Returns:
        Places and whether each counts, both of shape `(n_wanted,)`.
    """
    if not len(pairs):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
    places = np.maximum(np.searchsorted(pairs, wanted, side="right") - 1, 0)
    return places, pairs[places] == wanted


def _telemetry(rows: Rows) -> Rows:
    plain = np.empty(len(rows), TELEMETRY_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        plain[name] = rows[name]
    return plain
