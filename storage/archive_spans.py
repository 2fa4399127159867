"""What files of the archive stand for, and what is wanted of each: said without the reader of files.

Of a battery and a day that nothing is asked about, nothing is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.partitions import DAY_US

_KEY_SHIFT: Final = 1 << 44  # us; a file stands for fewer


@dataclass(frozen=True, slots=True)
class FileSpan:
    """A file of readings, and the days and batteries that it stands for.

    Attributes:
        path: within the archive folder.
        first_day: days since 1970-01-01 UTC.
        last_day: inclusive.
        first_key: smallest battery key.
        last_key: largest.
    """

    path: str
    first_day: int
    last_day: int
    first_key: int
    last_key: int

    @property
    def end_us(self) -> int:
        """End of its last day, exclusive, microseconds since 1970 UTC."""
        return (self.last_day + 1) * DAY_US

    def may_hold(self, battery_keys: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which batteries may have rows in it, shape as given."""
        return (battery_keys >= self.first_key) & (battery_keys <= self.last_key)

    def pairs(self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """As `packed_pairs`, of rows that the file may hold."""
        return packed_pairs(battery_keys, sample_times_us, self.first_key, self.first_day)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some batteries between two times.

    Attributes:
        keys: of the batteries.
        start_us: first sample time, inclusive.
        end_us: last sample time, exclusive; None = no matter.
    """

    keys: Sequence[int]
    start_us: int
    end_us: int | None


@dataclass(frozen=True, slots=True)
class Tails:
    """Batteries of which everything is wanted from a time on, each from its own.

    Attributes:
        keys: sorted, shape `(n_batteries,)`.
        starts_us: first sample time of each, inclusive, not before 1970, shape `(n_batteries,)`.
        end_us: last sample time of all, exclusive; None = no matter.
    """

    keys: NDArray[np.int32]
    starts_us: NDArray[np.int64]
    end_us: int | None

    @classmethod
    def after(cls, watermarks_us: Mapping[int, int], until_us: int | None) -> "Tails":
        """Everything newer than each battery's watermark, up to a time or, with None, all of it."""
        keys = np.fromiter(watermarks_us, np.int32, len(watermarks_us))
        starts_us = np.fromiter(watermarks_us.values(), np.int64, len(watermarks_us)) + 1
        order = np.argsort(keys)
        return cls(keys[order], np.maximum(starts_us[order], 0), None if until_us is None else until_us + 1)

    def __len__(self) -> int:
        return len(self.keys)

    def within(self, file: FileSpan) -> "Tails":
        """Those that a file may hold something of, from its begin at the earliest."""
        mine = self._of(self._may_begin_in(file))
        return Tails(mine.keys, np.maximum(mine.starts_us, file.first_day * DAY_US), self.end_us)

    def touched(self, files: list[FileSpan]) -> "Tails":
        """Those that any of some files may hold something of."""
        touched = np.zeros(len(self.keys), np.bool_)
        for file in files:
            touched |= self._may_begin_in(file)
        return self._of(touched)

    def pieces(self) -> list[Piece]:
        """What has to be read for them at least: a piece of each UTC day in which one begins."""
        days, pieces = self.starts_us // DAY_US, []
        for day in np.unique(days):
            mine = days == day
            pieces.append(Piece(self.keys[mine].tolist(), int(self.starts_us[mine].min()), self.end_us))
        return pieces

    def holds(self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows of these batteries are not before what is wanted of them, shape as given."""
        wanted: NDArray[np.bool_] = sample_times_us >= self.starts_us[np.searchsorted(self.keys, battery_keys)]
        return wanted

    def _of(self, chosen: NDArray[np.bool_]) -> "Tails":
        return Tails(self.keys[chosen], self.starts_us[chosen], self.end_us)

    def _may_begin_in(self, file: FileSpan) -> NDArray[np.bool_]:
        return file.may_hold(self.keys) & (self.starts_us < file.end_us)


def asked_of(
    file: FileSpan, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
) -> tuple[NDArray[np.intp], list[Piece]]:
    """What of some pairs a file may hold.

    Args:
        file: of readings.
        battery_keys: shape `(n_pairs,)`.
        sample_times_us: shape `(n_pairs,)`.

    Returns:
        Places of these pairs, and what has to be read for them: a piece of each UTC day in which there are any.
    """
    days = sample_times_us // DAY_US
    within = (days >= max(file.first_day, 0)) & (days <= file.last_day)
    places = np.flatnonzero(file.may_hold(battery_keys) & within)
    pieces = []
    for day in np.unique(days[places]):
        mine = places[days[places] == day]
        times_us = sample_times_us[mine]
        pieces.append(Piece(np.unique(battery_keys[mine]).tolist(), int(times_us.min()), int(times_us.max()) + 1))
    return places, pieces


def packed_pairs(
    battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64], first_key: int, first_day: int
) -> NDArray[np.int64]:
    """Battery and sample time of rows of one file as one number, which sorts like the two.

    Args:
        battery_keys: shape `(n_rows,)`.
        sample_times_us: shape `(n_rows,)`.
        first_key: smallest battery key of the file.
        first_day: first day that it stands for, since 1970-01-01 UTC.
    """
    keys = battery_keys.astype(np.int64) - first_key
    pairs: NDArray[np.int64] = keys * _KEY_SHIFT + sample_times_us - first_day * DAY_US
    return pairs
