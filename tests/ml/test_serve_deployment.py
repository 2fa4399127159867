"""Models on Ray Serve: batched, switched while they answer, found again after their process was killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio

from actors.life_inputs import N_LIFE_INPUTS, life_records
from actors.ray_runtime import start_ray, stop_ray
from batterytwin.errors import InvalidArgumentError, ScorerUnavailableError
from batterytwin.life import MEDIAN
from ml.scoring import ModelPair
from ml.serve_deployment import ServeScoring
from tests.fixtures.scripted_scorer import load_scripted, write_model

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def scoring() -> AsyncIterator[ServeScoring]:
    await asyncio.to_thread(start_ray, 2)
    place = ServeScoring(load_scripted)
    try:
        yield place
    finally:
        await place.close()
        await asyncio.to_thread(stop_ray)


def _inputs(healths: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = np.full((len(healths), N_LIFE_INPUTS), np.nan)
    known = life_records(values)
    known["as_of_us"], known["told_soh_capacity"] = 1e15, healths
    return values


def _replica() -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        if child.name().startswith("ray::ServeRepli") or "ServeReplica" in " ".join(child.cmdline()):
            return child
    raise AssertionError("no replica runs")


async def test_models_on_serve(scoring: ServeScoring, tmp_path: Path) -> None:
    with pytest.raises(ScorerUnavailableError):
        await scoring.score(_inputs([0.9]))
    folders = [str(write_model(tmp_path / name, name, factor)) for name, factor in (("m1", 1.0), ("m2", 2.0))]
    await scoring.use(ModelPair(folders[0]))
    assert psutil.Process(_replica().pid).nice() >= 10

    # answers of questions that were asked together are those of questions asked alone
    healths = [0.81 + 0.01 * n for n in range(12)]
    answers = await asyncio.gather(
        *(scoring.score(_inputs([soh, 0.95]), 10.0 * (n % 2)) for n, soh in enumerate(healths))
    )
    for n, (soh, answer) in enumerate(zip(healths, answers, strict=True)):
        alone = (soh - 0.8) * 10_000.0 / (1 + n % 2)
        assert answer.told.quantile_days[0, MEDIAN] == pytest.approx(alone)
        assert len(answer.told.quantile_days) == 2
        assert (answer.told.model_version, answer.shadow) == ("m1", None)

    # a switch loses nothing
    asked = asyncio.create_task(_ask_until_told(scoring, "m2"))
    await scoring.use(ModelPair(folders[1], folders[0]))
    assert await asked > 0
    answer = await scoring.score(_inputs([0.9]))
    assert answer.shadow is not None
    assert (answer.told.model_version, answer.shadow.model_version) == ("m2", "m1")
    broken = write_model(tmp_path / "broken", "broken")
    (broken / "card.json").write_text('{"version": "broken", "metrics": {}}')
    with pytest.raises(InvalidArgumentError, match="broken"):
        await scoring.use(ModelPair(str(broken)))
    assert (await scoring.score(_inputs([0.9]))).told.model_version == "m2", "the ones before stay"
    await scoring.use(ModelPair(folders[1]))

    # its process is killed
    os.kill(_replica().pid, signal.SIGKILL)
    assert await _told_at_last(scoring) == "m2"

    # it is started again and cannot read its model any more: it does not speak by physics in the name of that
    card = tmp_path / "m2" / "card.json"
    whole = card.read_text()
    card.write_text('{"version": "m2", "metrics": {}}')
    os.kill(_replica().pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        while True:
            with pytest.raises(ScorerUnavailableError) as away:
                await scoring.score(_inputs([0.9]))
            if "broken" in away.value.message:
                break
            await asyncio.sleep(0.2)
    card.write_text(whole)
    await scoring.use(ModelPair(folders[1]))
    assert await _told_at_last(scoring) == "m2"


async def _told_at_last(scoring: ServeScoring) -> str:
    async with asyncio.timeout(60):
        while True:
            try:
                return (await scoring.score(_inputs([0.9]))).told.model_version
            except ScorerUnavailableError:
                await asyncio.sleep(0.2)


async def _ask_until_told(scoring: ServeScoring, version: str) -> int:
    count = 0
    while (await scoring.score(_inputs([0.9]))).told.model_version != version:
        count += 1
    return count + 1


async def test_an_end_does_not_wait_for_a_serve_that_no_longer_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    place = ServeScoring(load_scripted)
    place._started = True
    monkeypatch.setattr("ml.serve_deployment.serve.shutdown_async", asyncio.Event().wait)
    monkeypatch.setattr("ml.serve_deployment._LONGEST_END_S", 0.1)
    async with asyncio.timeout(10.0):
        await place.close()
