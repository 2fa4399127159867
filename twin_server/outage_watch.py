"""Finds outages of the mains in the live table, and takes them down as events.

The mains have failed at a location when every string of one of its systems that is heard carries load, and are back
when none of its systems does so any more. Sample times tell when. The present of each twin is looked at here; what came
in bulk, of the past, is looked through by `past_outages`.
"""

import asyncio
import uuid
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from batterytwin.errors import TwinError
from batterytwin.events import EventKind
from batterytwin.telemetry import Flag, Quality, Regime, regime_of
from storage.event_records import SERVER, EventRecord
from twin_server.live_table import LiveTable

_PAUSE_S: Final = 1.0
_RETRY_S: Final = 5.0
LEAST_SHARE: Final = 0.5
"""A string carries load when more than this share of the twins heard of it does."""

_log = structlog.get_logger(__name__)


class OutageStore(Protocol):
    """What the watch needs of the store; see `storage.event_tables`."""

    async def record_event(self, event: EventRecord) -> EventRecord:
        """Stores an event once."""

    async def end_event(self, event_id: str, end_us: int) -> None:
        """Notes when an event has ended."""

    async def open_outages(self) -> list[EventRecord]:
        """Outages that last."""


class OutageWatch:
    """Follows the systems of every location.

    Args:
        store: where events are.
        live: present of all twins.
    """

    def __init__(self, store: OutageStore, live: LiveTable) -> None:
        self._store = store
        self._live = live
        self._open: dict[str, str] = {}  # location -> event
        self._layout: _Layout | None = None

    async def run(self) -> None:
        """Looks whenever twins have changed, until cancelled."""
        await self._load()
        version = -1
        while True:
            await self._live.wait_newer(version)
            version = self._live.version
            try:
                await self.look()
            except TwinError as error:
                _log.warning("an outage cannot be recorded, trying again", reason=error.message)
                version = -1
                await asyncio.sleep(_RETRY_S)
            await asyncio.sleep(_PAUSE_S)

    async def _load(self) -> None:
        while True:
            try:
                self._open = {event.location_id: event.event_id for event in await self._store.open_outages()}
            except TwinError:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def look(self) -> None:
        """Compares the present with the outages that are open.

        Raises:
            StoreUnavailableError: the database is away; the next look finds the same again.
        """
        if self._layout is None or len(self._layout.string_of) != len(self._live.fleet_map):
            self._layout = _Layout(self._live)
        loaded, heard, since_us, until_us = self._layout.systems(self._live)
        under_load = set(self._layout.location_of_system[loaded].tolist())
        for number, (location, _) in enumerate(self._live.fleet_map.locations):
            name = location.location_id
            if number not in under_load and name not in self._open:
                continue
            mine = np.flatnonzero(self._layout.location_of_system == number)
            failed = mine[loaded[mine]]
            if len(failed) and name not in self._open:
                await self._begin(name, int(since_us[failed].min()), [self._layout.names[n] for n in failed])
            elif name in self._open and not len(failed) and heard[mine].any():
                await self._end(name, int(until_us[mine][heard[mine]].max()))

    async def _begin(self, location_id: str, start_us: int, systems: list[str]) -> None:
        event = await self._store.record_event(
            EventRecord(
                event_id=str(uuid.uuid4()),
                request_id=f"outage/{location_id}/{start_us}",
                kind=EventKind.OUTAGE,
                location_id=location_id,
                string_id="",
                battery_key=None,
                battery_id="",
                start_us=start_us,
                end_us=None,
                note=f"On battery: {', '.join(systems)}",
                capacity_test=None,
                recorded_by=SERVER,
                record_us=self._live.clocks.wall_us(),
            )
        )
        self._open[location_id] = event.event_id

    async def _end(self, location_id: str, end_us: int) -> None:
        await self._store.end_event(self._open[location_id], end_us)
        del self._open[location_id]


class _Layout:
    """Which twin belongs to which string and system, as columns."""

    def __init__(self, live: LiveTable) -> None:
        fleet_map = live.fleet_map
        self.string_of = fleet_map.string_of.copy()
        self.names: list[str] = []
        system_of_string, location_of_system = [], []
        for (_, ordinals), location in zip(fleet_map.strings, fleet_map.string_location.tolist(), strict=True):
            name = fleet_map.identities[ordinals.start].system.system_id
            if not self.names or self.names[-1] != name:
                self.names.append(name)
                location_of_system.append(location)
            system_of_string.append(len(self.names) - 1)
        self._system_of_string = np.array(system_of_string, np.int64)
        self.location_of_system = np.array(location_of_system, np.int64)
        self._system_of_twin = self._system_of_string[self.string_of]

    def systems(
        self, live: LiveTable
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Whether each system carries load, and is heard; its first sample under load, and its newest."""
        rows, strings = live.rows, len(self._system_of_string)
        fresh = live.qualities(np.arange(len(rows), dtype=np.int32)) == Quality.LIVE
        status = np.ascontiguousarray(rows["status"])
        fresh &= (status & Flag.SUSPECT) == 0
        on_load = fresh & (regime_of(status) == Regime.DISCHARGE)
        heard = np.bincount(self.string_of, fresh, strings)
        loaded = np.bincount(self.string_of, on_load, strings) > LEAST_SHARE * np.maximum(heard, 1)
        systems = len(self.names)
        of_twin = self._system_of_twin
        since_us = np.full(systems, np.iinfo(np.int64).max)
        np.minimum.at(since_us, of_twin[on_load], rows["as_of_us"][on_load])
        until_us = np.zeros(systems, np.int64)
        np.maximum.at(until_us, of_twin[fresh], rows["as_of_us"][fresh])
        heard_strings = np.bincount(self._system_of_string, heard > 0, systems)
        loaded_strings = np.bincount(self._system_of_string, loaded & (heard > 0), systems)
        is_heard = heard_strings > 0
        return is_heard & (loaded_strings == heard_strings), is_heard, since_us, until_us
