"""Plans and forecasts of replacements as plain types; numbers equal the enums of `batterytwin.v1` (life.proto)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.quarters import Quarter

SOON_QUARTERS: Final = 2
"""What is due so many quarters ahead is prepared now."""


def due_soon(quarters: NDArray[np.int32], present: Quarter) -> NDArray[np.bool_]:
    """Which replacements, by the `Quarter.index` of their advice, are due within two quarters, `(n_batteries,)`."""
    return np.asarray(quarters <= present.index + SOON_QUARTERS, np.bool_)


class ReplacementUrgency(IntEnum):
    """How a replacement presses; a higher number presses more."""

    LATER = 1
    PLANNED = 2
    SOON = 3
    NOW = 4


@dataclass(frozen=True, slots=True)
class ReplacementAdvice:
    """When to replace one battery.

    Attributes:
        quarter: the quarter to do it in.
        urgency: how it presses; a bare number if the server is newer than this client.
        moved_by_season: the monsoon has moved it.
        reason: why then, for people.
    """

    quarter: Quarter
    urgency: ReplacementUrgency | int
    moved_by_season: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ReplacementPrices:
    """What replacements cost.

    Attributes:
        currency: of all prices.
        block: one block.
        labour_hour: one hour of work.
        single_block_hours: work to exchange one block among others that stay, h.
        string_block_hours: work for each block when its whole string is exchanged, h.
        visit: one visit to a site.
    """

    currency: str = "THB"
    block: float = 9_500.0
    labour_hour: float = 600.0
    single_block_hours: float = 1.5
    string_block_hours: float = 0.6
    visit: float = 18_000.0

    @property
    def single_block(self) -> float:
        """One block with its work, among others that stay."""
        return self.block + self.labour_hour * self.single_block_hours


@dataclass(frozen=True, slots=True)
class PlannedString:
    """One string in a visit.

    Attributes:
        string_id: its name.
        whole_string: all of its blocks are exchanged, those that are not due as well.
        battery_ids: blocks to exchange, in order of position.
        urgent_battery_ids: those of them that must not wait.
        urgency: highest among them; a bare number if the server is newer than this client.
        labour_hours: work, h.
        cost: blocks and work, without the visit.
        reason: why so, for people.
    """

    string_id: str
    whole_string: bool
    battery_ids: tuple[str, ...]
    urgent_battery_ids: tuple[str, ...]
    urgency: ReplacementUrgency | int
    labour_hours: float
    cost: float
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One visit to one site in one quarter.

    Attributes:
        location_id: the site.
        quarter: when.
        window_start: first day on which the work may be done, start of working hours.
        window_end: last day on which it should be done, end of working hours.
        strings: strings to work on.
        block_count: blocks to exchange.
        labour_hours: work, h.
        working_days: days that one crew of two needs.
        cost: everything, the visit included.
        notes: what to mind, for people.
    """

    location_id: str
    quarter: Quarter
    window_start: datetime
    window_end: datetime
    strings: tuple[PlannedString, ...]
    block_count: int
    labour_hours: float
    working_days: int
    cost: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaintenancePlan:
    """What to replace in the coming quarters.

    Attributes:
        plan_time: when it was made, UTC.
        quarter_count: quarters that it covers, the present one first.
        risk: chance of an end of life before the replacement that is taken, 0...1.
        prices: prices.
        visits: by time, then by site.
        block_count: blocks of all visits.
        cost: of all visits.
        unknown_battery_ids: batteries whose life is not known and for which nothing is planned.
        review_battery_ids: planned ones whose answer is degraded, of low confidence, or missing; a person should look
            before.
    """

    plan_time: datetime
    quarter_count: int
    risk: float
    prices: ReplacementPrices
    visits: tuple[PlannedVisit, ...]
    block_count: int
    cost: float
    unknown_battery_ids: tuple[str, ...]
    review_battery_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """Ends of life that are expected in one time.

    Attributes:
        quarter: calendar quarter; None = the whole time.
        start_time: begin, UTC.
        end_time: end, exclusive, UTC.
        expected_count: expected number.
        lower_count: with 95 % probability at least so many.
        upper_count: with 95 % probability at most so many.
        expected_cost: cost of the expected number.
        lower_cost: of the lower one.
        upper_cost: of the upper one.
    """

    quarter: Quarter | None
    start_time: datetime
    end_time: datetime
    expected_count: float
    lower_count: int
    upper_count: int
    expected_cost: float
    lower_cost: float
    upper_cost: float


@dataclass(frozen=True, slots=True)
class LocationForecast:
    """Forecast of one location, or of all.

    Attributes:
        location_id: the location; empty = all.
        battery_count: batteries whose life is known.
        year: the next twelve months.
        quarters: the same by calendar quarter; the first and the last may be parts of one.
    """

    location_id: str
    battery_count: int
    year: ForecastPeriod
    quarters: tuple[ForecastPeriod, ...]


@dataclass(frozen=True, slots=True)
class CoolingValue:
    """What a cooler room is worth.

    Attributes:
        location_id: the location; empty = all.
        cooler_k: how much cooler the future is, K.
        median_days: median remaining life now, days.
        cooler_median_days: the same in the cooler room, days.
        gained_days: mean gain of a battery, days.
        avoided_per_year: replacements avoided a year in the long run.
        saved_per_year: what these cost.
    """

    location_id: str
    cooler_k: float
    median_days: float
    cooler_median_days: float
    gained_days: float
    avoided_per_year: float
    saved_per_year: float


@dataclass(frozen=True, slots=True)
class ReplacementForecast:
    """The next twelve months, and what cooling is worth.

    Attributes:
        total: everything selected.
        locations: per location, in fleet order.
        cooling: worth of cooler rooms, everything selected.
        location_cooling: per location.
        prices: prices.
    """

    total: LocationForecast
    locations: tuple[LocationForecast, ...]
    cooling: CoolingValue
    location_cooling: tuple[CoolingValue, ...]
    prices: ReplacementPrices
