"""Projections through the asynchronous client."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from batterytwin.v1.scenario_service_pb2 import (
    CompareScenariosRequest,
    GetProjectionRequest,
    ListProjectionsRequest,
)
from clients import projections_proto
from clients.async_connection import AsyncConnection
from clients.projections import Projection, ProjectionComparison, ProjectionPage, ProjectionRequest

if TYPE_CHECKING:
    from batterytwin.v1.scenario_service_pb2_grpc import ScenarioServiceAsyncStub  # known to type checkers alone


class AsyncProjections:
    """The part of `AsyncTwinClient` that projects the coming years."""

    _token: str | None
    _connection: AsyncConnection
    _scenarios: "ScenarioServiceAsyncStub"

    async def project_scenario(
        self,
        request: ProjectionRequest,
        *,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> Projection:
        """Asks for a projection; returns at once, while it waits for its turn. Ask `get_projection` how far it is.

        Args:
            request: what is asked.
            request_id: UUID that makes a repeated call harmless; empty = a new one.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            InvalidArgumentError: a value is out of its limits, a name is none of the fleet, or a scenario does not fit.
            NotFoundError: no such scenario.
            OverloadedError: too many wait already.
        """
        message = projections_proto.project_request(request, request_id)
        own = (self._token if token is None else token) or ""
        response = await self._connection.call(self._scenarios.ProjectScenario, message, own, deadline_s)
        return projections_proto.projection_from_proto(response.projection)

    async def cancel_projection(
        self, projection_id: str, *, request_id: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> Projection:
        """Cancels a projection that is not over, or deletes one that is; a repeated request changes nothing.

        Args:
            projection_id: the projection.
            request_id: UUID that makes a repeated call harmless; empty = a new one.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            NotFoundError: no such projection.
        """
        message = projections_proto.cancel_request(projection_id, request_id)
        own = (self._token if token is None else token) or ""
        response = await self._connection.call(self._scenarios.CancelProjection, message, own, deadline_s)
        return projections_proto.projection_from_proto(response.projection)

    async def get_projection(
        self, projection_id: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> Projection:
        """Gets a projection, with its result once it is done.

        Raises:
            NotFoundError: no such projection.
        """
        message = GetProjectionRequest(projection_id=projection_id)
        own = (self._token if token is None else token) or ""
        response = await self._connection.call(self._scenarios.GetProjection, message, own, deadline_s)
        return projections_proto.projection_from_proto(response.projection)

    async def list_projections(
        self, *, page_size: int = 50, page_token: str = "", token: str | None = None, deadline_s: float | None = None
    ) -> ProjectionPage:
        """Lists projections without results, newest first, one page at a time (1...100)."""
        message = ListProjectionsRequest(page_size=page_size, page_token=page_token)
        own = (self._token if token is None else token) or ""
        response = await self._connection.call(self._scenarios.ListProjections, message, own, deadline_s)
        return projections_proto.page_from_proto(response)

    async def compare_scenarios(
        self, projection_ids: Iterable[str], *, token: str | None = None, deadline_s: float | None = None
    ) -> ProjectionComparison:
        """Compares projections of the same batteries with the first of them, member by member.

        Args:
            projection_ids: two to five projections that are done.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            NotFoundError: no such projection.
            ConflictError: one of them is not done.
            InvalidArgumentError: they are not of the same batteries.
        """
        message = CompareScenariosRequest(projection_ids=projection_ids)
        own = (self._token if token is None else token) or ""
        response = await self._connection.call(self._scenarios.CompareScenarios, message, own, deadline_s)
        return projections_proto.comparison_from_proto(response)
