"""Takes events down, and hands what is for twins to them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import structlog

from actors.capacity_test import TestedCapacity, tested_capacity
from batterytwin.errors import TwinError
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.inventory import BatteryUnit
from storage.access_records import AuditEntry
from storage.event_records import EventRecord
from twin_server.routing import FleetMap

_RETRY_S: Final = 5.0

_log = structlog.get_logger(__name__)

SubmitInputs = Callable[[Sequence[TwinInput]], Awaitable[list[bool]]]
"""Hands evidence to the twins; returns when it is durable and applied. See `IngestRouter.submit_inputs`."""


class RecordedEvents(Protocol):
    """What the recorder needs of the store; see `storage.event_tables`."""

    async def record_event(self, event: EventRecord, audit: AuditEntry | None = None) -> EventRecord:
        """Stores an event once."""

    async def event_of_request(self, request_id: str) -> EventRecord | None:
        """The event that was recorded under a request."""

    async def events_without_input(self) -> list[EventRecord]:
        """Events for twins that have not reached all of them."""

    async def newest_units(self) -> dict[int, BatteryUnit]:
        """The present block of every slot that has had more than one, by battery key."""


class EventRecorder:
    """Stores an event, then applies it: in this order, so that a server that ends in between can go on at its start.

    Args:
        store: where events are.
        fleet_map: which battery is which.
        submit_inputs: the way to the twins.
        forget_block: lets everyone forget what was learnt of blocks that have gone: ordinal, and number of the block
            that stands there now. Where that is done already it changes nothing.
        heard: is told of every event that was recorded and applied.
    """

    def __init__(
        self,
        store: RecordedEvents,
        fleet_map: FleetMap,
        submit_inputs: SubmitInputs,
        forget_block: Callable[[int, int], Awaitable[None]],
        heard: Callable[[EventRecord], None],
    ) -> None:
        self._store = store
        self._map = fleet_map
        self._submit_inputs = submit_inputs
        self._forget_block = forget_block
        self._heard = heard

    async def load(self) -> None:
        """Takes up which blocks stand in the slots.

        Raises:
            StoreUnavailableError: the database is away.
        """
        self._map.take_units(await self._store.newest_units())

    async def record(self, event: EventRecord, audit: AuditEntry | None) -> EventRecord:
        """Takes an event down; returns when it is durable and, if it is for a twin, applied to it.

        Returns:
            The event that was recorded first under this request.

        Raises:
            ConflictError: the slot has had another block since the time of this replacement.
            UnavailableError: the database or a shard is away; record it again under the same request.
        """
        return await self._applied(await self._store.record_event(event, audit))

    async def recorded(self, request_id: str) -> EventRecord | None:
        """The event that a request has recorded, which is durable and applied by then; None = it has recorded none.

        Raises:
            UnavailableError: the database or a shard is away; ask again.
        """
        stored = await self._store.event_of_request(request_id)
        # the call that stored it may have ended before it was applied
        return None if stored is None else await self._applied(stored)

    async def catch_up(self) -> None:
        """Applies events that were stored and not applied; tries until that is done."""
        while True:
            try:
                await self._apply(await self._store.events_without_input())
            except TwinError as error:
                _log.warning("events wait for their twins", reason=error.message)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _applied(self, stored: EventRecord) -> EventRecord:
        await self._apply([stored])
        self._heard(stored)
        return stored

    async def _apply(self, events: Sequence[EventRecord]) -> None:
        inputs = [given for event in events for given in self._inputs_of(event)]
        if not inputs:
            return
        await self._submit_inputs(inputs)
        replaced = [given.battery_key for given in inputs if given.kind == TwinInputKind.REPLACEMENT]
        if not replaced:
            return
        # also for what the twins have had before: a call that was cut off may have ended at any step
        units = await self._store.newest_units()
        for battery_key in replaced:
            ordinal, unit = self._map.find_key(battery_key), units.get(battery_key)
            if ordinal is not None and unit is not None:
                await self._forget_block(ordinal, unit.unit_seq)
        self._map.take_units(units)  # at last: a block that is known to stand there is not taken a second time

    def _inputs_of(self, event: EventRecord) -> list[TwinInput]:
        if event.current_sensor is not None:
            number = self._map.find_string(event.string_id)
            return [
                TwinInput(
                    battery_key,
                    TwinInputKind.CURRENT_SENSOR,
                    event.done_us,
                    event.event_id,
                    current_sensor=event.current_sensor,
                )
                for battery_key in (
                    [] if number is None else self._map.battery_keys[self._map.strings[number][1]].tolist()
                )
            ]
        ordinal = None if event.battery_key is None else self._map.find_key(event.battery_key)
        if ordinal is None:
            return []
        if event.replacement is not None:
            battery_key = int(self._map.battery_keys[ordinal])
            return [TwinInput(battery_key, TwinInputKind.REPLACEMENT, event.done_us, event.event_id)]
        if event.capacity_test is None:
            return []
        tested = tested_capacity(event.capacity_test, self._map.identities[ordinal].string.datasheet)
        return [
            TwinInput(
                battery_key=int(self._map.battery_keys[ordinal]),
                kind=tested.kind,
                time_us=ended_us(event.start_us, event.end_us, tested),
                soh_capacity=tested.soh_capacity,
                sigma=tested.sigma,
                source_id=event.event_id,
            )
        ]


def ended_us(start_us: int, end_us: int | None, tested: TestedCapacity) -> int:
    """When a test ended: as told, or else after the time that its charge takes at its current."""
    return start_us + round(tested.duration_h * 3.6e9) if end_us is None else end_us
