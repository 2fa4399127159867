"""Where a projection begins: lives as the live product sees them, in rooms as warm as they have been over the year."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter import FilterParameters
from actors.life_bytes import assumed_life
from actors.life_projection import LifeBlocks
from actors.life_values import life_inputs
from actors.remaining_life import PhysicsLife, physics_life
from batterytwin.life import Floats
from simulator.faults import FaultKind
from simulator.fitted_plant import FittedPlant
from simulator.scenario_course import Course
from simulator.site_ageing import ageing_by_day
from twin_server.branch_world import BranchOrigin

OFFSETS_K: Final = np.arange(-12.0, 19.0)
"""Temperatures of blocks over their rooms' for which ageing is summed, K."""

_YEAR_D: Final = 365
_DAY_S: Final = 86_400.0
_ROOM_C: Final = 25.0
_FITS: Final = 2
"""The first moves a room that is far off, the second hits."""


@dataclass(frozen=True, slots=True)
class FittedRooms:
    """A plant whose rooms age blocks as their climate has, not as the present hour does.

    Attributes:
        plant: with rooms moved.
        site: site of each block, `(n_blocks,)`.
        offset_k: how much warmer than its room each block is, K, `(n_blocks,)`.
    """

    plant: FittedPlant
    site: NDArray[np.int64]
    offset_k: Floats


def physics_of(origin: BranchOrigin) -> PhysicsLife:
    """What the live product's physics says of the lives of copied twins; of those never read, what their age says."""
    parameters = FilterParameters.from_specs(origin.specs)
    lives = origin.memory.lives.copy()
    installed_us = parameters.installed_us
    activation_k = parameters.of_twins["life_activation_k"]
    for twin in np.flatnonzero(lives["as_of_us"] == 0).tolist():
        service_s = max(origin.time_us - installed_us[twin], 0.0) * 1e-6
        age_s = service_s * np.exp(activation_k[twin] * (1.0 / 293.15 - 1.0 / (273.15 + _ROOM_C)))
        lives[twin] = assumed_life(float(installed_us[twin]), origin.time_us, float(age_s))[0]
    return physics_life(life_inputs(lives, origin.memory.state, parameters))


def fit_rooms(origin: BranchOrigin, physics: PhysicsLife, seed: int) -> FittedRooms:
    """Moves the rooms of a fitted plant so that a year in them ages blocks as the year of their own site does.

    One hot night does not shorten a life, a hot room does: what is measured at the begin sets neither.

    Args:
        origin: the twins.
        physics: of the same.
        seed: draws the weather.
    """
    begin_s = origin.time_us * 1e-6
    plant = FittedPlant(origin.inventory, origin.copies, seed, begin_s, scatter=0.0)
    world = plant.fleet.world
    site = np.repeat(world.strings.site, np.diff(world.first_block))
    wanted = np.log(physics.rates.temperature_factor)
    offset_k = np.zeros(len(site))
    for _ in range(_FITS):
        year = ageing_by_day(world, begin_s, _YEAR_D, OFFSETS_K)[:, -1] / (_YEAR_D * _DAY_S)
        for place in range(len(year)):
            mine = site == place
            if mine.any():
                offset_k[mine] = np.interp(wanted[mine], np.log(year[place]), OFFSETS_K)
                rise_k = float(np.median(offset_k[mine]))
                world.rooms.set_point_c[place] += rise_k
                offset_k[mine] -= rise_k
    return FittedRooms(plant, site, offset_k)


def life_blocks(origin: BranchOrigin, physics: PhysicsLife, rooms: FittedRooms, course: Course) -> LifeBlocks:
    """Blocks whose lives go on with a course; of faults, only those that change the rate of ageing last so long."""
    copies = origin.copies
    sheet = FilterParameters.from_specs(origin.specs).of_twins
    factor_day, factor = _factors(origin, course)
    return LifeBlocks(
        site=rooms.site,
        offset_k=rooms.offset_k,
        wear=physics.rates.wear,
        ln_speed=physics.speed_quantiles[:, ::-1],
        soh=copies["soh_capacity"],
        soh_sigma=copies["soh_capacity_sigma"],
        life_s=1.0 / sheet["life_per_s_20c"],
        exponent=sheet["life_exponent"],
        fade_at_end=sheet["fade_at_end"],
        stress=physics.rates.voltage_factor,
        cycles_per_s=physics.rates.cycles_per_s,
        factor_day=factor_day,
        factor=factor,
    )


def _factors(origin: BranchOrigin, course: Course) -> tuple[Floats, Floats]:
    """Days on which factors on the rate of ageing change, `(n_spans,)`, and the factors, `(n_spans, n_blocks)`."""
    begin_s = origin.time_us * 1e-6
    places = {spec.battery_id: place for place, spec in enumerate(origin.specs)}
    spans = [
        (
            places[fault.target_id],
            max((fault.start_s - begin_s) / _DAY_S, 0.0),
            (fault.end_s - begin_s) / _DAY_S,
            max(fault.magnitude, 0.0),  # nothing becomes younger
        )
        for fault in course.faults
        if fault.kind == FaultKind.ACCELERATED_AGEING
    ]
    days = {0.0, *(day for _, first, last, _ in spans for day in (first, last))}
    factor_day = np.array(sorted(day for day in days if 0.0 <= day < np.inf))
    factor = np.ones((len(factor_day), len(places)))
    for place, first, last, magnitude in spans:
        factor[(first <= factor_day) & (factor_day < last), place] *= magnitude
    return factor_day, factor
