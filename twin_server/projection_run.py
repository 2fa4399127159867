"""One projection from question to result, as its own process does it."""

import asyncio
import time
from typing import Final

from batterytwin.scenarios import ProjectionState
from batterytwin.v1 import projection_pb2
from storage.projection_records import ProjectionOutcome
from twin_server.branch_origin import read_database
from twin_server.branch_world import BranchOrigin
from twin_server.projection import ProjectionOptions, Projector
from twin_server.projection_answers import HALF_YEAR_DAYS, cost_of_warmth
from twin_server.projection_job import ProjectionJob, ProjectionNews, Tell
from twin_server.projection_quantiles import pack_ends, quantiles_message
from twin_server.projection_request import digest_of
from twin_server.projection_result import course_message, ends_by_day
from twin_server.scenario_parts import read_parts
from twin_server.time_proto import timestamp_to_us

_COPIED: Final = 0.05
"""Share of the work that copying the twins is taken for."""
_RISES_K: Final = range(1, 6)


def do_job(job: ProjectionJob, tell: Tell) -> ProjectionOutcome:
    """Copies the twins, projects them, and packs what came of it.

    Raises:
        TwinError: the database is away, there is no reading at that time, or a scenario no longer fits.
    """
    begun_s = time.monotonic()
    request = projection_pb2.ProjectionRequest.FromString(job.request)
    at_us = timestamp_to_us(request.at_time, "at_time") if request.HasField("at_time") else None
    origin = asyncio.run(read_database(job.url, job.archive, tuple(request.names), at_us))
    tell(ProjectionNews(_COPIED, origin.time_us))
    result, totals = project(origin, request, tell)
    return ProjectionOutcome(
        ProjectionState.DONE,
        begin_us=origin.time_us,
        took_s=time.monotonic() - begun_s,
        result=result.SerializeToString(),
        totals=totals,
        location_ids=tuple(location.location_id for location in origin.inventory.locations),
        battery_count=origin.inventory.battery_count(),
        batteries_sha256=digest_of(origin.inventory),
    )


def project(
    origin: BranchOrigin, request: projection_pb2.ProjectionRequest, tell: Tell
) -> tuple[projection_pb2.Projection, bytes]:
    """Result of a request and the ends by day of what is compared: the course with its scenario, if it has one.

    Raises:
        InvalidArgumentError: a scenario does not fit the fleet.
    """
    courses = 1 + bool(request.parts) + request.warmth * len(_RISES_K)
    done = -1

    def told(share: float) -> None:
        tell(ProjectionNews(_COPIED + (1.0 - _COPIED) * (done + share) / courses, origin.time_us))

    options = ProjectionOptions(request.years, request.members, request.seed)
    projector = Projector(origin, options, told)
    result = projection_pb2.Projection()
    named = {"baseline": projector.course(())}
    if request.parts:
        named["with_scenario"] = projector.course(read_parts(request.parts))
    for name, course in named.items():
        done += 1
        projection = projector.project(course, (HALF_YEAR_DAYS,))
        message = course_message(origin, projection, request.carry_min, request.load)
        getattr(result, name).CopyFrom(message)
    compared = pack_ends(ends_by_day(projection))
    for rise_k in _RISES_K if request.warmth else ():
        done += 1
        for row in cost_of_warmth(projector, course, request.block_price, (rise_k,)):
            result.warmth.add(warmer_k=rise_k, replacements=quantiles_message(row["replacements"]), cost=row["cost"])
    return result, compared
