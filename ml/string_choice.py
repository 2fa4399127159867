"""Whether to exchange the blocks of a string one by one as they come due, or all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from batterytwin.life_plan import ReplacementAdvice, ReplacementPrices
from batterytwin.quarters import Quarter

LOOK_AHEAD_QUARTERS: Final = 8
"""Quarters over which the two ways are compared at least; over a longer plan as a whole."""


@dataclass(frozen=True, slots=True)
class PlanBattery:
    """What a plan must know of one battery.

    Attributes:
        battery_id: its slot.
        string_id: its string.
        location_id: its site.
        advice: when to replace it; None = its life is not known.
        left_days: median of its remaining life from today on, days; not looked at without advice.
        review: a person should look before it is exchanged.
    """

    battery_id: str
    string_id: str
    location_id: str
    advice: ReplacementAdvice | None
    left_days: float
    review: bool = False


@dataclass(frozen=True, slots=True)
class StringChoice:
    """How to exchange one string.

    Attributes:
        whole: all blocks at once, in `first`.
        first: quarter of the first exchange.
        single_cost: of exchanging them one by one until the look-ahead ends, unused life included.
        whole_cost: of exchanging all at once, likewise.
        visits_saved: visits that nobody would have to make.
    """

    whole: bool
    first: Quarter
    single_cost: float
    whole_cost: float
    visits_saved: int


def due_by_quarter(
    blocks: Sequence[PlanBattery], today: date, quarter_count: int = LOOK_AHEAD_QUARTERS
) -> dict[Quarter, list[PlanBattery]]:
    """Blocks that come due within the look-ahead, or within so many quarters if these are more, the earliest first."""
    last = Quarter.of(today).plus(max(quarter_count, LOOK_AHEAD_QUARTERS) - 1)
    due: dict[Quarter, list[PlanBattery]] = {}
    for block in blocks:
        if block.advice is not None and block.advice.quarter <= last:
            due.setdefault(block.advice.quarter, []).append(block)
    return dict(sorted(due.items()))


def choose(
    blocks: Sequence[PlanBattery],
    due: Mapping[Quarter, Sequence[PlanBattery]],
    today: date,
    strings_due: Mapping[Quarter, int],
    *,
    prices: ReplacementPrices,
    new_life_days: float,
) -> StringChoice | None:
    """Compares the two ways for one string.

    Both count work and the value of life that is thrown away: a block exchanged before its median end loses the price
    of a block times the unused share of a new block's life; one of which nothing is known counts as new. One by one
    also costs the visits that this string alone would cause.

    Args:
        blocks: all blocks of the string.
        due: those that come due, by quarter, the earliest first; see `due_by_quarter`.
        today: present day at the site.
        strings_due: strings of the same site with due blocks, this one included, by quarter.
        prices: prices.
        new_life_days: life of a new block at the sites, days.

    Returns:
        None = no block comes due.
    """
    if not due:
        return None
    first = next(iter(due))
    saved = sum(1 for quarter in due if quarter != first and strings_due[quarter] == 1)
    wasted = prices.block / new_life_days
    single = saved * prices.visit
    for quarter, of_quarter in due.items():
        day = _middle(quarter, today)
        single += len(of_quarter) * prices.labour_hour * prices.single_block_hours
        single += wasted * sum(_unused_days(block, day, today, new_life_days) for block in of_quarter)
    whole = len(blocks) * prices.labour_hour * prices.string_block_hours
    whole += wasted * sum(_unused_days(block, _middle(first, today), today, new_life_days) for block in blocks)
    at_once = sum(map(len, due.values())) > 1 and whole < single
    return StringChoice(at_once, first, single, whole, saved)


def _middle(quarter: Quarter, today: date) -> date:
    begin = max(quarter.first_day, today)
    return begin + (quarter.last_day - begin) / 2


def _unused_days(block: PlanBattery, day: date, today: date, new_life_days: float) -> float:
    if block.advice is None:
        return new_life_days
    return max(block.left_days - (day - today) / timedelta(days=1), 0.0)
