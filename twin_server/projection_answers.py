"""Answers that people ask of a projection: what to replace, who cannot carry the load, where a string would help."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.autonomy import BlockEstimates
from actors.system_carry import StringEstimates, carry_probability
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.life import MEDIAN
from batterytwin.telemetry import Rows
from simulator.scenario_course import Course
from twin_server.branch_world import BranchOrigin
from twin_server.projection import Projection, Projector
from twin_server.projection_quantiles import quantiles

HALF_YEAR_DAYS: Final = 183

_DAY_S: Final = 86_400.0


def replacements_by_year(projection: Projection) -> list[list[float | None]]:
    """Quantiles of the blocks replaced by the end of each year; the horizon ends the last one."""
    years = range(1, math.ceil(projection.options.years) + 1)
    return [quantiles(projection.replacements(365.25 * year)) for year in years]


def first_losses(origin: BranchOrigin, projection: Projection) -> dict[str, list[float | None]]:
    """Quantiles of the day on which the first string of each location loses a block to its age; None = later."""
    return {
        location.location_id: quantiles(projection.first_end_days(site))
        for site, location in enumerate(origin.inventory.locations)
    }


def cost_of_warmth(
    projector: Projector, course: Course, price: float, rises_k: Sequence[int] = range(6)
) -> list[dict[str, Any]]:
    """Replacements over the horizon in warmer rooms, and what their median costs.

    Args:
        projector: of the fleet.
        course: what else happens.
        price: of one block with its work.
        rises_k: by how much warmer, K.
    """
    rows = []
    for rise_k in rises_k:
        projection = projector.project(projector.warmer(course, float(rise_k)))
        replaced = quantiles(projection.replacements(float(projector.options.days)))
        median = replaced[MEDIAN] or 0.0
        rows.append({"warmer_k": rise_k, "replacements": replaced, "cost": median * price})
    return rows


def carrying(
    origin: BranchOrigin, projection: Projection, minutes: float, load: float, *, with_one_more: bool = True
) -> list[dict[str, Any]]:
    """Probability that each system carries a load for a time, now and in half a year, gravest first.

    Args:
        origin: the twins.
        projection: with capacities at `HALF_YEAR_DAYS`, the first of its `soh_days`.
        minutes: how long.
        load: over that of a discharge in one hour.
        with_one_more: also what one more string would make of the second.
    """
    copies, later = origin.copies, _later(origin.copies, projection)
    rows, first = [], 0
    for location in origin.inventory.locations:
        for system in location.systems:
            now_strings, later_strings = [], []
            for string in system.strings:
                mine = slice(first, first + len(string.batteries))
                first = mine.stop
                now_strings.append(_estimates(copies[mine], string.datasheet))
                later_strings.append(_estimates(later[mine], string.datasheet))
            row = {
                "location_id": location.location_id,
                "system_id": system.system_id,
                "strings": len(system.strings),
                "now": carry_probability(now_strings, 60.0 * minutes, load=load),
                "in_half_a_year": carry_probability(later_strings, 60.0 * minutes, load=load),
            }
            if with_one_more:
                row["with_one_more_string"] = carry_probability(later_strings, 60.0 * minutes, load=load, added=1)
            rows.append(row)
    return sorted(rows, key=lambda row: (row["in_half_a_year"], row["now"], row["system_id"]))


def where_a_string_helps(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Systems by what one more string adds to the probability of carrying the load, most first."""
    gains = [row | {"gain": row["with_one_more_string"] - row["in_half_a_year"]} for row in rows]
    return sorted(gains, key=lambda row: (-row["gain"], row["system_id"]))


def _later(copies: Rows, projection: Projection) -> Rows:
    """The copies as they will be in half a year, if nothing is replaced."""
    soh: NDArray[np.float32] = projection.lives.soh[0]
    later = copies.copy()
    later["soh_capacity"] = soh.mean(axis=0)
    later["soh_capacity_sigma"] = np.maximum(soh.std(axis=0, ddof=1), copies["soh_capacity_sigma"])
    return later


def _estimates(copies: Rows, sheet: BatteryDatasheet) -> StringEstimates:
    blocks = BlockEstimates(
        soc=np.where(copies["on_float"] == 1.0, 1.0, copies["soc"]),
        soc_sigma=copies["soc_sigma"],
        soh_capacity=copies["soh_capacity"],
        soh_sigma=copies["soh_capacity_sigma"],
        r0_ohm=copies["r0_ohm"],
        r0_sigma_ohm=copies["r0_sigma_ohm"],
        temperature_c=copies["temperature_c"],
        cells_lost=np.zeros(len(copies)),
    )
    return StringEstimates(blocks, sheet)
