"""Planned visits of technicians, and what makes a string carry its load: outages, and one short test a year.

Visits are on working days: every month at UPS systems, every quarter at rectifiers. A string reports maintenance
while its system is visited. Once a year its visit includes a discharge test of some minutes on its usual load.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory, SystemKind
from simulator.mains import LOCAL_TIME_OFFSET_S, NEVER_S, MainsSchedule, padded
from simulator.parameters import Ints

_MONTHS_BETWEEN = {SystemKind.UPS: 1, SystemKind.RECTIFIER: 3}
_VISIT_HOURS = (9.0, 14.0)
_VISIT_DURATION_S = (3_600.0, 7_200.0)
_TEST_AFTER_S = 900.0
_TEST_DURATION_S = (480.0, 720.0)
# a string that an outage has just emptied, or will, is not tested
_CLEAR_OF_OUTAGES_S = 2.0 * 86_400.0


class Maintenance(NamedTuple):
    """Visits of technicians in time order; first axis: string, the last one never comes.

    Attributes:
        start_s: begin, s since 1970 UTC, `(n_strings, n_visits)`.
        end_s: end, like `start_s`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]


class Discharges(NamedTuple):
    """Times at which a string carries its load, in order; first axis: string, the last one never comes.

    Attributes:
        start_s: begin, s since 1970 UTC, `(n_strings, n_discharges)`.
        end_s: end, like `start_s`.
        load_factor: load relative to the system's usual one, like `start_s`.
        test: 1 = a planned test, 0 = the mains are out, int64, like `start_s`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    load_factor: NDArray[np.float64]
    test: Ints


def schedules(inventory: Inventory, seed: int, years: range, mains: MainsSchedule) -> tuple[Maintenance, Discharges]:
    """Visits and discharges of every string in whole calendar years (UTC).

    Args:
        inventory: the fleet.
        seed: chooses days, hours and durations.
        years: calendar years.
        mains: failures of the mains in these years.
    """
    visits: list[NDArray[np.float64]] = []
    tests: list[NDArray[np.float64]] = []
    for number, (kind, n_strings) in enumerate(_systems(inventory)):
        of_system = [_year(kind, n_strings, seed, number, year) for year in years]
        seen = np.concatenate([visits_of_year for visits_of_year, _ in of_system])
        visits.extend([seen] * n_strings)
        tests.extend(np.stack([tests_of_year[k] for _, tests_of_year in of_system]) for k in range(n_strings))
    table = padded(visits)
    maintenance = Maintenance(*(np.ascontiguousarray(table[:, :, k]) for k in range(2)))
    return maintenance, discharges(mains, _site_of_string(inventory), tests)


def no_maintenance(n_strings: int) -> Maintenance:
    """Strings that nobody visits."""
    never = np.full((n_strings, 1), NEVER_S)
    return Maintenance(never, never)


def discharges(mains: MainsSchedule, site: Ints, tests: list[NDArray[np.float64]] | None = None) -> Discharges:
    """What strings carry: the outages of their sites, and the tests that are clear of them.

    Args:
        mains: failures of the mains.
        site: site of each string, `(n_strings,)`.
        tests: begin and end of each string's tests, `(n_tests, 2)` each; None = no string is tested.
    """
    rows = []
    for s, place in enumerate(site):
        start_s, end_s = mains.start_s[place], mains.end_s[place]
        known = np.stack([start_s, end_s, mains.load_factor[place], np.zeros(len(start_s))], axis=1)[:-1]
        clear = [
            (begin, end, 1.0, 1.0)
            for begin, end in (tests[s] if tests is not None else ())
            if not np.any((start_s < end + _CLEAR_OF_OUTAGES_S) & (end_s > begin - _CLEAR_OF_OUTAGES_S))
        ]
        row = np.concatenate([known, np.array(clear).reshape(-1, 4)])
        rows.append(row[np.argsort(row[:, 0], kind="stable")])
    table = padded(rows)
    columns = [np.ascontiguousarray(table[:, :, k]) for k in range(4)]
    return Discharges(columns[0], columns[1], columns[2], (columns[3] == 1.0).astype(np.int64))


def _systems(inventory: Inventory) -> Iterator[tuple[SystemKind, int]]:
    for location in inventory.locations:
        for system in location.systems:
            yield system.kind, len(system.strings)


def _site_of_string(inventory: Inventory) -> Ints:
    counts = [sum(1 for _ in location.strings()) for location in inventory.locations]
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def _year(
    kind: SystemKind, n_strings: int, seed: int, system: int, year: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Visits to a system, `(n_visits, 2)`, and the test of each of its strings, `(n_strings, 2)`."""
    rng = np.random.default_rng([seed, 16, system, year])
    step = _MONTHS_BETWEEN[kind]
    days = [
        _working_day(year, month, int(rng.integers(1, 27))) for month in range(int(rng.integers(step)) + 1, 13, step)
    ]
    midnight_s = np.array([datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp() for d in days])
    start_s = midnight_s - LOCAL_TIME_OFFSET_S + 3_600.0 * rng.uniform(*_VISIT_HOURS, len(days))
    visits = np.stack([start_s, start_s + rng.uniform(*_VISIT_DURATION_S, len(days))], axis=1)
    # strings of a system in turn, one a visit, so that the others hold the load's reserve
    turn = (np.arange(n_strings) + int(rng.integers(len(days)))) % len(days)
    test_s = start_s[turn] + _TEST_AFTER_S
    return visits, np.stack([test_s, test_s + rng.uniform(*_TEST_DURATION_S, n_strings)], axis=1)


def _working_day(year: int, month: int, day: int) -> date:
    """The day, or the Monday after it; days 1...26 stay in their month."""
    weekday = date(year, month, day).weekday()
    return date(year, month, day + (7 - weekday if weekday >= 5 else 0))
