"""Projections to and from the messages of `ScenarioService`."""

import uuid

from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2
from batterytwin.v1.scenario_service_pb2 import (
    CancelProjectionRequest,
    CompareScenariosResponse,
    ListProjectionsResponse,
    ProjectScenarioRequest,
)
from clients.projections import (
    CarryingSystem,
    ComparedProjection,
    FirstLoss,
    FiveQuantiles,
    ProjectedCourse,
    Projection,
    ProjectionComparison,
    ProjectionPage,
    ProjectionRequest,
    WarmthCost,
)
from clients.scenarios_proto import part_from_proto, part_to_proto
from clients.wire import enum_from_number, optional_time, time_from_proto, time_to_proto


def projection_from_proto(message: projection_pb2.Projection) -> Projection:
    """Reads one projection."""
    return Projection(
        projection_id=message.projection_id,
        request=_request_from_proto(message.request),
        state=enum_from_number(ProjectionState, message.state),
        progress=message.progress,
        reason=message.reason,
        begin_time=optional_time(message, "begin_time"),
        battery_count=message.battery_count,
        ask_time=time_from_proto(message.ask_time),
        asked_by=message.asked_by,
        done_time=optional_time(message, "done_time"),
        took_s=message.took_s,
        baseline=_course(message.baseline) if message.HasField("baseline") else None,
        with_scenario=_course(message.with_scenario) if message.HasField("with_scenario") else None,
        warmth=tuple(WarmthCost(row.warmer_k, _quantiles(row.replacements), row.cost) for row in message.warmth),
    )


def page_from_proto(response: ListProjectionsResponse) -> ProjectionPage:
    """Reads one page of projections."""
    return ProjectionPage(tuple(projection_from_proto(one) for one in response.projections), response.next_page_token)


def comparison_from_proto(response: CompareScenariosResponse) -> ProjectionComparison:
    """Reads a comparison."""
    return ProjectionComparison(
        projections=tuple(
            ComparedProjection(
                projection_id=row.projection_id,
                title=row.title,
                replacements=tuple(_quantiles(year) for year in row.replacements),
                more_than_first=_quantiles(row.more_than_first),
                cost_more=row.cost_more,
                systems_at_risk=row.systems_at_risk,
            )
            for row in response.projections
        ),
        years=response.years,
        caveats=tuple(response.caveats),
    )


def project_request(request: ProjectionRequest, request_id: str) -> ProjectScenarioRequest:
    """Asks for a projection, under a name of its own where none is given."""
    return ProjectScenarioRequest(
        request_id=request_id or str(uuid.uuid4()),
        projection=projection_pb2.ProjectionRequest(
            title=request.title,
            parts=[part_to_proto(part) for part in request.parts],
            names=request.names,
            at_time=time_to_proto(request.at_time, "at_time"),
            years=request.years,
            members=request.members,
            seed=request.seed,
            carry_min=request.carry_min,
            load=request.load,
            block_price=request.block_price,
            warmth=request.warmth,
        ),
    )


def cancel_request(projection_id: str, request_id: str) -> CancelProjectionRequest:
    """Cancels or deletes a projection, under a name of its own where none is given."""
    return CancelProjectionRequest(projection_id=projection_id, request_id=request_id or str(uuid.uuid4()))


def _request_from_proto(message: projection_pb2.ProjectionRequest) -> ProjectionRequest:
    return ProjectionRequest(
        title=message.title,
        parts=tuple(part_from_proto(part) for part in message.parts),
        names=tuple(message.names),
        at_time=optional_time(message, "at_time"),
        years=message.years,
        members=message.members,
        seed=message.seed,
        carry_min=message.carry_min,
        load=message.load,
        block_price=message.block_price,
        warmth=message.warmth,
    )


def _course(message: projection_pb2.ProjectedCourse) -> ProjectedCourse:
    return ProjectedCourse(
        replacements=tuple(_quantiles(year) for year in message.replacements),
        first_losses=tuple(FirstLoss(loss.location_id, _quantiles(loss.days)) for loss in message.first_losses),
        carrying=tuple(_system(system) for system in message.carrying),
        one_more_string=tuple(_system(system) for system in message.one_more_string),
    )


def _system(message: projection_pb2.CarryingSystem) -> CarryingSystem:
    return CarryingSystem(
        message.location_id,
        message.system_id,
        message.strings,
        message.now,
        message.in_half_a_year,
        message.with_one_more_string,
    )


def _quantiles(message: projection_pb2.Quantiles) -> FiveQuantiles:
    return tuple(message.values)
