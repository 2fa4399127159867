"""Finds outages of the mains in readings that came in bulk, after the fact: what the watch over the present cannot see.

The same words as in `outage_watch`: the mains of a system have failed when every string of it that is heard carries
load, and are back when one of them does not. Here the stored readings of a stretch of time are looked at, once no more
of them come.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.events import EventKind
from storage.event_records import SERVER, EventQuery, EventRecord
from storage.string_load_reads import StringLoad
from twin_server.live_table import LiveTable
from twin_server.outage_watch import LEAST_SHARE

_PRESENT_US: Final = 300_000_000
"""Samples of the last five minutes belong to the present."""
QUIET_S: Final = 20.0
"""History counts as complete when none has come for so long."""
_MARGIN_US: Final = 2 * 3_600_000_000
"""Looked at before and after a stretch, so that an outage is seen from its begin to its end: history may be hourly."""
_DAY_US: Final = 86_400_000_000


class PastOutageStore(Protocol):
    """What this needs of the store."""

    async def string_loads(self, location_ids: Sequence[str], start_us: int, end_us: int) -> list[StringLoad]:
        """See `storage.string_load_reads`."""

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        """See `storage.event_tables`."""

    async def record_event(self, event: EventRecord) -> EventRecord:
        """See `storage.event_tables`."""


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of some systems of a location, us since 1970 UTC."""

    start_us: int
    end_us: int
    systems: tuple[str, ...]


@dataclass(slots=True)
class _Stretch:
    start_us: int
    end_us: int
    noted_s: float


class PastOutages:
    """Notes stretches of time for which history came in, and looks through them when it has stopped coming.

    Args:
        store: where readings and events are.
        live: which string belongs to which system; clocks.
        clock_s: monotonic time, s.
    """

    def __init__(self, store: PastOutageStore, live: LiveTable, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._live = live
        self._clock_s = clock_s
        self._stretches: dict[int, _Stretch] = {}

    def note(self, ordinals: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> None:
        """Notes a batch that is stored; costs next to nothing for samples of the present.

        Args:
            ordinals: battery of each row, shape `(n_rows,)`, at least one.
            sample_times_us: shape `(n_rows,)`.
        """
        locations = self._live.fleet_map.location_of[ordinals]
        start_us, end_us = int(sample_times_us.min()), int(sample_times_us.max())
        is_one = bool((locations == locations[0]).all())
        for location in [int(locations[0])] if is_one else np.flatnonzero(np.bincount(locations)).tolist():
            self._note(location, start_us, end_us)

    def note_one(self, location: int, sample_time_us: int) -> None:
        """Notes a row that is stored."""
        self._note(location, sample_time_us, sample_time_us)

    def _note(self, location: int, start_us: int, end_us: int) -> None:
        if start_us >= self._live.clocks.now_us(location) - _PRESENT_US and end_us - start_us < _PRESENT_US:
            return
        noted = self._stretches.get(location)
        if noted is None:
            self._stretches[location] = _Stretch(start_us, end_us, self._clock_s())
        else:
            noted.start_us, noted.end_us = min(noted.start_us, start_us), max(noted.end_us, end_us)
            noted.noted_s = self._clock_s()

    async def look(self, quiet_s: float = QUIET_S) -> None:
        """Looks through what was noted once nothing more has been noted for `quiet_s`, and takes its outages down.

        Raises:
            StoreUnavailableError: the database is away; the next look finds the same again.
        """
        if any(self._clock_s() - stretch.noted_s < quiet_s for stretch in self._stretches.values()):
            return
        stretches, self._stretches = self._stretches, {}
        try:
            await self._look_through(stretches)
        except BaseException:
            self._stretches = stretches | self._stretches
            raise

    async def _look_through(self, stretches: Mapping[int, _Stretch]) -> None:
        if not stretches:
            return
        names = [self._live.fleet_map.locations[number][0].location_id for number in stretches]
        start_us = min(stretch.start_us for stretch in stretches.values()) - _MARGIN_US
        end_us = max(stretch.end_us for stretch in stretches.values()) + _MARGIN_US
        loads: list[StringLoad] = []
        for day_us in range(start_us // _DAY_US * _DAY_US, end_us, _DAY_US):
            loads += await self._store.string_loads(names, max(day_us, start_us), min(day_us + _DAY_US, end_us))
        homes = self._homes()
        by_location: dict[str, list[StringLoad]] = defaultdict(list)
        for load in loads:
            by_location[homes[load.string_id][0]].append(load)
        for location_id, of_location in by_location.items():
            await self._take_down(location_id, find_outages(of_location, {s: h[1] for s, h in homes.items()}))

    async def _take_down(self, location_id: str, outages: Iterable[Outage]) -> None:
        for outage in outages:
            known = await self._store.list_events(
                EventQuery(
                    location_ids=[location_id],
                    kinds=[EventKind.OUTAGE],
                    start_us=outage.start_us,
                    end_us=outage.end_us,
                    limit=1,
                )
            )
            if known:
                continue
            await self._store.record_event(
                EventRecord(
                    event_id=str(uuid.uuid4()),
                    request_id=f"outage/{location_id}/{outage.start_us}",
                    kind=EventKind.OUTAGE,
                    location_id=location_id,
                    string_id="",
                    battery_key=None,
                    battery_id="",
                    start_us=outage.start_us,
                    end_us=outage.end_us,
                    note=f"On battery: {', '.join(outage.systems)}",
                    capacity_test=None,
                    recorded_by=SERVER,
                    record_us=self._live.clocks.wall_us(),
                )
            )

    def _homes(self) -> dict[str, tuple[str, str]]:
        """Location and system of each string."""
        fleet_map = self._live.fleet_map
        return {
            name: (identity.location.location_id, identity.system.system_id)
            for name, ordinals in fleet_map.strings
            for identity in [fleet_map.identities[ordinals.start]]
        }


def find_outages(loads: Sequence[StringLoad], system_of: Mapping[str, str]) -> list[Outage]:
    """Outages of one location, oldest first. One that has not ended within the loads is left to whoever sees its end.

    Args:
        loads: strings of the location by the minute, in order of time.
        system_of: system of each string.
    """
    found = sorted(
        outage
        for system in {system_of[load.string_id] for load in loads}
        for outage in _of_system(loads, system_of, system)
    )
    joined: list[Outage] = []
    for start_us, end_us, system in found:
        if joined and start_us < joined[-1].end_us:
            last = joined.pop()
            systems = tuple(sorted({*last.systems, system}))
            joined.append(Outage(last.start_us, max(last.end_us, end_us), systems))
        else:
            joined.append(Outage(start_us, end_us, (system,)))
    return joined


def _of_system(
    loads: Sequence[StringLoad], system_of: Mapping[str, str], system: str
) -> Iterable[tuple[int, int, str]]:
    """Outages of one system. Minutes in which less than half of its strings are heard of say nothing."""
    strings = [string for string, home in system_of.items() if home == system]
    minutes: dict[int, list[StringLoad]] = defaultdict(list)
    for load in loads:
        if system_of[load.string_id] == system:
            minutes[load.minute_us].append(load)
    last: dict[str, StringLoad] = {}
    since_us: int | None = None
    for minute_us, heard in sorted(minutes.items()):
        last |= {load.string_id: load for load in heard}
        fresh = [load for load in last.values() if minute_us - load.minute_us <= _PRESENT_US]
        if 2 * len(fresh) < len(strings):
            continue
        failed = all(load.loaded > LEAST_SHARE * load.heard for load in fresh)
        if failed and since_us is None:
            since_us = min(load.first_loaded_us or load.first_us for load in fresh)
        elif not failed and since_us is not None:
            yield since_us, min(load.first_us for load in heard), system
            since_us = None
