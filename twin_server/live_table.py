"""The present of all twins as columns: what every read is answered from, never older than the last acknowledgement."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.age_estimates import inflate_here
from batterytwin.telemetry import LIVE_DTYPE, Flag, Quality, Rows
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap

STALE_AFTER_PERIODS: Final = 2.5
"""Two missed samples: the second is missed when it has not come half a period after it was due."""

_WHOLE: Final = np.dtype((np.void, LIVE_DTYPE.itemsize))  # a row is copied at once, not field by field

NO_DATA_AFTER_S: Final = 300.0
NO_DATA_AFTER_PERIODS: Final = 5.0
"""A feed slower than a sample a minute gets five of its periods instead of five minutes."""


def no_data_after_s(sample_period_s: float) -> float:
    """Age from which a twin counts as without data, s."""
    return max(NO_DATA_AFTER_S, NO_DATA_AFTER_PERIODS * sample_period_s)


class LiveTable:
    """Newest estimates of every twin in fleet order, with a version for each so that watchers find what changed.

    Used on the event loop only: no method awaits, so a reader always sees whole results.

    Attributes:
        fleet_map: which twin stands in which row.
        clocks: clocks of the locations; a feed's clock follows what comes in here.
        rows: newest estimates as the shards returned them, `LIVE_DTYPE`, shape `(n_twins,)`.
        versions: number of the last change of each twin, int64, shape `(n_twins,)`.
        version: number of the last change of all.
    """

    def __init__(self, fleet_map: FleetMap, clocks: LocationClocks) -> None:
        self.rows = np.zeros(0, LIVE_DTYPE)
        self.versions = np.zeros(0, np.int64)
        self.version = 0
        self.fleet_map = fleet_map
        self.clocks = clocks
        self._stale_us = self._no_data_us = np.empty(0, np.float64)
        self._qualities = np.empty(0, np.uint8)
        self._changed = asyncio.Event()
        self.extend()

    def extend(self) -> None:
        """Makes room for the twins that the fleet map has gained."""
        added = len(self.fleet_map) - len(self.rows)
        self.rows = np.append(self.rows, _unknown(added))
        self.versions = np.append(self.versions, np.zeros(added, np.int64))
        self._qualities = np.append(self._qualities, np.full(added, Quality.NO_DATA, np.uint8))
        periods_s = [location.sample_period_s for location, _ in self.fleet_map.locations]
        self._stale_us = np.array([period * STALE_AFTER_PERIODS * 1e6 for period in periods_s])
        self._no_data_us = np.array([no_data_after_s(period) * 1e6 for period in periods_s])

    def replace_shard(self, shard: int, live: Rows) -> None:
        """Takes the present of all twins of a shard over, in the order of their positions, shape `(n_of_shard,)`."""
        self._put(self.fleet_map.of_shard(shard), live)

    def update(self, shard: int, twins: NDArray[np.int32], live: Rows) -> None:
        """Takes the present of some twins of a shard over; both shapes `(n_changed,)`."""
        self._put(self.fleet_map.of_shard(shard)[twins], live)

    def _put(self, ordinals: NDArray[np.int32], live: Rows) -> None:
        if not len(ordinals):
            return
        self.rows.view(_WHOLE)[ordinals] = np.asarray(live).view(_WHOLE)
        self.clocks.advance(self.fleet_map.location_of[ordinals], live["as_of_us"])
        self.touch(ordinals)

    def touch(self, ordinals: NDArray[np.int32] | Sequence[int]) -> None:
        """Marks twins as changed and wakes who waits for changes."""
        self.version += 1
        self.versions[ordinals] = self.version
        self._changed.set()

    async def wait_newer(self, version: int) -> None:
        """Waits until something has changed after `version`."""
        while self.version <= version:
            self._changed.clear()
            await self._changed.wait()

    def changed_since(self, version: int, among: NDArray[np.int32]) -> NDArray[np.int32]:
        """Those of `among` (ordinals) that changed after `version`."""
        changed: NDArray[np.int32] = among[self.versions[among] > version]
        return changed

    def ages_s(self, ordinals: NDArray[np.int32]) -> NDArray[np.float64]:
        """Age of the newest sample by the location's clock, s, shape `(n_ordinals,)`; NaN where there is none."""
        as_of = self.rows["as_of_us"][_selection(ordinals)]
        now = self.clocks.all_now_us()[self.fleet_map.location_of[ordinals]]
        ages: NDArray[np.float64] = np.where(as_of == 0, np.nan, np.maximum(now - as_of, 0) / 1e6)
        return ages

    def qualities(self, ordinals: NDArray[np.int32], ages_s: NDArray[np.float64] | None = None) -> NDArray[np.uint8]:
        """`Quality` of each twin now, uint8, shape `(n_ordinals,)`.

        Args:
            ordinals: which twins, shape `(n_ordinals,)`.
            ages_s: their ages, as `ages_s` gives them; None = those of now.
        """
        ages_us = (self.ages_s(ordinals) if ages_s is None else ages_s) * 1e6
        locations = self.fleet_map.location_of[ordinals]
        suspect = (self.rows["status"][_selection(ordinals)] & Flag.SUSPECT) != 0
        quality = np.where(suspect, np.uint8(Quality.SUSPECT), np.uint8(Quality.LIVE))
        quality[ages_us > self._stale_us[locations]] = Quality.STALE
        quality[np.isnan(ages_us) | (ages_us > self._no_data_us[locations])] = Quality.NO_DATA
        return quality

    def age_and_quality(self, ordinal: int) -> tuple[float, int]:
        """Age (s; NaN = never a sample) and `Quality` of one twin, as `ages_s` and `qualities` tell them of many."""
        as_of_us, location = int(self.rows["as_of_us"][ordinal]), int(self.fleet_map.location_of[ordinal])
        if as_of_us == 0:
            return math.nan, Quality.NO_DATA
        age_s = max(self.clocks.now_us(location) - as_of_us, 0) / 1e6
        if age_s * 1e6 > self._no_data_us[location]:
            return age_s, Quality.NO_DATA
        if age_s * 1e6 > self._stale_us[location]:
            return age_s, Quality.STALE
        suspect = int(self.rows["status"][ordinal]) & Flag.SUSPECT
        return age_s, Quality.SUSPECT if suspect else Quality.LIVE

    def sweep(self) -> None:
        """Finds twins whose quality changed by the mere passing of time, and marks them as changed."""
        qualities = self.qualities(np.arange(len(self.rows), dtype=np.int32))
        turned = np.flatnonzero(qualities != self._qualities)
        self._qualities = qualities
        if len(turned):
            self.touch(turned.astype(np.int32))

    def aged(self, ordinals: NDArray[np.int32], ages_s: NDArray[np.float64], dtype: np.dtype[Any] = LIVE_DTYPE) -> Rows:
        """Newest estimates with their sigmas grown by age, shape `(n_ordinals,)`.

        Args:
            ordinals: which twins, shape `(n_ordinals,)`.
            ages_s: their ages as `ages_s` gives them.
            dtype: columns of `LIVE_DTYPE` that are wanted, those that grow with age among them.
        """
        selection, found = _selection(ordinals), np.empty(len(ordinals), dtype)
        if dtype == LIVE_DTYPE:
            found[:] = self.rows[selection]
        else:
            for name in dtype.names or ():
                found[name] = self.rows[name][selection]
        return inflate_here(found, np.nan_to_num(ages_s))


def _selection(ordinals: NDArray[np.int32]) -> NDArray[np.int32] | slice:
    """Neighbours, such as a whole fleet, as a slice: rows are wide, and are copied faster in one piece."""
    if len(ordinals) and int(ordinals[-1]) - int(ordinals[0]) == len(ordinals) - 1 and (np.diff(ordinals) == 1).all():
        return slice(int(ordinals[0]), int(ordinals[-1]) + 1)
    return ordinals


def _unknown(count: int) -> Rows:
    rows = np.zeros(count, LIVE_DTYPE)
    for name in LIVE_DTYPE.names or ():
        if rows.dtype[name].base.kind == "f":
            rows[name] = np.nan
    return rows
