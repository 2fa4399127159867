"""`ScenarioService`: plays scenarios on copies of the twins."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol

from batterytwin.access import Role
from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from batterytwin.v1 import scenario_service_pb2, scenario_service_pb2_grpc
from simulator.scenario_library import scenario_library
from storage.drill_records import DrillChangeRecord, DrillRecord
from twin_server.audit import audit_entry
from twin_server.drain import Drain
from twin_server.drill_keeper import MOST_DRILLS, DrillKeeper, unknown_drill
from twin_server.drill_messages import drill_message, report_message, scenario_message
from twin_server.drill_order import checked_speed, read_order
from twin_server.event_validation import checked_request_id
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.principal import Principal, current_principal
from twin_server.projection_servicer import ProjectionCalls, Projections
from twin_server.routing import FleetMap
from twin_server.scenario_parts import read_definition, read_parts
from twin_server.visibility import sees_all_of


class DrillListStore(Protocol):
    """What the service needs of the store; see `storage.drill_table`."""

    async def drills(
        self,
        *,
        only_active: bool = False,
        location_ids: list[str] | None = None,
        skip: int = 0,
        limit: int,
    ) -> list[DrillRecord]:
        """Drills, those that live first, then the newest first."""

    async def drill_changes(self, drill_id: str) -> list[DrillChangeRecord]:
        """What people did with a drill."""


class ScenarioServicer(ProjectionCalls, scenario_service_pb2_grpc.ScenarioServiceServicer):
    """Drills whose locations the caller may all see.

    Args:
        keeper: owns the drills.
        store: where they are noted.
        fleet_map: the fleet that is copied.
        drain: knows when the server stops.
        projections: everything about projections.
    """

    def __init__(  # what the service rests on
        self,
        keeper: DrillKeeper,
        store: DrillListStore,
        fleet_map: FleetMap,
        drain: Drain,
        projections: Projections,
    ) -> None:
        super().__init__(projections)
        self._keeper = keeper
        self._store = store
        self._map = fleet_map
        self._drain = drain

    async def ListLibrary(
        self, request: scenario_service_pb2.ListLibraryRequest, context: Any
    ) -> scenario_service_pb2.ListLibraryResponse:
        """Lists the scenarios that come with the product; who may start one is expected to."""
        if current_principal().has_role(Role.ENGINEER):
            self._keeper.warm()
        library = await asyncio.to_thread(scenario_library)
        return scenario_service_pb2.ListLibraryResponse(
            scenarios=[scenario_message(scenario) for scenario in library.values()], most_drills=MOST_DRILLS
        )

    async def CheckScenario(
        self, request: scenario_service_pb2.CheckScenarioRequest, context: Any
    ) -> scenario_service_pb2.CheckScenarioResponse:
        """Reads a scenario of one's own; nothing is stored or started."""
        scenario = await asyncio.to_thread(read_definition, request.definition)
        return scenario_service_pb2.CheckScenarioResponse(scenario=scenario_message(scenario))

    async def StartScenario(
        self, request: scenario_service_pb2.StartScenarioRequest, context: Any
    ) -> scenario_service_pb2.StartScenarioResponse:
        """Starts a drill."""
        principal = current_principal()
        request_id = checked_request_id(request.request_id)
        seen = Inventory(
            tuple(location for location, _ in self._map.locations if principal.may_see(location.location_id))
        )
        order = await asyncio.to_thread(read_order, request, seen, sees_all=principal.location_ids is None)
        audit = audit_entry("scenario.start", order.title, ", ".join(order.names))
        record = await self._keeper.start(order, request_id, principal.name, audit)
        self._check_seen(principal, record)
        return scenario_service_pb2.StartScenarioResponse(drill=drill_message(record))

    async def UpdateScenario(
        self, request: scenario_service_pb2.UpdateScenarioRequest, context: Any
    ) -> scenario_service_pb2.UpdateScenarioResponse:
        """Changes a drill."""
        principal = current_principal()
        request_id = checked_request_id(request.request_id)
        self._check_seen(principal, await self._keeper.get(request.drill_id))
        parts = await asyncio.to_thread(read_parts, request.parts) if request.parts else None
        speed = checked_speed(request.speed) if request.speed else None
        if parts is None and speed is None:
            raise InvalidArgumentError("Nothing is to change; give parts, a speed or both.", field="parts")
        if request.revision < 0:
            raise InvalidArgumentError(
                f"revision is {request.revision}; give the one that you have seen, or 0.",
                field="revision",
                value=request.revision,
            )
        audit = audit_entry("scenario.update", request.drill_id)
        record = await self._keeper.change(
            request.drill_id,
            parts,
            speed,
            revision=request.revision,
            request_id=request_id,
            by=principal.name,
            audit=audit,
        )
        return scenario_service_pb2.UpdateScenarioResponse(drill=drill_message(record))

    async def StopScenario(
        self, request: scenario_service_pb2.StopScenarioRequest, context: Any
    ) -> scenario_service_pb2.StopScenarioResponse:
        """Stops a drill."""
        principal = current_principal()
        checked_request_id(request.request_id)
        self._check_seen(principal, await self._keeper.get(request.drill_id))
        audit = audit_entry("scenario.stop", request.drill_id)
        record = await self._keeper.stop(request.drill_id, principal.name, audit)
        return scenario_service_pb2.StopScenarioResponse(drill=drill_message(record))

    async def GetScenario(
        self, request: scenario_service_pb2.GetScenarioRequest, context: Any
    ) -> scenario_service_pb2.GetScenarioResponse:
        """Gets a drill with its report."""
        principal = current_principal()
        self._check_seen(principal, await self._keeper.get(request.drill_id))
        report = await self._keeper.report(request.drill_id)
        changes = await self._store.drill_changes(request.drill_id)
        record = await self._keeper.get(request.drill_id)
        return scenario_service_pb2.GetScenarioResponse(
            report=report_message(record, changes, report.alerts, report.alert_count, report.extremes)
        )

    async def ListScenarios(
        self, request: scenario_service_pb2.ListScenariosRequest, context: Any
    ) -> scenario_service_pb2.ListScenariosResponse:
        """Lists drills, those that live first."""
        principal = current_principal()
        size = read_page_size(request.page_size, default=50, largest=100)
        skip = decode_page_token(request) or 0
        seen = None if principal.location_ids is None else sorted(principal.location_ids)
        found = await self._store.drills(only_active=request.only_active, location_ids=seen, skip=skip, limit=size + 1)
        return scenario_service_pb2.ListScenariosResponse(
            drills=[drill_message(self._keeper.as_it_stands(record)) for record in found[:size]],
            next_page_token=encode_page_token(request, skip + size) if len(found) > size else "",
        )

    async def WatchScenario(
        self, request: scenario_service_pb2.WatchScenarioRequest, context: Any
    ) -> AsyncIterator[scenario_service_pb2.WatchScenarioResponse]:
        """Sends all drills that live, or the one that is asked for, then each that changes.

        A slow reader gets the latest state, not every one.
        """
        principal = current_principal()
        asked = await self._keeper.get(request.drill_id) if request.drill_id else None
        if asked is not None:
            self._check_seen(principal, asked)
        seq, changed = self._keeper.news.seq, self._keeper.live() if asked is None else [asked]
        yield self._news(request.drill_id, principal, changed)
        while True:
            with self._drain.interruptible():
                seq, changed = await self._keeper.news.wait_newer(seq)
            answer = self._news(request.drill_id, principal, changed)
            if answer.drills:
                yield answer

    def _news(
        self, drill_id: str, principal: Principal, records: Iterable[DrillRecord]
    ) -> scenario_service_pb2.WatchScenarioResponse:
        return scenario_service_pb2.WatchScenarioResponse(
            drills=[
                drill_message(record)
                for record in records
                if drill_id in ("", record.drill_id) and sees_all_of(principal, record.location_ids)
            ]
        )

    @staticmethod
    def _check_seen(principal: Principal, record: DrillRecord) -> None:
        if not sees_all_of(principal, record.location_ids):
            raise unknown_drill(record.drill_id)
