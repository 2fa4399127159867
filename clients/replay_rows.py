"""From the cells of a recorded file to readings: numbers, times, sign, units, held values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.readings import ReadingColumns
from clients.replay_file import read_chunks
from clients.replay_map import MeasuredColumn, ReplayMap, SecondsTime

_LARGEST_US = 9_200_000_000_000_000  # beyond it nanoseconds since 1970 do not fit 64 bits


@dataclass(slots=True)
class RowCounts:
    """What became of the rows of a file before they were sent.

    Attributes:
        read: rows in the file.
        filtered: rows that the map's filter left out.
        merged: rows whose values were carried over to the rows after them.
        empty: rows without any measured value.
    """

    read: int = 0
    filtered: int = 0
    merged: int = 0
    empty: int = 0


class RowReader:
    """Reads a file as readings of one battery.

    Args:
        path: CSV (also .gz) or Parquet file.
        replay_map: what its columns mean.
        battery_id: battery that it belongs to.
    """

    def __init__(self, path: Path, replay_map: ReplayMap, battery_id: str) -> None:
        self.counts = RowCounts()
        self._path = path
        self._map = replay_map
        self._battery_id = battery_id
        self._held: dict[str, tuple[float, int]] = {}

    def __iter__(self) -> Iterator[ReadingColumns]:
        """Yields readings in the order of the file.

        Raises:
            InvalidArgumentError: the file or one of its cells cannot be read; the message names file, column and row.
        """
        for chunk in read_chunks(self._path, self._map):
            self.counts.read += len(chunk)
            rows = self._filtered(chunk)
            if len(rows):
                yield self._readings(rows)

    def _filtered(self, chunk: pd.DataFrame) -> pd.DataFrame:
        if self._map.filter is None:
            return chunk
        kept = chunk[chunk[self._map.filter.column].astype(str).isin(self._map.filter.equals)]
        self.counts.filtered += len(chunk) - len(kept)
        return kept

    def _readings(self, rows: pd.DataFrame) -> ReadingColumns:
        times_us = self._times_us(rows)
        measured = {name: self._numbers(rows, column) for name, column in self._map.measured().items()}
        own = np.zeros(len(rows), np.bool_)
        held = np.zeros(len(rows), np.bool_)
        for name, column in self._map.measured().items():
            present = ~np.isnan(measured[name])
            if column.hold_s > 0:
                held |= present
                measured[name] = self._hold(name, column.hold_s, times_us, measured[name])
            else:
                own |= present
        self.counts.merged += int(np.count_nonzero(held & ~own))
        self.counts.empty += int(np.count_nonzero(~held & ~own))
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and the server refuses it by name
            columns = {name: values[own].astype(np.float32) for name, values in measured.items()}
        return ReadingColumns([self._battery_id] * int(np.count_nonzero(own)), times_us[own] * 1_000, **columns)

    def _times_us(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        time = self._map.time
        cells = rows[time.column]
        if isinstance(time, SecondsTime):
            seconds = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
            start_us = round(time.start.timestamp() * 1_000_000)
            with np.errstate(invalid="ignore"):
                bad = ~(np.abs(seconds * 1e6 + start_us) < _LARGEST_US)
            self._refuse(rows, time.column, bad, "a time in seconds")
            return np.rint(seconds * 1e6).astype(np.int64) + start_us
        times = pd.to_datetime(cells, utc=True, format=time.format or "ISO8601", errors="coerce")
        self._refuse(rows, time.column, times.isna().to_numpy(), f"a time ({time.format or 'ISO 8601'})")
        times_us = times.dt.as_unit("us").to_numpy(dtype="datetime64[us]").astype(np.int64)
        self._refuse(rows, time.column, np.abs(times_us) >= _LARGEST_US, "a time between 1700 and 2250")
        return times_us

    def _numbers(self, rows: pd.DataFrame, column: MeasuredColumn) -> NDArray[np.float64]:
        cells = rows[column.column]
        values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        unread = np.isnan(values)
        if unread.any():
            text = cells[unread].fillna("").astype(str).str.strip()
            bad = unread.copy()
            bad[unread] = ~text.isin(["", *self._map.missing]).to_numpy()
            self._refuse(rows, column.column, bad, 'a number (or name it in "missing")')
        return values * column.factor

    def _hold(
        self, name: str, hold_s: float, times_us: NDArray[np.int64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Fills gaps with the newest value before them, if it is not older than `hold_s`."""
        value, since_us = self._held.get(name, (np.nan, 0))
        known = np.concatenate(([value], values))
        known_us = np.concatenate(([since_us], times_us))
        newest = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(len(known))))
        self._held[name] = (float(known[newest[-1]]), int(known_us[newest[-1]]))
        age_us = times_us - known_us[newest[1:]]
        return np.where((age_us >= 0) & (age_us <= hold_s * 1e6), known[newest[1:]], np.nan)

    def _refuse(self, rows: pd.DataFrame, column: str, bad: NDArray[np.bool_], wanted: str) -> None:
        if bad.any():
            position = int(np.argmax(bad))
            cell = rows[column].iloc[position]
            raise InvalidArgumentError(
                f"{self._path}, row {rows.index[position]}, column {column}: {str(cell)!r} is not {wanted}. "
                "Correct the file or the map.",
                field=column,
                value=cell,
            )
