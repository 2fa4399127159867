"""Predictions of many batteries: a part at a time, and nobody who asks about one waits for all."""

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS
from batterytwin.telemetry import Rows
from ml.scoring import LocalScoring
from tests.twin_server.live_bench import START_US, LiveBench
from tests.twin_server.scripted_lives import write_plain_life
from twin_server.life_predictor import LifePredictor
from twin_server.life_scoring import LifeScoring
from twin_server.life_table import LifeTable


class Store:
    """Notes how many predictions come together; lets others go on before it takes them."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def add_predictions(self, rows: Rows, inputs: NDArray[np.float64] | None = None) -> None:
        assert inputs is not None
        assert len(inputs) == len(rows)
        await asyncio.sleep(0)
        self.sizes.append(len(rows))

    async def newest_predictions(self) -> Rows:
        raise NotImplementedError


class Shard:
    """Knows of each twin another health."""

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        assert shard == 0
        assert twins is not None
        values = np.full((len(twins), N_LIFE_INPUTS), np.nan)
        write_plain_life(values, START_US, service_days=1_000, soh=0.99 - 0.001 * twins)
        return values


class Bench:
    """A predictor by physics alone."""

    def __init__(self) -> None:
        live = LiveBench().live
        self.store, self.table, self.place = Store(), LifeTable(live, 0.1), LocalScoring()
        self.everything = np.arange(len(live.fleet_map), dtype=np.int32)
        scoring = LifeScoring(self.place)
        self.predictor = LifePredictor(Shard(), live, self.table, scoring, self.store, lambda: (0, 0), 3_600.0)


async def test_a_part_at_a_time_tells_what_all_at_once_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = Bench(), Bench()
    assert not await whole.predictor.predict(whole.everything), "no model has spoken"
    monkeypatch.setattr("twin_server.life_predictor._MOST_AT_ONCE", 40)
    await parts.predictor.predict(parts.everything)
    assert (whole.store.sizes, parts.store.sizes) == ([96], [40, 40, 16])
    assert whole.table.rows.tobytes() == parts.table.rows.tobytes()
    assert len(np.unique(whole.table.rows["soh_capacity"])) == 96
    warmer = await parts.predictor.what_if(parts.everything, 5.0)
    assert (warmer.rows["days_50"] < parts.table.rows["days_50"]).all()
    assert (warmer.rows["battery_key"] == parts.table.rows["battery_key"]).all()
    for bench in (whole, parts):
        await bench.place.close()


async def test_who_asks_about_one_battery_does_not_wait_for_the_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_server.life_predictor._MOST_AT_ONCE", 4)
    bench = Bench()
    fleet = asyncio.create_task(bench.predictor.predict(bench.everything))
    await asyncio.sleep(0)
    told = await bench.predictor.fresh(95)
    assert told["as_of"][0] == START_US
    assert not fleet.done()
    await fleet
    assert len(bench.table.known(bench.everything)) == 96
    await bench.place.close()
