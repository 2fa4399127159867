"""Takes events down, and hands capacity tests to the twins that they are of."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import structlog

from actors.capacity_test import TestedCapacity, tested_capacity
from batterytwin.errors import TwinError
from batterytwin.events import TwinInput
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

    async def tests_without_input(self) -> list[EventRecord]:
        """Capacity tests that have not reached their twins."""


class EventRecorder:
    """Stores an event, then applies it: in this order, so that a server that ends in between can go on at its start.

    Args:
        store: where events are.
        fleet_map: which battery is which.
        submit_inputs: the way to the twins.
    """

    def __init__(self, store: RecordedEvents, fleet_map: FleetMap, submit_inputs: SubmitInputs) -> None:
        self._store = store
        self._map = fleet_map
        self._submit_inputs = submit_inputs

    async def record(self, event: EventRecord, audit: AuditEntry | None) -> EventRecord:
        """Takes an event down; returns when it is durable and a capacity test is applied to its twin.

        Returns:
            The event that was recorded first under this request.

        Raises:
            UnavailableError: the database or a shard is away; record it again under the same request.
        """
        stored = await self._store.record_event(event, audit)
        given = self._input_of(stored)
        if given is not None:
            await self._submit_inputs([given])
        return stored

    async def catch_up(self) -> None:
        """Applies capacity tests that were stored and not applied; tries until that is done."""
        while True:
            try:
                inputs = [self._input_of(event) for event in await self._store.tests_without_input()]
                await self._submit_inputs([given for given in inputs if given is not None])
            except TwinError as error:
                _log.warning("capacity tests wait for their twins", reason=error.message)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def _input_of(self, event: EventRecord) -> TwinInput | None:
        ordinal = None if event.battery_key is None else self._map.find_key(event.battery_key)
        if event.capacity_test is None or ordinal is None:
            return None
        tested = tested_capacity(event.capacity_test, self._map.identities[ordinal].string.datasheet)
        return TwinInput(
            battery_key=int(self._map.battery_keys[ordinal]),
            kind=tested.kind,
            time_us=ended_us(event.start_us, event.end_us, tested),
            soh_capacity=tested.soh_capacity,
            sigma=tested.sigma,
            source_id=event.event_id,
        )


def ended_us(start_us: int, end_us: int | None, tested: TestedCapacity) -> int:
    """When a test ended: as told, or else after the time that its charge takes at its current."""
    return start_us + round(tested.duration_h * 3.6e9) if end_us is None else end_us
