"""The part of `ScenarioService` that projects the coming years."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final, Protocol

from batterytwin.errors import ConflictError, InvalidArgumentError, Reason
from batterytwin.inventory import Inventory
from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2, scenario_service_pb2
from storage.projection_records import NewProjection, ProjectionRecord
from twin_server.audit import audit_entry
from twin_server.event_validation import checked_request_id
from twin_server.live_table import LiveTable
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.principal import Principal, current_principal
from twin_server.projection_compare import DoneProjection, compare
from twin_server.projection_keeper import ProjectionKeeper, unknown_projection
from twin_server.projection_messages import projection_message
from twin_server.projection_request import check_request

_COMPARED: Final = (2, 5)


class ProjectionReads(Protocol):
    """What the service needs of the store; see `storage.projection_table`."""

    async def projection(self, projection_id: str, *, deleted_too: bool = False) -> ProjectionRecord | None:
        """One projection with its result."""

    async def list_projections(
        self, seen: frozenset[str] | None, after_key: int | None, limit: int
    ) -> list[ProjectionRecord]:
        """One page."""

    async def projection_totals(self, projection_ids: list[str]) -> dict[str, tuple[ProjectionRecord, bytes | None]]:
        """Projections with their totals."""


@dataclass(frozen=True, slots=True)
class Projections:
    """What the service rests on.

    Attributes:
        keeper: computes them.
        store: past ones.
        live: what there is, and its present.
        block_price: of one block with its work, as the server plans.
    """

    keeper: ProjectionKeeper
    store: ProjectionReads
    live: LiveTable
    block_price: float


class ProjectionCalls:
    """Projections of the locations that the caller may see; who may not see all of one does not see it.

    A part of a servicer: names of its own are those of projections alone.

    Args:
        parts: what they rest on.
    """

    def __init__(self, parts: Projections) -> None:
        self._projecting = parts.keeper
        self._projections = parts.store
        self._projected = parts.live
        self._block_price = parts.block_price

    async def ProjectScenario(
        self, request: scenario_service_pb2.ProjectScenarioRequest, context: Any
    ) -> scenario_service_pb2.ProjectScenarioResponse:
        """Takes a projection into the queue; answers at once."""
        request_id = checked_request_id(request.request_id)
        principal = current_principal()
        checked = await asyncio.to_thread(
            check_request,
            request.projection,
            self._projectable(principal),
            sees_all=principal.location_ids is None,
            block_price=self._block_price,
            now_us=self._newest_us,
        )
        new = NewProjection(
            projection_id=f"prj-{uuid.uuid4().hex[:12]}",
            request_id=request_id,
            request=checked.request.SerializeToString(),
            location_ids=checked.location_ids,
            battery_count=checked.battery_count,
            batteries_sha256=checked.batteries_sha256,
            asked_us=time.time_ns() // 1_000,
            asked_by=principal.name,
        )
        audit = audit_entry("projection.ask", new.projection_id, checked.request.title)
        record = await self._projecting.ask(new, audit)
        self._seen_projection(record, principal)
        return scenario_service_pb2.ProjectScenarioResponse(projection=self._tell_projection(record))

    async def CancelProjection(
        self, request: scenario_service_pb2.CancelProjectionRequest, context: Any
    ) -> scenario_service_pb2.CancelProjectionResponse:
        """Cancels a projection that is not over, or deletes one that is."""
        request_id = checked_request_id(request.request_id)
        found = await self._projections.projection(request.projection_id, deleted_too=True)
        self._seen_projection(found, current_principal(), request.projection_id)
        audit = audit_entry("projection.cancel", request.projection_id)
        record = await self._projecting.cancel(request.projection_id, request_id, audit)
        return scenario_service_pb2.CancelProjectionResponse(projection=self._tell_projection(record))

    async def GetProjection(
        self, request: scenario_service_pb2.GetProjectionRequest, context: Any
    ) -> scenario_service_pb2.GetProjectionResponse:
        """Gets a projection with its result."""
        found = await self._projections.projection(request.projection_id)
        record = self._seen_projection(found, current_principal(), request.projection_id)
        return scenario_service_pb2.GetProjectionResponse(projection=self._tell_projection(record))

    async def ListProjections(
        self, request: scenario_service_pb2.ListProjectionsRequest, context: Any
    ) -> scenario_service_pb2.ListProjectionsResponse:
        """Lists projections, newest first."""
        page_size = read_page_size(request.page_size, default=50, largest=100)
        after = decode_page_token(request)
        found = await self._projections.list_projections(current_principal().location_ids, after, page_size + 1)
        page = found[:page_size]
        return scenario_service_pb2.ListProjectionsResponse(
            projections=[self._tell_projection(record) for record in page],
            next_page_token=encode_page_token(request, page[-1].projection_key) if len(found) > page_size else "",
        )

    async def CompareScenarios(
        self, request: scenario_service_pb2.CompareScenariosRequest, context: Any
    ) -> scenario_service_pb2.CompareScenariosResponse:
        """Compares projections of the same batteries."""
        names = list(request.projection_ids)
        if not _COMPARED[0] <= len(names) <= _COMPARED[1] or len(set(names)) < len(names):
            raise InvalidArgumentError(
                f"{len(names)} projections are named; name {_COMPARED[0]} to {_COMPARED[1]} different ones.",
                field="projection_ids",
            )
        found = await self._projections.projection_totals(names)
        done = []
        for name in names:
            record, totals = found.get(name, (None, None))
            known = self._seen_projection(record, current_principal(), name)
            if known.state is not ProjectionState.DONE or totals is None:
                raise ConflictError(
                    f"{name} is {known.state.name.lower()}; only projections that are done can be compared.",
                    reason=Reason.PROJECTION_STATE_FORBIDS,
                    field="projection_ids",
                    value=name,
                )
            done.append(DoneProjection(known, totals))
        return await asyncio.to_thread(compare, done)

    def _projectable(self, principal: Principal) -> Inventory:
        locations = [location for location, _ in self._projected.fleet_map.locations]
        return Inventory(tuple(location for location in locations if principal.may_see(location.location_id)))

    def _seen_projection(
        self, record: ProjectionRecord | None, principal: Principal, name: str = ""
    ) -> ProjectionRecord:
        if record is None or not all(principal.may_see(location) for location in record.location_ids):
            raise unknown_projection(name)
        return record

    def _newest_us(self) -> int:
        clocks = self._projected.clocks
        return max(clocks.now_us(number) for number in range(len(self._projected.fleet_map.locations)))

    def _tell_projection(self, record: ProjectionRecord) -> projection_pb2.Projection:
        return projection_message(record, self._projecting.news_of(record.projection_id))
