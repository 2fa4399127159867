"""Projections: the coming years of a fleet, as it is and with a scenario, and what people ask of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.life_projection import LifeBlocks, LifeEnsemble, SiteAgeing, project_life
from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import BatteryString
from simulator.faults import FaultKind
from simulator.fitted_plant import FittedPlant
from simulator.scenario_course import Course, ScenarioPart, course_of
from simulator.site_ageing import ageing_by_day
from simulator.wanted_events import RoomChange
from twin_server.branch_world import BranchOrigin

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of what is told of an ensemble."""

_YEAR_DAYS: Final = 365.25
_YEAR_S: Final = _YEAR_DAYS * 86_400.0
_OFFSETS_K: Final = np.arange(-12.0, 19.0)
_STRESS_PER_V_CELL: Final = 1.0 / 0.08
_LARGEST_DEVIATION_V_CELL: Final = 0.12
_NO_COURSE: Final = Course()


@dataclass(frozen=True, slots=True)
class ProjectionOptions:
    """How to project.

    Attributes:
        years: how far, 0.5 to 30.
        members: size of the ensemble, 2 to 1,000.
        seed: draws its members; the same for everything that is compared.

    Raises:
        InvalidArgumentError: a value is out of its limits.
    """

    years: float = 10.0
    members: int = 100
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value, least, most in (("years", self.years, 0.5, 30.0), ("members", self.members, 2, 1_000)):
            if not least <= value <= most:
                raise InvalidArgumentError(
                    f"{name} = {value:g} is out of its limits: {least:g} to {most:g}.", field=name, value=value
                )

    @property
    def days(self) -> int:
        """The horizon."""
        return round(self.years * _YEAR_DAYS)


@dataclass(frozen=True, slots=True)
class Projection:
    """What became of the fleet in every member.

    Attributes:
        options: how it was projected.
        blocks: where it began.
        lives: what became of it.
    """

    options: ProjectionOptions
    blocks: LifeBlocks
    lives: LifeEnsemble

    def replacements(self, day: float, site: int | None = None) -> NDArray[np.int64]:
        """Blocks that have come to their end by a day, of all sites or one, `(n_members,)`."""
        ends = self.lives.end_day if site is None else self.lives.end_day[:, self.blocks.site == site]
        count: NDArray[np.int64] = (ends <= day).sum(axis=(1, 2))
        return count

    def first_end_days(self, site: int) -> NDArray[np.float64]:
        """Day on which the first block of a site comes to its end, and its string with it, `(n_members,)`."""
        ends = self.lives.end_day[:, self.blocks.site == site, 0]
        return np.asarray(ends.min(axis=1), np.float64)


@dataclass(slots=True)
class Projector:
    """Projects one fleet.

    Attributes:
        origin: its twins.
        options: how.
        progress: told the share of each projection that is done; may raise to cancel.
    """

    origin: BranchOrigin
    options: ProjectionOptions
    progress: Callable[[float], None] = field(default=lambda _share: None)

    def project(self, course: Course = _NO_COURSE, soh_days: tuple[int, ...] = ()) -> Projection:
        """The fleet's years with a course; only what changes rooms and the rate of ageing lasts so long.

        Args:
            course: what happens.
            soh_days: days at which capacities are wanted.
        """
        options, origin = self.options, self.origin
        begin_s = origin.time_us * 1e-6
        plant = FittedPlant(origin.inventory, origin.copies, options.seed, begin_s, course, scatter=0.0)
        world = plant.fleet.world
        ageing = SiteAgeing(_OFFSETS_K, ageing_by_day(world, begin_s, options.days, _OFFSETS_K))
        blocks = self._blocks(
            np.repeat(world.strings.site, np.diff(world.first_block)), world.blocks.position_k, course
        )
        lives = project_life(
            blocks, ageing, members=options.members, seed=options.seed, soh_days=soh_days, progress=self.progress
        )
        return Projection(options, blocks, lives)

    def course(self, parts: Sequence[ScenarioPart]) -> Course:
        """What scenarios make happen.

        Raises:
            InvalidArgumentError: a scenario does not fit the fleet.
        """
        return course_of(self.origin.inventory, parts, self.origin.time_us * 1e-6)

    def warmer(self, course: Course, rise_k: float) -> Course:
        """The same course in rooms that are warmer for good."""
        begin_s = self.origin.time_us * 1e-6
        rooms = [RoomChange(place.location_id, begin_s, rise_k=rise_k) for place in self.origin.inventory.locations]
        return replace(course, rooms=(*course.rooms, *rooms))

    def _blocks(self, site: NDArray[np.int64], offset_k: NDArray[np.float64], course: Course) -> LifeBlocks:
        copies, strings = self.origin.copies, self._strings()
        sheets = [string.datasheet for string in strings for _ in string.batteries]

        def nominal(name: str) -> NDArray[np.float64]:
            return np.array([float(getattr(sheet, name)) for sheet in sheets])

        warm_k = np.nan_to_num(copies["temperature_c"] - 25.0)
        set_point_v = nominal("float_v") + nominal("compensation_v_k") * warm_k
        off_v_cell = np.abs(copies["float_v"] - set_point_v) / nominal("cells")
        factor = np.ones(len(sheets))
        places = {b.battery_id: n for n, b in enumerate(b for string in strings for b in string.batteries)}
        for fault in course.faults:
            if fault.kind == FaultKind.ACCELERATED_AGEING:
                factor[places[fault.target_id]] *= fault.magnitude
        return LifeBlocks(
            site=site,
            offset_k=offset_k,
            life_fraction=copies["life_fraction"],
            soh=copies["soh_capacity"],
            soh_sigma=copies["soh_capacity_sigma"],
            life_s=nominal("life_years_20c") * _YEAR_S,
            exponent=nominal("life_knee_exponent"),
            fade_at_end=1.0 - nominal("end_of_life_soh"),
            stress=2.0 ** (np.minimum(off_v_cell, _LARGEST_DEVIATION_V_CELL) * _STRESS_PER_V_CELL),
            factor=factor,
        )

    def _strings(self) -> list[BatteryString]:
        return [string for location in self.origin.inventory.locations for string in location.strings()]


def quantiles(values: NDArray[np.float64] | NDArray[np.int64]) -> list[float | None]:
    """`QUANTILES` of what the members say; None = not within the horizon."""
    found = np.quantile(values, QUANTILES, method="nearest")
    return [float(value) if np.isfinite(value) else None for value in found]
