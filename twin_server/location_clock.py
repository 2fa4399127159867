"""The clock of each location: the wall's, or the newest sample of a replayed or accelerated feed."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import LocationClock

FUTURE_TOLERANCE_US: Final = 120_000_000
"""How far ahead of a wall-clock location's time a sample may be, us."""

_NO_LIMIT: Final = np.iinfo(np.int64).max


def wall_us() -> int:
    """Server time, microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


class LocationClocks:
    """Present time of every location, in fleet order. Ages, delays and the future check use these clocks."""

    def __init__(self, kinds: Sequence[LocationClock], wall: Callable[[], int] = wall_us) -> None:
        self._wall = wall
        self._is_feed = np.empty(0, np.bool_)
        self._newest_us = np.empty(0, np.int64)
        self.extend(kinds)

    def extend(self, kinds: Sequence[LocationClock]) -> None:
        """Adds locations behind the present ones."""
        self._is_feed = np.append(self._is_feed, np.array([kind == LocationClock.FEED for kind in kinds], np.bool_))
        self._newest_us = np.append(self._newest_us, np.zeros(len(kinds), np.int64))

    def wall_us(self) -> int:
        """Server time, microseconds since 1970 UTC."""
        return self._wall()

    def is_feed(self, location: int) -> bool:
        """Whether a location's time is that of its newest sample."""
        return bool(self._is_feed[location])

    def now_us(self, location: int) -> int:
        """Present time of one location; 0 for a feed before its first sample."""
        return int(self._newest_us[location]) if self._is_feed[location] else self._wall()

    def all_now_us(self) -> NDArray[np.int64]:
        """Present time of every location, int64 us, shape `(n_locations,)`; 0 for a feed before its first sample."""
        return np.where(self._is_feed, self._newest_us, self._wall())

    def latest_allowed_us(self) -> NDArray[np.int64]:
        """Newest sample time that each location accepts, int64 us, shape `(n_locations,)`."""
        return np.where(self._is_feed, _NO_LIMIT, self._wall() + FUTURE_TOLERANCE_US)

    def advance(self, locations: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> None:
        """Takes accepted samples into account: a feed's time is its newest one. Both shapes `(n_samples,)`."""
        np.maximum.at(self._newest_us, locations, sample_times_us)
