"""How many lives will end in the coming twelve months, and what a cooler room would be worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import MEDIAN
from batterytwin.life_plan import CoolingValue, ForecastPeriod, LocationForecast, ReplacementPrices
from batterytwin.quarters import Quarter, day_start_us, site_day
from ml.life_curve import Floats, chance_of_end

_DAY_US: Final = 86_400_000_000
_YEAR_DAYS: Final = 365
_TAIL: Final = 0.05


@dataclass(frozen=True, slots=True)
class ForecastLives:
    """Lives of batteries whose life is known.

    Attributes:
        quantile_days: fused, from `as_of_us` on, shape `(n, 5)`.
        as_of_us: newest readings, microseconds since 1970 UTC, shape `(n,)`.
    """

    quantile_days: Floats
    as_of_us: NDArray[np.int64]


def count_distribution(chances: Floats) -> Floats:
    """Distribution of how many of independent events happen (Poisson binomial), by convolution.

    Args:
        chances: of each event, shape `(n,)`.

    Returns:
        Chance of 0, 1, ... n events, shape `(n + 1,)`.
    """
    chance = np.zeros(len(chances) + 1)
    chance[0] = 1.0
    for number, p in enumerate(chances, start=1):
        chance[1 : number + 1] = chance[1 : number + 1] * (1.0 - p) + chance[:number] * p
        chance[0] *= 1.0 - p
    return chance


def count_interval(chances: Floats) -> tuple[int, int]:
    """The number that is reached, and the one that is not exceeded, each with 95 % probability."""
    below = np.cumsum(count_distribution(chances))
    lower = int(np.searchsorted(below, _TAIL, side="right"))
    upper = int(np.searchsorted(below, 1.0 - _TAIL - 1e-12))
    return min(lower, len(chances)), min(upper, len(chances))


def forecast_location(
    location_id: str, lives: ForecastLives, now_us: int, prices: ReplacementPrices
) -> LocationForecast:
    """Ends of life of the next 365 days, as a whole and by calendar quarter; those already past count as now.

    Costs are those of the blocks with the work of exchanging each alone.
    """
    edges = _edges(now_us)
    ended = [chance_of_end(lives.quantile_days, (edge - lives.as_of_us) / _DAY_US) for edge in edges]
    ended[0] = np.zeros(len(lives.as_of_us))
    periods = tuple(
        _period(Quarter.of_time(begin), begin, end, after - before, prices)
        for begin, end, before, after in zip(edges, edges[1:], ended, ended[1:], strict=False)
    )
    year = _period(None, edges[0], edges[-1], ended[-1], prices)
    return LocationForecast(location_id, len(lives.as_of_us), year, periods)


def value_of_cooling(  # what it is computed from
    location_id: str,
    cooler_k: float,
    *,
    now_days: Floats,
    cooler_days: Floats,
    age_days: Floats,
    prices: ReplacementPrices,
) -> CoolingValue:
    """What a cooler future is worth.

    In the long run a slot needs a new block once a full life. The full life now is age plus remaining life; in the
    cooler room it is longer by the ratio of the two remaining lives, for a block that spends all of it there.

    Args:
        location_id: the site; empty = several.
        cooler_k: how much cooler, K.
        now_days: median remaining lives, shape `(n,)`; NaN = not known any more: it is left out.
        cooler_days: the same in the cooler room.
        age_days: ages of the blocks.
        prices: prices.
    """
    known = np.isfinite(now_days) & np.isfinite(cooler_days)
    now_days, cooler_days, age_days = now_days[known], cooler_days[known], age_days[known]
    full_days = np.maximum(age_days + now_days, 1.0)
    ratio = np.where(now_days > 0.0, cooler_days / np.where(now_days > 0.0, now_days, 1.0), 1.0)
    told = ratio[now_days > 0.0]
    ratio = np.where(now_days > 0.0, ratio, np.median(told) if len(told) else 1.0)
    avoided = float(np.sum(365.25 / full_days * (1.0 - 1.0 / np.maximum(ratio, 1e-9))))
    return CoolingValue(
        location_id=location_id,
        cooler_k=cooler_k,
        median_days=_median(now_days),
        cooler_median_days=_median(cooler_days),
        gained_days=float(np.mean(cooler_days - now_days)) if len(now_days) else 0.0,
        avoided_per_year=avoided,
        saved_per_year=avoided * prices.single_block,
    )


def medians_left(lives: ForecastLives, now_us: int) -> Floats:
    """Median remaining life from now on, days, shape `(n,)`."""
    gone = np.maximum(now_us - lives.as_of_us, 0) / _DAY_US
    return np.asarray(np.maximum(lives.quantile_days[:, MEDIAN] - gone, 0.0), np.float64)


def _edges(now_us: int) -> Sequence[int]:
    end_us = now_us + _YEAR_DAYS * _DAY_US
    edges, quarter = [now_us], Quarter.of(site_day(now_us)).plus(1)
    while (begin_us := day_start_us(quarter.first_day)) < end_us:
        edges.append(begin_us)
        quarter = quarter.plus(1)
    return [*edges, end_us]


def _period(
    quarter: Quarter | None, begin_us: int, end_us: int, chances: Floats, prices: ReplacementPrices
) -> ForecastPeriod:
    expected = float(chances.sum())
    lower, upper = count_interval(chances)
    return ForecastPeriod(
        quarter=quarter,
        start_time=datetime.fromtimestamp(begin_us / 1e6, UTC),
        end_time=datetime.fromtimestamp(end_us / 1e6, UTC),
        expected_count=expected,
        lower_count=lower,
        upper_count=upper,
        expected_cost=expected * prices.single_block,
        lower_cost=lower * prices.single_block,
        upper_cost=upper * prices.single_block,
    )


def _median(days: Floats) -> float:
    return float(np.median(days)) if len(days) else 0.0
