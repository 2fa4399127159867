"""Projections as clients see them. Five quantiles are those of 5, 25, 50, 75 and 95 %; NaN = not within the horizon."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from batterytwin.scenarios import ProjectionState
from clients.scenarios import ScenarioPart

FiveQuantiles = tuple[float, ...]
"""What the members of an ensemble say: 5, 25, 50, 75, 95 %; empty = nothing was said."""


@dataclass(frozen=True, slots=True)
class ProjectionRequest:
    """What a projection is asked.

    Attributes:
        title: for people.
        parts: what is to happen; none = nothing, the fleet as it is.
        names: locations, strings or batteries; empty = all.
        at_time: twins as they were then; None = now.
        years: how far, 0.5...30.
        members: size of the ensemble, 2...1,000.
        seed: draws what the twins do not know; the same for all that is compared.
        carry_min: how long systems are to carry their load, min.
        load: that load over the one that takes an hour.
        block_price: price of one block with its work; 0 = as the server plans.
        warmth: also tells what +1...+5 K cost.
    """

    title: str
    parts: tuple[ScenarioPart, ...] = ()
    names: tuple[str, ...] = ()
    at_time: datetime | None = None
    years: float = 10.0
    members: int = 100
    seed: int = 0
    carry_min: float = 30.0
    load: float = 1.0
    block_price: float = 0.0
    warmth: bool = False


@dataclass(frozen=True, slots=True)
class FirstLoss:
    """When the first block of a location, and its string with it, comes to its end: days from the begin."""

    location_id: str
    days: FiveQuantiles


@dataclass(frozen=True, slots=True)
class CarryingSystem:
    """With which probability a system carries its load so long.

    Attributes:
        location_id: the location.
        system_id: the system.
        strings: strings that it has.
        now: now, 0...1.
        in_half_a_year: in half a year if nothing is replaced, 0...1.
        with_one_more_string: the same with one more string, 0...1.
    """

    location_id: str
    system_id: str
    strings: int
    now: float
    in_half_a_year: float
    with_one_more_string: float


@dataclass(frozen=True, slots=True)
class WarmthCost:
    """What warmer rooms cost.

    Attributes:
        warmer_k: rise, K.
        replacements: blocks to replace within the horizon.
        cost: of the median.
    """

    warmer_k: float
    replacements: FiveQuantiles
    cost: float


@dataclass(frozen=True, slots=True)
class ProjectedCourse:
    """What became of one course of events.

    Attributes:
        replacements: blocks to replace by the end of each year.
        first_losses: by location.
        carrying: systems, the least sure first.
        one_more_string: systems that one more string would help most, at most five, best first.
    """

    replacements: tuple[FiveQuantiles, ...]
    first_losses: tuple[FirstLoss, ...]
    carrying: tuple[CarryingSystem, ...]
    one_more_string: tuple[CarryingSystem, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """A projection with its result.

    Attributes:
        projection_id: its name.
        request: what was asked, with the defaults filled in.
        state: how far it has come; a bare number if the server is newer than this client.
        progress: share that is done, 0...1.
        reason: why it failed, for people; empty = it did not.
        begin_time: the instant whose twins were copied, UTC; None = not copied yet.
        battery_count: batteries in it.
        ask_time: when it was asked for, UTC.
        asked_by: who asked.
        done_time: when it was done, UTC; None = not yet.
        took_s: time that computing it took, s.
        baseline: the fleet as it is; None = not done yet, or left out of a list.
        with_scenario: the fleet with the parts; None also where nothing was to happen.
        warmth: what warmth costs; empty where it was not asked for.
    """

    projection_id: str
    request: ProjectionRequest
    state: ProjectionState | int
    progress: float
    reason: str
    begin_time: datetime | None
    battery_count: int
    ask_time: datetime
    asked_by: str
    done_time: datetime | None
    took_s: float
    baseline: ProjectedCourse | None
    with_scenario: ProjectedCourse | None
    warmth: tuple[WarmthCost, ...]


@dataclass(frozen=True, slots=True)
class ProjectionPage:
    """One page of projections, newest first, without results; `next_page_token` is empty on the last page."""

    projections: tuple[Projection, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[Projection]:
        return iter(self.projections)

    def __len__(self) -> int:
        return len(self.projections)


@dataclass(frozen=True, slots=True)
class ComparedProjection:
    """One row of a comparison.

    Attributes:
        projection_id: the projection.
        title: its title.
        replacements: blocks to replace by the end of each year, with its scenario where it has one.
        more_than_first: replacements within the common horizon less those of the first, member by member.
        cost_more: cost of the median of that difference; < 0 = it saves.
        systems_at_risk: systems that carry their load with less than 0.9 in half a year.
    """

    projection_id: str
    title: str
    replacements: tuple[FiveQuantiles, ...]
    more_than_first: FiveQuantiles
    cost_more: float
    systems_at_risk: int


@dataclass(frozen=True, slots=True)
class ProjectionComparison:
    """Projections side by side, in the order asked for.

    Attributes:
        projections: one row each.
        years: the horizon that all have.
        caveats: why differences may not be due to the scenarios alone; empty = they are.
    """

    projections: tuple[ComparedProjection, ...]
    years: float
    caveats: tuple[str, ...]
