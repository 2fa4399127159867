"""Visits of technicians and discharge tests: on working days, clear of outages, and seen by the monitors."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from batterytwin.inventory import load_fleet
from batterytwin.telemetry import StringMode
from simulator.mains import NEVER_S, mains_schedule
from simulator.maintenance import schedules
from simulator.plant import Plant
from simulator.sampling import SiteSampler, live_plan, string_offsets_us
from tests.simulator.small_fleet import START, one_string

YEARS = range(2025, 2028)
FLEET = load_fleet()
MAINS = mains_schedule([location.region for location in FLEET.locations], 7, YEARS)
MAINTENANCE, DISCHARGES = schedules(FLEET, 7, YEARS, MAINS)


def test_technicians_come_on_working_days_in_working_hours() -> None:
    begin = pd.to_datetime(MAINTENANCE.start_s[MAINTENANCE.start_s < NEVER_S] + 7 * 3_600.0, unit="s")
    assert begin.day_of_week.max() <= 4
    assert begin.hour.min() >= 9
    assert begin.hour.max() <= 14
    per_year = (MAINTENANCE.start_s < NEVER_S).sum(axis=1) / len(YEARS)
    assert set(per_year) == {4.0, 12.0}


def test_a_string_is_tested_about_once_a_year_while_it_is_visited() -> None:
    per_year = DISCHARGES.test.sum(axis=1) / len(YEARS)
    assert 0.8 < per_year.mean() <= 1.0
    assert per_year.max() <= 1.0
    for s in range(len(DISCHARGES.test)):
        for k in np.flatnonzero(DISCHARGES.test[s]):
            begin_s, end_s = DISCHARGES.start_s[s, k], DISCHARGES.end_s[s, k]
            assert np.any((MAINTENANCE.start_s[s] <= begin_s) & (end_s <= MAINTENANCE.end_s[s]))


def test_every_outage_is_carried_and_nothing_overlaps() -> None:
    for s, (starts_s, ends_s, tests) in enumerate(
        zip(DISCHARGES.start_s, DISCHARGES.end_s, DISCHARGES.test, strict=True)
    ):
        known = starts_s < NEVER_S
        assert np.all(starts_s[known][1:] > ends_s[known][:-1])
        if s == 0:
            real = MAINS.start_s[0] < NEVER_S
            assert np.array_equal(starts_s[known & (tests == 0)], MAINS.start_s[0][real])


def test_a_test_is_seen_second_by_second_as_a_discharge_within_a_visit(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    scheduled = Plant(inventory, 3, START).fleet.world
    k = int(np.flatnonzero(scheduled.discharges.test[0])[-1])
    begin_s, end_s = scheduled.discharges.start_s[0, k], scheduled.discharges.end_s[0, k]
    plant = Plant(inventory, 3, datetime.fromtimestamp(begin_s - 7_200.0, UTC))
    plant.cover(end_s)
    sampler = SiteSampler(0, string_offsets_us([1], 60.0))
    visits = sampler.visits(
        live_plan(60.0, 1), plant.fleet.world.discharges, round((begin_s - 3_600.0) * 1e6), round((end_s + 9e3) * 1e6)
    )
    truth = plant.visit(visits)
    times_s = truth.visits.time_us * 1e-6
    tested = (times_s > begin_s) & (times_s <= end_s)
    assert tested.sum() >= int(end_s - begin_s)
    assert np.all(truth.mode[tested] == StringMode.TEST)
    assert np.all(truth.current_a[tested] < -5.0)
    visit = scheduled.maintenance.start_s[0] <= begin_s
    visited = (times_s >= scheduled.maintenance.start_s[0][visit][-1]) & (
        times_s < scheduled.maintenance.end_s[0][visit][-1]
    )
    assert np.all(truth.mode[visited & ~tested] == StringMode.MAINTENANCE)
    assert set(truth.mode[~visited & ~tested]) == {StringMode.FLOAT}
