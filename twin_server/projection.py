"""Projections: the coming years of a fleet, as it is and with a scenario, and what people ask of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.life_projection import LifeBlocks, LifeEnsemble, SiteAgeing, project_life
from batterytwin.errors import InvalidArgumentError
from simulator.scenario_course import Course, ScenarioPart, course_of
from simulator.site_ageing import ageing_by_day
from simulator.wanted_events import RoomChange
from twin_server.branch_world import BranchOrigin
from twin_server.projection_blocks import OFFSETS_K, fit_rooms, life_blocks, physics_of

_YEAR_DAYS: Final = 365.25
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
        """Day on which the first block of a site comes to its end, and its string with it, `(n_members,)`.

        Blocks that are at their end already are replaced at the begin and do not count.
        """
        ends = self.lives.end_day[:, self.blocks.site == site]
        first: NDArray[np.float64] = np.where(ends > 0.0, ends, np.inf).min(axis=(1, 2)).astype(np.float64)
        return first


class Projector:
    """Projects one fleet.

    Args:
        origin: its twins.
        options: how.
        progress: told the share of each projection that is done; may raise to cancel.
    """

    def __init__(
        self,
        origin: BranchOrigin,
        options: ProjectionOptions,
        progress: Callable[[float], None] = lambda _share: None,
    ) -> None:
        self.origin = origin
        self.options = options
        self.progress = progress
        self._physics = physics_of(origin)
        self._rooms = fit_rooms(origin, self._physics, options.seed)

    def project(self, course: Course = _NO_COURSE, soh_days: tuple[int, ...] = ()) -> Projection:
        """The fleet's years with a course; only what changes rooms and the rate of ageing lasts so long.

        Args:
            course: what happens.
            soh_days: days at which capacities are wanted.
        """
        options, rooms = self.options, self._rooms
        rooms.plant.change(course)
        world = rooms.plant.fleet.world
        aged_s = ageing_by_day(world, self.origin.time_us * 1e-6, options.days, OFFSETS_K)
        blocks = life_blocks(self.origin, self._physics, rooms, course)
        lives = project_life(
            blocks,
            SiteAgeing(OFFSETS_K, aged_s),
            members=options.members,
            seed=options.seed,
            soh_days=soh_days,
            progress=self.progress,
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
