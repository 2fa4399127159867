"""When the mains fail at a site, and for how long: a schedule that depends on seed, site and calendar year alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.compiled import compiled

_OUTAGES_PER_YEAR = {"central": 4, "east": 4, "north": 5, "north-east": 6, "south": 7}
_OUTAGES_PER_YEAR_ELSEWHERE = 5
# weight of each month: summer storms in April and May, monsoon to October, in the south to December
_MONTH_WEIGHTS = np.array([4, 4, 7, 12, 13, 9, 9, 10, 12, 10, 6, 4], dtype=np.float64)
_MONTH_WEIGHTS_SOUTH = np.array([6, 4, 4, 6, 8, 8, 8, 9, 10, 13, 14, 10], dtype=np.float64)
_MEDIAN_DURATION_S = 7.0 * 60.0
_LN_DURATION_SD = 0.9
_SHORTEST_S, _LONGEST_S = 30.0, 90.0 * 60.0
_NEVER_S = 4.0e9


class MainsSchedule(NamedTuple):
    """Failures of the mains in time order; first axis: site, the last one never comes.

    Attributes:
        start_s: begin, s since 1970 UTC, `(n_sites, n_outages)`.
        end_s: return, like `start_s`.
        load_factor: load on the batteries relative to the system's usual one, like `start_s`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    load_factor: NDArray[np.float64]


def mains_schedule(regions: Sequence[str], seed: int, years: range) -> MainsSchedule:
    """Failures at every site in whole calendar years.

    Two to eight a year by region, one in each equal share of the year's risk, so that they come irregularly but a
    quarter without any stays rare; durations log-normal around seven minutes.

    Args:
        regions: region of each site.
        seed: chooses times and durations.
        years: calendar years (UTC).
    """
    sites = [
        np.concatenate([_year_of_outages(region, seed, site, year) for year in years])
        for site, region in enumerate(regions)
    ]
    table = np.full((len(sites), max(len(rows) for rows in sites) + 1, 3), _NEVER_S)
    for site, rows in enumerate(sites):
        table[site, : len(rows)] = rows
    return MainsSchedule(*(np.ascontiguousarray(table[:, :, k]) for k in range(3)))


def _year_of_outages(region: str, seed: int, site: int, year: int) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, 12, site, year])
    count = int(np.clip(_OUTAGES_PER_YEAR.get(region, _OUTAGES_PER_YEAR_ELSEWHERE) + rng.integers(-1, 2), 2, 8))
    weights = _MONTH_WEIGHTS_SOUTH if region == "south" else _MONTH_WEIGHTS
    risk = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    share = np.interp((np.arange(count) + rng.uniform(0.1, 0.9, count)) / count, risk, np.linspace(0, 1, 13))
    begin, end = (datetime(y, 1, 1, tzinfo=UTC).timestamp() for y in (year, year + 1))
    start_s = begin + share * (end - begin)
    duration_s = np.clip(
        _MEDIAN_DURATION_S * np.exp(_LN_DURATION_SD * rng.standard_normal(count)), _SHORTEST_S, _LONGEST_S
    )
    return np.stack([start_s, start_s + duration_s, rng.uniform(0.8, 1.2, count)], axis=1)


@compiled
def next_outage(mains: MainsSchedule, site: int, time_s: float) -> int:
    """Number of the outage that is under way at a site, or else of the next one to come."""
    ends = mains.end_s[site]
    outage = 0
    while outage < len(ends) - 1 and ends[outage] <= time_s:
        outage += 1
    return outage
