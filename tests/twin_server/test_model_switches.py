"""Which model speaks, whatever happens while it is switched."""

import asyncio
import itertools
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.life_inputs import LIFE_INPUTS_LAYOUT
from batterytwin.errors import StoreUnavailableError, UnavailableError
from batterytwin.life_models import ModelState
from ml.scoring import ModelPair, PairScores
from storage.life_model_table import LifeModelRecord
from storage.prediction_rows import SHADOW, TOLD
from tests.fixtures.scripted_scorer import ScriptedScorer
from twin_server.life_scoring import LifeScoring
from twin_server.model_registry import REQUIRED_GATES, ModelRegistry

CARD = (
    '{"version": "%s", "layout": "x", "metrics": {}, "gates": ['
    + ", ".join(f'{{"name": "{name}", "value": 1, "limit": "", "passed": true}}' for name in REQUIRED_GATES)
    + "]}"
)
PACES = (("b", 0), ("b", 7), ("c", 0), ("c", 7))


class Store:
    """Models a, b, c and the log of switches; is away while `away` says so, and takes `takes` turns of the loop."""

    def __init__(self, names: Sequence[str] = "abc") -> None:
        self.names = names
        self.switches: list[tuple[int, int | None, str]] = []
        self.away = False
        self.takes: dict[str, int] = {}

    def _newest(self, role: int) -> int | None:
        return next((key for role_of, key, _ in reversed(self.switches) if role_of == role), None)

    async def life_models(self) -> list[LifeModelRecord]:
        return [found for name in self.names if (found := await self.life_model(name)) is not None]

    async def life_model(self, version: str) -> LifeModelRecord | None:
        if version not in self.names:
            return None
        key = 1 + self.names.index(version)
        state = ModelState.CANDIDATE
        if key == self._newest(SHADOW):
            state = ModelState.SHADOW
        if key == self._newest(TOLD):
            state = ModelState.ACTIVE
        return LifeModelRecord(
            key, version, state, LIFE_INPUTS_LAYOUT, None, CARD % version, "", 0, 1, "ann", 1, "ann", "", None, ""
        )  # fmt: skip

    async def switch_life_model(self, role: int, model_key: int | None, *told: Any) -> bool:
        request_id = told[3]
        for _ in range(self.takes.get(self.names[(model_key or 1) - 1], 1)):
            await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailableError("The database is away.", retry_after_s=1.0)
        if self._newest(role) == model_key or any(heard == request_id for _, _, heard in self.switches):
            return False
        self.switches.append((role, model_key, request_id))
        return True


class Files:
    """The folder of a model is its name."""

    async def folder_of(self, version: str) -> Path:
        await asyncio.sleep(0)
        return Path(version)


class Place:
    """Takes `takes` turns of the loop for a switch, and does not switch while `away` says so."""

    def __init__(self) -> None:
        self.pair = ModelPair()
        self.takes = 1
        self.away = False

    async def use(self, pair: ModelPair) -> None:
        for _ in range(self.takes):
            await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("The scorer is away.", retry_after_s=1.0)
        self.pair = pair

    async def score(self, inputs: NDArray[np.float64], warmer_k: float = 0.0) -> PairScores:
        return PairScores(ScriptedScorer(self.pair.told).score(inputs, warmer_k=warmer_k))

    async def close(self) -> None:
        return


class Bench:
    """A registry whose scorer is watched, with a told model."""

    def __init__(self) -> None:
        self.store, self.place = Store(), Place()
        self.scoring = LifeScoring(self.place)
        store: Any = self.store
        files: Any = Files()
        self.registry = ModelRegistry(store, files, self.scoring, None)

    async def activate(self, version: str, request_id: str = "") -> str:
        model, _ = await self.registry.activate(version, "ann", "", request_id or str(uuid.uuid4()), None)
        return model.version

    def told(self) -> str:
        assert self.registry.told is not None
        return self.registry.told.version

    async def settle(self) -> None:
        """What is wanted is used, as the scorer's own watch does it."""
        watch = asyncio.create_task(self.scoring.run())
        for _ in range(20):
            await asyncio.sleep(0)
        watch.cancel()

    async def agrees(self) -> bool:
        """The one that speaks is the one that is written down."""
        await self.settle()
        newest = [key for role, key, _ in self.store.switches if role == TOLD][-1]
        return self.place.pair.told == self.told() == "abc"[(newest or 0) - 1]


async def test_a_switch_that_is_not_written_down_changes_nothing() -> None:
    bench = Bench()
    await bench.activate("a")
    bench.store.away = True
    with pytest.raises(StoreUnavailableError):
        await bench.activate("b")
    with pytest.raises(StoreUnavailableError):
        await bench.registry.set_shadow("c", "ann", str(uuid.uuid4()), None)
    assert await bench.agrees()
    assert (bench.told(), bench.place.pair.shadow) == ("a", "")


async def test_a_request_that_comes_again_does_not_take_a_later_switch_back() -> None:
    bench, request_id = Bench(), str(uuid.uuid4())
    await bench.activate("a", request_id)
    await bench.activate("b")
    await bench.activate("a", request_id)
    assert await bench.agrees()
    assert bench.told() == "b"


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(PACES, 2)))
async def test_of_two_switches_at_once_one_comes_after_the_other(
    first: tuple[str, int], second: tuple[str, int]
) -> None:
    bench = Bench()
    await bench.activate("a")
    bench.store.takes = dict([first, second])
    await asyncio.gather(bench.activate(first[0]), bench.activate(second[0]))
    assert await bench.agrees()


@pytest.mark.parametrize("takes", [0, 1, 2, 3, 5])
async def test_a_shadow_that_comes_while_another_model_is_activated_stays(takes: int) -> None:
    bench = Bench()
    await bench.activate("a")
    bench.place.takes = takes
    shadowing = bench.registry.set_shadow("c", "ann", str(uuid.uuid4()), None)
    await asyncio.gather(bench.activate("b"), shadowing)
    assert await bench.agrees()
    assert bench.place.pair == ModelPair("b", "c")


async def test_a_scorer_that_is_still_starting_does_not_take_a_switch_back() -> None:
    bench = Bench()
    await bench.activate("a")
    bench.scoring.reason, bench.place.takes = "it was lost", 6
    watch = asyncio.create_task(bench.scoring.run())
    for _ in range(3):
        await asyncio.sleep(0)
    bench.place.takes = 1
    await bench.activate("b")
    for _ in range(20):
        await asyncio.sleep(0)
    watch.cancel()
    assert (bench.place.pair.told, bench.scoring.pair.told) == ("b", "b")


async def test_what_is_wanted_while_another_pair_is_loaded_is_not_forgotten() -> None:
    bench = Bench()
    bench.place.takes = 4
    bench.scoring.want(ModelPair("a"))
    watch = asyncio.create_task(bench.scoring.run())
    for _ in range(3):
        await asyncio.sleep(0)
    bench.scoring.want(ModelPair("b"))
    for _ in range(20):
        await asyncio.sleep(0)
    watch.cancel()
    assert bench.place.pair.told == "b"


async def test_a_place_that_switches_after_it_was_given_up_is_told_again() -> None:
    bench = Bench()
    await bench.activate("a")

    async def late(pair: ModelPair) -> None:
        bench.place.pair = pair
        raise UnavailableError("No answer in time.", retry_after_s=1.0)

    usual, bench.place.use = bench.place.use, late  # type: ignore[method-assign] # for one call
    with pytest.raises(UnavailableError):
        await bench.activate("b")
    bench.place.use = usual  # type: ignore[method-assign]
    assert await bench.agrees()
    assert bench.told() == "a"
