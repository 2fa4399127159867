"""Plans and forecasts of locations that live at different times."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from batterytwin.inventory import Inventory, LocationClock
from batterytwin.life_plan import MaintenancePlan, ReplacementPrices
from batterytwin.quarters import Quarter
from storage.prediction_rows import DAYS, PREDICTION_DTYPE
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import START_US, LiveBench
from twin_server.life_planner import LifePlanner
from twin_server.life_predictor import Predicted
from twin_server.life_table import LifeTable

DAY_US = 86_400_000_000
YEARS_AGO_US = 7 * 365 * DAY_US
SITES = {"AAA": 0, "BBB": 1}


class Bench:
    """A live site AAA and a site BBB whose recording of years ago is replayed; alike in all but their time."""

    def __init__(self) -> None:
        live, played = small_inventory().locations
        bench = LiveBench(Inventory((live, replace(played, clock=LocationClock.FEED))))
        self.map, self.table = bench.fleet_map, LifeTable(bench.live, 0.1)
        bench.clocks.advance(np.array([1], np.int32), np.array([START_US - YEARS_AGO_US]))
        self.map.unit_since_us[48:] -= YEARS_AGO_US
        self.everything = np.arange(len(self.map), dtype=np.int32)
        of_site = np.arange(len(self.map)) % 48
        rows = np.zeros(len(self.map), PREDICTION_DTYPE)
        rows["as_of"] = bench.clocks.all_now_us()[self.map.location_of] - 20 * DAY_US
        rows["predicted_at"], rows["unit_seq"], rows["soh_capacity"], rows["source"] = START_US, 1, 0.95, 1
        for name, share in zip(DAYS, (0.6, 0.8, 1.0, 1.2, 1.5), strict=True):
            rows[name] = share * (60.0 + 40.0 * of_site)
        self.table.put(self.everything, rows)
        predictor: Any = self
        self.planner = LifePlanner(bench.live, self.table, predictor, ReplacementPrices(), 0.1, scorer_up=lambda: True)

    async def compare(self, ordinals: NDArray[np.int32], _cooler_k: float) -> tuple[Predicted, Predicted]:
        rows = self.table.rows[ordinals]
        told = Predicted(ordinals, rows, np.full((len(rows), 0), np.nan), by_model=True)
        return told, told

    async def plan(self, *names: str) -> MaintenancePlan:
        places = [self.map.locations[SITES[name]][1] for name in names]
        return await self.planner.plan(np.concatenate([self.everything[place] for place in places]), 8, 0.0)


async def test_a_recording_of_years_ago_is_planned_with_a_live_site_as_if_it_lived_now() -> None:
    bench = Bench()
    plan, alone = await bench.plan("AAA", "BBB"), await bench.plan("AAA")
    assert min(visit.quarter for visit in plan.visits) == Quarter.of_time(START_US)
    told = {
        name: [
            (visit.quarter, visit.window_start, visit.window_end, visit.block_count, visit.cost)
            for visit in plan.visits
            if visit.location_id == name
        ]
        for name in SITES
    }
    assert told["BBB"] == told["AAA"]
    assert len(told["AAA"]) == len(alone.visits)
    own = await bench.plan("BBB")
    assert min(visit.quarter for visit in own.visits) == Quarter.of_time(START_US - YEARS_AGO_US)


async def test_its_lives_have_not_ended_because_the_others_are_years_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr("twin_server.life_planner.ages_days", lambda now: np.full(len(now.rows), 500.0))
    forecast = await bench.planner.forecast([0, 1], 5.0)
    live, played = forecast.locations
    assert played.year.expected_count == pytest.approx(live.year.expected_count)
    assert forecast.total.year.expected_count == pytest.approx(2.0 * live.year.expected_count)
