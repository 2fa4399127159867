"""Predictions of many batteries: a part at a time, and nobody who asks about one waits for all."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS
from batterytwin.errors import UnavailableError
from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import Rows
from ml.scoring import LocalScoring, ModelPair, PairScores
from tests.fixtures.scripted_scorer import ScriptedScorer
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
    """Knows of each twin another health; `meanwhile` happens while it tells."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        assert shard == 0
        assert twins is not None
        values = np.full((len(twins), N_LIFE_INPUTS), np.nan)
        write_plain_life(values, START_US, service_days=1_000, soh=0.99 - 0.001 * twins)
        self.meanwhile()
        return values


class Models:
    """`m1` is told, and the registry knows `m2` too."""

    def model_keys(self) -> tuple[int, int]:
        return 1, 0

    def key_of(self, version: str) -> int:
        return {"": 0, "m1": 1, "m2": 2}[version]


class Bench:
    """A predictor; by physics alone until the scorer is told to use a model."""

    def __init__(self) -> None:
        self.live_bench = LiveBench()
        live = self.live_bench.live
        self.map = live.fleet_map
        self.store, self.table, self.place = Store(), LifeTable(live, 0.1), LocalScoring(ScriptedScorer)
        self.everything = np.arange(len(live.fleet_map), dtype=np.int32)
        self.scoring, self.shard = LifeScoring(self.place), Shard()
        self.predictor = LifePredictor(self.shard, live, self.table, self.scoring, self.store, Models(), 3_600.0)
        self.predictor._loaded = True

    def replace(self, ordinal: int) -> None:
        """Another block comes into a slot."""
        key = int(self.map.battery_keys[ordinal])
        self.map.take_units({key: BatteryUnit(int(self.map.unit_seqs[ordinal]) + 1, "new", START_US)})


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


async def test_an_answer_is_that_of_the_model_that_gave_it() -> None:
    bench = Bench()
    for version, key in (("m1", 1), ("m2", 2)):
        await bench.scoring.use(ModelPair(version))  # a switch is not written down yet, or never will be
        await bench.predictor.predict(bench.everything)
        assert set(bench.table.rows["model_key"].tolist()) == {key}
        assert set((await bench.predictor.what_if(bench.everything, 5.0)).rows["model_key"].tolist()) == {key}
    await bench.place.close()


async def test_a_block_that_comes_meanwhile_does_not_get_the_life_of_the_one_before() -> None:
    bench = Bench()
    bench.shard.meanwhile = lambda: bench.replace(5)
    await bench.predictor.predict(bench.everything)
    assert 5 not in bench.table.known(bench.everything)
    assert len(bench.table.known(bench.everything)) == 95
    await bench.place.close()


async def test_what_has_happened_is_told_when_a_shard_is_back() -> None:
    bench = Bench()
    await bench.predictor.predict(bench.everything)

    def away() -> None:
        raise UnavailableError("The shard is away.", retry_after_s=1.0)

    for ask in (bench.predictor.look, lambda: bench.predictor.fresh(3), bench.predictor.predict_all):
        bench.predictor.touch(bench.map.battery_keys[[3]].tolist())
        bench.shard.meanwhile = away
        with pytest.raises(UnavailableError):
            await ask()
        bench.shard.meanwhile = lambda: None
        bench.store.sizes.clear()
        bench.live_bench.pass_s(60)
        await bench.predictor.look()
        await bench.predictor.look()
        assert bench.store.sizes == [1]
    await bench.place.close()


async def test_a_new_block_is_predicted_when_it_is_first_read() -> None:
    bench = Bench()
    await bench.predictor.predict(bench.everything)
    bench.replace(5)
    await bench.predictor.look()
    assert 5 not in bench.table.known(bench.everything), "it was never read"
    bench.live_bench.pass_s(60)
    bench.live_bench.sample(bench.map.battery_ids[5])
    await bench.predictor.look()
    assert 5 in bench.table.known(bench.everything)
    await bench.place.close()


@pytest.mark.parametrize("lost_after", [1, 2, 3, 4])
async def test_what_cooling_brings_is_told_by_one_model(lost_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_server.life_predictor._MOST_AT_ONCE", 48)
    bench, asked = Bench(), 0
    await bench.scoring.use(ModelPair("m1"))
    ask = bench.place.score

    async def score(inputs: NDArray[np.float64], warmer_k: float = 0.0) -> PairScores:
        nonlocal asked
        asked += 1
        if asked > lost_after:
            raise UnavailableError("The scorer is away.", retry_after_s=1.0)
        return await ask(inputs, warmer_k)

    monkeypatch.setattr(bench.place, "score", score)
    now, cooler = await bench.predictor.compare(bench.everything, -5.0)
    assert (now.rows["model_key"] == cooler.rows["model_key"]).all()
    assert (cooler.rows["days_50"] > now.rows["days_50"]).all()
    await bench.place.close()
