"""When the mains fail at a site, and for how long: a schedule that depends on seed, site and calendar year alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory
from simulator.compiled import compiled
from simulator.wanted_events import Outage

LOCAL_TIME_OFFSET_S = 7.0 * 3_600.0
"""Thai time minus UTC, s."""

NEVER_S = 4.0e9
"""Later than anything that is simulated, s since 1970 UTC."""

_OUTAGES_PER_YEAR = {"central": 4, "east": 4, "north": 5, "north-east": 6, "south": 7}
_OUTAGES_PER_YEAR_ELSEWHERE = 5
# weight of each month: summer storms in April and May, monsoon to October, in the south to December
_MONTH_WEIGHTS = np.array([4, 4, 7, 12, 13, 9, 9, 10, 12, 10, 6, 4], dtype=np.float64)
_MONTH_WEIGHTS_SOUTH = np.array([6, 4, 4, 6, 8, 8, 8, 9, 10, 13, 14, 10], dtype=np.float64)
# a month of this weight and more is one of storms, which come with the afternoon's heat
_STORM_WEIGHT = 8.0
_STORM_SHARE, _STORM_SHARE_ELSEWHERE = 0.7, 0.2
_STORM_HOURS = (13.0, 16.5, 21.0)
# more than half end within five minutes (reclosing, switching), one in forty lasts over an hour (a line is down)
_MEDIAN_DURATION_S = 4.0 * 60.0
_LN_DURATION_SD = 1.4
_SHORTEST_S, _LONGEST_S = 20.0, 6.0 * 3_600.0


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


def wanted_mains(inventory: Inventory, outages: Sequence[Outage]) -> MainsSchedule:
    """The failures that somebody wants, and no others; those of a location are in order and do not overlap."""
    rows = [
        np.array(
            [
                (outage.start_s, min(outage.end_s, NEVER_S), outage.load_factor)
                for outage in outages
                if outage.location_id == location.location_id
            ]
        ).reshape(-1, 3)
        for location in inventory.locations
    ]
    table = padded(rows)
    return MainsSchedule(*(np.ascontiguousarray(table[:, :, k]) for k in range(3)))


def mains_schedule(regions: Sequence[str], seed: int, years: range, often: float = 1.0) -> MainsSchedule:
    """Failures at every site in whole calendar years.

    Two to eight a year by region, one in each equal share of the year's risk, so that they come irregularly but a
    quarter without any stays rare. In the months of storms most come in the afternoon. Durations are log-normal: many
    of minutes, a long tail of hours. No public statistics of Thai data centres exist; these are assumptions.

    Args:
        regions: region of each site.
        seed: chooses times and durations.
        years: calendar years (UTC).
        often: factor on their number.
    """
    sites = [
        np.concatenate([_year_of_outages(region, seed, site, year, often) for year in years])
        for site, region in enumerate(regions)
    ]
    table = padded(sites)
    return MainsSchedule(*(np.ascontiguousarray(table[:, :, k]) for k in range(3)))


def padded(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Lists of spans of time, `(n, n_columns)` each, as one array that ends with a span that never comes."""
    table = np.full((len(rows), max(len(row) for row in rows) + 1, rows[0].shape[1]), NEVER_S)
    for place, row in zip(table, rows, strict=True):
        place[: len(row)] = row
    return table


def _year_of_outages(region: str, seed: int, site: int, year: int, often: float) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, 12, site, year])
    usual = np.clip(_OUTAGES_PER_YEAR.get(region, _OUTAGES_PER_YEAR_ELSEWHERE) + rng.integers(-1, 2), 2, 8)
    count = max(round(often * float(usual)), 1)
    weights = _MONTH_WEIGHTS_SOUTH if region == "south" else _MONTH_WEIGHTS
    risk = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    share = np.interp((np.arange(count) + rng.uniform(0.1, 0.9, count)) / count, risk, np.linspace(0, 1, 13))
    begin, end = (datetime(y, 1, 1, tzinfo=UTC).timestamp() for y in (year, year + 1))
    local_s = begin + share * (end - begin) + LOCAL_TIME_OFFSET_S
    storms = weights[np.minimum((share * 12).astype(np.int64), 11)] >= _STORM_WEIGHT
    stormy = rng.uniform(size=count) < np.where(storms, _STORM_SHARE, _STORM_SHARE_ELSEWHERE)
    hour = np.where(stormy, rng.triangular(*_STORM_HOURS, size=count), local_s % 86_400.0 / 3_600.0)
    start_s = local_s // 86_400.0 * 86_400.0 + 3_600.0 * hour - LOCAL_TIME_OFFSET_S
    duration_s = np.clip(
        _MEDIAN_DURATION_S * np.exp(_LN_DURATION_SD * rng.standard_normal(count)), _SHORTEST_S, _LONGEST_S
    )
    return np.stack([start_s, start_s + duration_s, rng.uniform(0.8, 1.2, count)], axis=1)


@compiled
def current_or_next(end_s: NDArray[np.float64], time_s: float) -> int:
    """Number of the span that is under way, or else of the next one to come, of spans whose ends are in order."""
    return min(int(np.searchsorted(end_s, time_s, side="right")), len(end_s) - 1)


@compiled
def next_outage(mains: MainsSchedule, site: int, time_s: float) -> int:
    """Number of the outage that is under way at a site, or else of the next one to come."""
    return current_or_next(mains.end_s[site], time_s)
