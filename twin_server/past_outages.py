"""Finds outages of the mains in readings that came in bulk, after the fact: what the watch over the present cannot see.

Stretches of history are noted while they come in. Once no more of a location's history comes, its stretch is looked
through, a day at a time, from a minute at which no mains had failed until one at which none does any more. So an outage
is one event with the same begin and end, in whatever order and in however many parts its history came.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.errors import StoreUnavailableError
from batterytwin.events import EventKind
from storage.event_records import EventQuery, EventRecord
from storage.string_load_reads import StringLoad
from twin_server.live_table import LiveTable
from twin_server.outage_changes import OutageChanges, outage_changes
from twin_server.outage_finder import MEMORY_US, OutageFinder, find_clear

_PRESENT_US: Final = 300_000_000
"""Samples of the last five minutes belong to the present."""
QUIET_S: Final = 20.0
"""History counts as stored and complete when none has come for so long."""
_PATIENCE_S: Final = 600.0
"""History of more than a day that goes on coming is looked through so often."""
_ROOM_US: Final = 3_600_000_000
"""So much more than what is noted is kept, so that it need not be kept anew with every batch."""
_MINUTE_US: Final = 60_000_000
_DAY_US: Final = 86_400_000_000
_MOST_DAYS: Final = 32
"""So far before and after a stretch the begin and the end of an outage are looked for."""
_MOST_EVENTS: Final = 10_000

_log = structlog.get_logger(__name__)


class PastOutageStore(Protocol):
    """What this needs of the store."""

    async def string_loads(
        self, batteries_of: Mapping[str, Sequence[int]], start_us: int, end_us: int
    ) -> list[StringLoad]:
        """See `storage.string_load_reads`."""

    async def may_have_readings(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> bool:
        """See `storage.string_load_reads`."""

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        """See `storage.event_tables`."""

    async def change_outages(
        self, added: Sequence[EventRecord], moved: Sequence[EventRecord], removed: Sequence[str]
    ) -> None:
        """See `storage.event_tables`."""

    async def save_noted_history(self, spans_us: Mapping[str, tuple[int, int]]) -> None:
        """See `storage.noted_history_table`."""

    async def load_noted_history(self) -> dict[str, tuple[int, int]]:
        """See `storage.noted_history_table`."""

    async def forget_noted_history(self, location_id: str) -> None:
        """See `storage.noted_history_table`."""


@dataclass(slots=True)
class _Stretch:
    """Times between which history came in, both inclusive, and when the first and the last of it did."""

    start_us: int
    end_us: int
    begun_s: float
    noted_s: float

    def join(self, start_us: int, end_us: int) -> None:
        self.start_us, self.end_us = min(self.start_us, start_us), max(self.end_us, end_us)


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
        self._coming: dict[int, _Stretch] = {}
        self._set_aside: dict[int, _Stretch] = {}  # only looked through from here: what comes meanwhile stays apart
        self._kept_us: dict[int, tuple[int, int]] = {}  # what the store knows of both
        self._one_look = asyncio.Lock()

    async def load(self) -> None:
        """Takes up what was noted before the server started.

        Raises:
            StoreUnavailableError: the database is away.
        """
        now_s = self._clock_s()
        for location_id, (start_us, end_us) in (await self._store.load_noted_history()).items():
            location = self._live.fleet_map.find_location(location_id)
            if location is not None:
                self._set_aside[location] = _Stretch(start_us, end_us, now_s, now_s)
                self._kept_us[location] = (start_us, end_us)

    async def keep(self) -> None:
        """Lets what is noted outlast a restart; writes where it has grown since by more than an hour.

        Raises:
            StoreUnavailableError: the database is away.
        """
        grown: dict[int, tuple[int, int]] = {}
        for location, stretch in [*self._set_aside.items(), *self._coming.items()]:
            kept = grown.get(location) or self._kept_us.get(location)
            start_us, end_us = kept or (stretch.start_us, stretch.end_us)
            if kept is None or stretch.start_us < start_us or stretch.end_us > end_us:
                grown[location] = (
                    min(stretch.start_us - _ROOM_US, start_us),
                    max(stretch.end_us + _ROOM_US, end_us),
                )
        if grown:
            await self._store.save_noted_history({self._name(location): span for location, span in grown.items()})
            self._kept_us |= grown

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
        now_s = self._clock_s()
        noted = self._coming.get(location)
        if noted is None:
            self._coming[location] = _Stretch(start_us, end_us, now_s, now_s)
        else:
            noted.join(start_us, end_us)
            noted.noted_s = now_s

    async def close(self) -> None:
        """Keeps what is noted for the next start; without a database that which was kept before remains."""
        try:
            await self.keep()
        except StoreUnavailableError as error:
            _log.warning("history that came last cannot be noted for the next start", reason=error.message)

    async def look(self, quiet_s: float = QUIET_S) -> None:
        """Looks through the history of every location of which none has come for `quiet_s`, and records its outages.

        Raises:
            StoreUnavailableError: the database is away; the next look goes on where this one ended.
        """
        async with self._one_look:
            await self.keep()
            now_s = self._clock_s()
            for location in list(self._coming):
                self._put_aside(location, now_s, quiet_s)
            for location, stretch in list(self._set_aside.items()):
                if now_s - stretch.noted_s >= quiet_s:
                    await self._look_through(location, stretch)
                    await self._forget(location)

    async def _forget(self, location: int) -> None:
        del self._set_aside[location]
        if location not in self._coming and self._kept_us.pop(location, None) is not None:
            await self._store.forget_noted_history(self._name(location))

    def _put_aside(self, location: int, now_s: float, quiet_s: float) -> None:
        coming = self._coming[location]
        if now_s - coming.noted_s < quiet_s:
            is_long = coming.end_us - coming.start_us > _DAY_US and now_s - coming.begun_s >= _PATIENCE_S
            if not is_long or location in self._set_aside:
                return
            coming.noted_s = now_s  # the last of it may not be stored yet
        del self._coming[location]
        waiting = self._set_aside.setdefault(location, coming)
        waiting.join(coming.start_us, coming.end_us)
        waiting.noted_s = max(waiting.noted_s, coming.noted_s)

    async def _look_through(self, location: int, stretch: _Stretch) -> None:
        """Records the outages of a stretch; its begin moves on with what is done."""
        system_of = self._system_of(location)
        touched_us = (stretch.start_us - _MINUTE_US, stretch.end_us + MEMORY_US + _MINUTE_US)
        from_us = await self._clear_before(location, system_of, stretch.start_us)
        finder = OutageFinder(system_of, from_us)
        day_us = from_us // _DAY_US * _DAY_US
        read_us, open_us = from_us - MEMORY_US, from_us
        last_us = touched_us[1] + _MOST_DAYS * _DAY_US
        while day_us <= touched_us[1] or (finder.lasts and day_us < last_us):
            next_us = day_us + _DAY_US
            if not await self._take(finder, location, read_us, next_us) and not finder.lasts:
                next_us = await self._next_day(location, next_us, touched_us[1])
            day_us = read_us = next_us
            if not finder.lasts:
                await self._record(location, finder, (open_us, next_us), touched_us)
                open_us = next_us
                stretch.start_us = max(stretch.start_us, min(next_us, stretch.end_us))
        if finder.lasts:
            await self._record(location, finder, (open_us, day_us), touched_us)

    async def _clear_before(self, location: int, system_of: Mapping[str, str], start_us: int) -> int:
        """A minute before a time at which no mains had failed; some weeks before it if there is none."""
        day_us, end_us = start_us // _DAY_US * _DAY_US, start_us // _MINUTE_US * _MINUTE_US
        for days in range(_MOST_DAYS):
            if end_us > day_us:
                loads = await self._loads(location, day_us - MEMORY_US, end_us)
                clear_us = await asyncio.to_thread(find_clear, loads, system_of, day_us, whole_day=days > 0)
                if clear_us is not None:
                    return clear_us
            day_us, end_us = day_us - _DAY_US, day_us
        return day_us + _DAY_US

    async def _take(self, finder: OutageFinder, location: int, start_us: int, end_us: int) -> bool:
        """Hands in what there is between two times; whether there was anything."""
        loads = await self._loads(location, start_us, end_us)
        await asyncio.to_thread(finder.take, loads, end_us)
        return bool(loads)

    async def _next_day(self, location: int, day_us: int, end_us: int) -> int:
        """The first day with readings from a day on, or one after the end: a clock may have been years behind."""
        keys = [key for of_string in self._batteries_of(location).values() for key in of_string]
        days = 1
        while day_us <= end_us:
            if not await self._store.may_have_readings(keys, day_us, day_us + days * _DAY_US):
                day_us += days * _DAY_US
                days *= 2
            elif days > 1:
                days //= 2
            else:
                break
        return day_us

    async def _loads(self, location: int, start_us: int, end_us: int) -> list[StringLoad]:
        return await self._store.string_loads(self._batteries_of(location), start_us, end_us)

    def _batteries_of(self, location: int) -> dict[str, list[int]]:
        """Database keys of the batteries of each string of a location."""
        keys = self._live.fleet_map.battery_keys
        return {name: keys[ordinals].tolist() for name, ordinals in self._strings(location)}

    async def _record(
        self, location: int, finder: OutageFinder, span_us: tuple[int, int], touched_us: tuple[int, int]
    ) -> None:
        """Makes the events between two times those that history shows."""
        location_id = self._name(location)
        query = EventQuery(
            location_ids=[location_id],
            kinds=[EventKind.OUTAGE],
            start_us=span_us[0],
            end_us=span_us[1],
            limit=_MOST_EVENTS,
        )
        known = await self._store.list_events(query)
        now_us = self._live.clocks.wall_us()
        changes: OutageChanges = outage_changes(location_id, finder.ended(), known, touched_us, now_us)
        if changes:
            await self._store.change_outages(changes.added, changes.moved, changes.removed)

    def _name(self, location: int) -> str:
        return self._live.fleet_map.locations[location][0].location_id

    def _system_of(self, location: int) -> dict[str, str]:
        """System of each string of a location."""
        identities = self._live.fleet_map.identities
        return {name: identities[ordinals.start].system.system_id for name, ordinals in self._strings(location)}

    def _strings(self, location: int) -> list[tuple[str, slice]]:
        fleet_map = self._live.fleet_map
        return [fleet_map.strings[number] for number in np.flatnonzero(fleet_map.string_location == location)]
