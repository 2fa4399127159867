"""Projections side by side, member by member."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from batterytwin.errors import InvalidArgumentError
from batterytwin.life import MEDIAN
from batterytwin.v1 import projection_pb2, scenario_service_pb2
from storage.projection_records import ProjectionRecord
from twin_server.projection_job import ProjectionNews
from twin_server.projection_messages import projection_message
from twin_server.projection_quantiles import quantiles, quantiles_message, unpack_ends

AT_RISK: Final = 0.9
"""A system that carries its load with less than this probability in half a year is at risk."""

_YEAR_DAYS: Final = 365.25
_NONE: Final = ProjectionNews()


@dataclass(frozen=True, slots=True)
class DoneProjection:
    """A projection with its result.

    Attributes:
        record: as stored.
        totals: its ends by day, packed.
    """

    record: ProjectionRecord
    totals: bytes

    @property
    def message(self) -> projection_pb2.Projection:
        """All of it."""
        return projection_message(self.record, _NONE)


def compare(found: Sequence[DoneProjection]) -> scenario_service_pb2.CompareScenariosResponse:
    """Compares projections of the same batteries with the first of them.

    Differences are taken member by member over the horizon that all have. Where ensembles differ in size, the members
    that all have are taken: each is drawn by its number.

    Raises:
        InvalidArgumentError: they are not of the same batteries.
    """
    messages = [one.message for one in found]
    first = messages[0]
    for one in found:
        if one.record.batteries_sha256 != found[0].record.batteries_sha256:
            raise InvalidArgumentError(
                f"{one.record.projection_id} is not of the same batteries as {first.projection_id}; "
                "project the same names to compare them.",
                field="projection_ids",
                value=one.record.projection_id,
            )
    years = min(message.request.years for message in messages)
    members = min(message.request.members for message in messages)
    day = round(years * _YEAR_DAYS)
    totals = [
        unpack_ends(one.totals, message.request.members)[:members, : day + 1].sum(axis=1)
        for one, message in zip(found, messages, strict=True)
    ]
    rows = []
    for message, total in zip(messages, totals, strict=True):
        course = message.with_scenario if message.HasField("with_scenario") else message.baseline
        more = quantiles(total - totals[0])
        rows.append(
            scenario_service_pb2.ComparedProjection(
                projection_id=message.projection_id,
                title=message.request.title,
                replacements=course.replacements,
                more_than_first=quantiles_message(more),
                cost_more=(more[MEDIAN] or 0.0) * first.request.block_price,
                systems_at_risk=sum(system.in_half_a_year < AT_RISK for system in course.carrying),
            )
        )
    return scenario_service_pb2.CompareScenariosResponse(projections=rows, years=years, caveats=_caveats(messages))


def _caveats(messages: Sequence[projection_pb2.Projection]) -> list[str]:
    """Why differences may not be due to the scenarios alone."""
    requests = [message.request for message in messages]
    found = []
    begins = {message.begin_time.ToMicroseconds() for message in messages}
    if len(begins) > 1:
        hours = (max(begins) - min(begins)) / 3.6e9
        apart = f"{hours:.1f} h" if hours >= 1.0 else f"{60.0 * hours:.0f} min"
        found.append(f"They begin from twins of different instants, up to {apart} apart.")
    if len({request.seed for request in requests}) > 1:
        found.append("Their seeds differ, so their members are not the same.")
    if len({request.members for request in requests}) > 1:
        least = min(request.members for request in requests)
        found.append(f"Their ensembles differ in size; the first {least} members of each were compared.")
    if len({request.years for request in requests}) > 1:
        least_years = min(request.years for request in requests)
        found.append(f"They reach differently far; differences are those of the first {least_years:g} years.")
    if len({(request.carry_min, request.load) for request in requests}) > 1:
        found.append("Their systems are asked to carry different loads or for different times.")
    if len({request.block_price for request in requests}) > 1:
        found.append(f"Their prices differ; costs are at that of the first, {requests[0].block_price:,.0f} a block.")
    return found
