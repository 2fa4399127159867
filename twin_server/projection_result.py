"""What came of a projection: messages of its courses, and ends by day that can be compared member by member."""

from typing import Any, Final

import numpy as np

from batterytwin.v1 import projection_pb2
from twin_server.branch_world import BranchOrigin
from twin_server.projection import Projection
from twin_server.projection_answers import carrying, first_losses, replacements_by_year, where_a_string_helps
from twin_server.projection_quantiles import Counts, quantiles_message

_MOST_HELPED: Final = 5


def course_message(
    origin: BranchOrigin, projection: Projection, minutes: float, load: float
) -> projection_pb2.ProjectedCourse:
    """What became of one course of events.

    Args:
        origin: the twins.
        projection: with capacities at `HALF_YEAR_DAYS`, the first of its `soh_days`.
        minutes: how long systems are to carry their load.
        load: over that of a discharge in one hour.
    """
    rows = carrying(origin, projection, minutes, load)
    helped = [row for row in where_a_string_helps(rows) if row["gain"] > 0.0]
    return projection_pb2.ProjectedCourse(
        replacements=[quantiles_message(values) for values in replacements_by_year(projection)],
        first_losses=[
            projection_pb2.FirstLoss(location_id=name, days=quantiles_message(days))
            for name, days in first_losses(origin, projection).items()
        ],
        carrying=[_system(row) for row in rows],
        one_more_string=[_system(row) for row in helped[:_MOST_HELPED]],
    )


def ends_by_day(projection: Projection) -> Counts:
    """Blocks that come to their end on each day, `(n_members, days + 1)`; an end within a day is of its midnight."""
    members, days = len(projection.lives.end_day), projection.options.days
    ends = projection.lives.end_day.reshape(members, -1)
    member, place = np.nonzero(ends <= days)
    day = np.ceil(ends[member, place]).astype(np.int64)
    return np.bincount(member * (days + 1) + day, minlength=members * (days + 1)).reshape(members, days + 1)


def _system(row: dict[str, Any]) -> projection_pb2.CarryingSystem:
    return projection_pb2.CarryingSystem(
        location_id=row["location_id"],
        system_id=row["system_id"],
        strings=row["strings"],
        now=row["now"],
        in_half_a_year=row["in_half_a_year"],
        with_one_more_string=row["with_one_more_string"],
    )
