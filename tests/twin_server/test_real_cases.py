"""Real cases of a server: made as blocks are replaced, told to others, kept over a restart, and judged by."""

import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from actors.fleet import Fleet, TwinSpec
from actors.life_inputs import life_records
from actors.remaining_life import DATASHEET_POPULATION
from batterytwin.errors import ConflictError, InvalidArgumentError, UnknownModelError
from batterytwin.events import ReplacementReason
from batterytwin.life_ends import LifeOutcome
from clients.async_client import AsyncTwinClient
from clients.types import EventKind, Replacement
from ml.case_library import CaseLibrary
from ml.features import FEATURE_NAMES
from storage.postgres_shard_store import PostgresShardStore
from storage.prediction_rows import PREDICTION_DTYPE
from tests.fixtures.scripted_scorer import LosablePlace, write_model
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.scripted_lives import DAY_US, ScriptedLives
from tests.twin_server.test_life_service import until
from twin_server.fleet_evaluation import read_fleet_lives, told_model
from twin_server.principal import Principal, PrincipalKind
from twin_server.train_command import evaluate

WEAK, MOVED, ALIKE, MISSED = "AAA-U1-S01-B01", "BBB-U1-S01-B01", "AAA-U1-S01-B02", "AAA-U1-S01-B03"


@pytest.fixture(autouse=True)
def _no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripted models have no trees that another process could read."""

    async def nothing(_self: object, _archive: bytes) -> None:
        return

    monkeypatch.setattr("twin_server.model_files.ModelFiles.check", nothing)


def _model_with_cases(folder: Path) -> Path:
    write_model(folder, "m1")
    card = json.loads((folder / "card.json").read_text())
    card |= {"population": asdict(DATASHEET_POPULATION), "features": FEATURE_NAMES}
    (folder / "card.json").write_text(json.dumps(card))
    columns: dict[str, Any] = {name: np.ones(30, np.float32) for name in CaseLibrary.__slots__}
    columns |= {"places": np.zeros((30, len(FEATURE_NAMES)), np.float32), "ended": np.ones(30, np.bool_)}
    columns |= {"centre": np.zeros(len(FEATURE_NAMES), np.float32), "scale": np.ones(len(FEATURE_NAMES), np.float32)}
    (folder / "cases.npz").write_bytes(CaseLibrary(**columns).as_bytes())
    return folder


def _scripted(database_url: str, now_us: int) -> Callable[[list[list[TwinSpec]]], Fleet]:
    def make(shards: list[list[TwinSpec]]) -> Fleet:
        fleet = ScriptedLives(shards, functools.partial(PostgresShardStore, database_url), snapshot_interval_s=60.0)
        fleet.write(now_us)
        return fleet

    return make


async def _tell_months(running: RunningServer, battery_id: str, months: int) -> None:
    """What was told of a battery in the months before now: the same as of now, but older."""
    lives = running.server.lives
    (ordinal,) = lives.live.fleet_map.ordinals([battery_id])
    newest = lives.table.rows[[ordinal]].copy()
    (stored,) = await running.store.prediction_inputs(newest["battery_key"], newest["predicted_at"])
    assert stored is not None
    for month in range(months, 0, -1):
        row, inputs = newest.copy(), np.frombuffer(stored).reshape(1, -1).copy()
        row["predicted_at"] -= month * 31 * DAY_US
        row["as_of"] -= month * 31 * DAY_US
        row["soh_capacity"] = 0.9
        life_records(inputs)["as_of_us"] -= month * 31 * DAY_US
        await running.store.add_predictions(row, inputs)


async def test_replaced_blocks_become_cases_of_those_like_them(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_us = int(time.time() * 1e6)
    model = _model_with_cases(tmp_path / "m1")
    async with (
        serve(
            database_url, tmp_path, make_fleet=_scripted(database_url, now_us), scoring=LosablePlace(),
            default_model=model,
        ) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):  # fmt: skip
        lives, fleet_map = running.server.lives, running.server.live.fleet_map
        await until(lambda: lives.scoring.is_up and lives.model_version == "m1")
        weak = life_records(running.fleet.told[0])  # type: ignore[attr-defined]
        weak["told_soh_capacity"][0] = 0.78
        await lives.predictor.predict_all()
        assert (await client.get_remaining_life(ALIKE)).cases == ()
        for battery_id in (WEAK, MOVED, ALIKE):
            await _tell_months(running, battery_id, 4)

        for battery_id, reason in ((WEAK, ReplacementReason.UNSPECIFIED), (MOVED, ReplacementReason.OTHER)):
            event = await client.record_event(
                EventKind.REPLACEMENT,
                datetime.now(UTC),
                battery_id=battery_id,
                replacement=Replacement("new", reason=reason),
            )
            assert event.replacement is not None
            assert event.replacement.reason is reason
        await until(lambda: len(lives.cases) >= 8)
        with pytest.raises(InvalidArgumentError, match="no reason 7"):
            await client.record_event(
                EventKind.REPLACEMENT, datetime.now(UTC), battery_id=ALIKE, replacement=Replacement("new", reason=7)
            )

        cases = {found.case.case_id: found for found in (await client.get_remaining_life(ALIKE)).cases}
        assert set(cases) == {f"fleet/{WEAK}/1", f"fleet/{MOVED}/1"}
        ended, good = cases[f"fleet/{WEAK}/1"].case, cases[f"fleet/{MOVED}/1"].case
        assert (ended.ended, good.ended) == (True, False)
        assert "its twin told" in ended.story
        assert "another reason" in good.story
        page = await client.list_remaining_life("AAA", page_size=30)
        assert all(len(one.cases) == 2 for one in page if one.unit_seq == 1)
        warm = await client.get_remaining_life(ALIKE, warmer_k=5.0)
        assert {found.case.case_id for found in warm.cases} == set(cases), "the past is the same in any future"

        # only of locations that the caller may see
        (ordinal,) = fleet_map.ordinals([ALIKE])
        one = np.array([ordinal], np.int32)
        viewer = Principal(PrincipalKind.USER, "viewer", location_ids=frozenset({"BBB"}))
        assert [[case.case_id for case, _ in some] for some in await lives.cases.similar(one, viewer)] == [
            [f"fleet/{MOVED}/1"]
        ]
        assert await lives.cases.similar(one, Principal(PrincipalKind.USER)) == [[]]

        # once and for all
        outcomes = await running.store.life_outcomes()
        assert outcomes == {LifeOutcome.END_TOLD: 1, LifeOutcome.REPLACED: 1}
        await lives.cases.keep()
        assert await running.store.life_outcomes() == outcomes

        # an end of the drift monitor is an end of the evaluation
        realised = [pair for pair in await running.store.life_innovations(30, 365) if pair.realised]
        (weak_ordinal,) = fleet_map.ordinals([WEAK])
        assert [pair.battery_key for pair in realised] == [fleet_map.battery_keys[weak_ordinal]]
        stored = {case.moment.as_of_us: case for case in await running.store.life_cases(10, 100)}
        noted = stored[round(realised[0].older_s * 1e6)]
        assert (noted.end.until_us, noted.moment.told_days) == (
            round(realised[0].newer_s * 1e6),
            realised[0].older_days,
        )

        # judged by
        followed = await read_fleet_lives(running.store)
        assert followed.outcomes == outcomes | {LifeOutcome.SERVING: 1}, "of others there is no month that is over"
        assert followed.table.censored_share == pytest.approx(2 / 3)
        assert followed.table.ended.sum() == 4
        assert (await told_model(running.store, tmp_path / "models") / "cases.npz").exists()

        # the server ends before it has noted a block
        monkeypatch.setattr(lives.cases, "wake", lambda: None)
        await client.record_event(
            EventKind.REPLACEMENT, datetime.now(UTC), battery_id=MISSED, replacement=Replacement("new")
        )
        assert await running.store.life_outcomes() == outcomes

    async with (
        serve(
            database_url, tmp_path, make_fleet=_scripted(database_url, now_us), scoring=LosablePlace(),
            default_model=model,
        ) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):  # fmt: skip
        lives = running.server.lives
        await until(lambda: len(lives.cases) >= 8 and lives.model_version == "m1")
        assert await running.store.life_outcomes() == outcomes | {LifeOutcome.REPLACED: 2}
        assert lives.table.rows.dtype == PREDICTION_DTYPE
        again = await client.get_remaining_life(ALIKE)
        assert {found.case.case_id for found in again.cases} == {*cases, f"fleet/{MISSED}/1"}


def test_a_fleet_without_ends_is_not_judged(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate)

    def fails(*arguments: str) -> Exception:
        result = CliRunner().invoke(app, list(arguments))
        assert isinstance(result.exception, Exception)
        return result.exception

    with pytest.raises(InvalidArgumentError, match="--fleet"):
        raise fails()
    with pytest.raises(InvalidArgumentError, match="--compare"):
        raise fails("--fleet", "--compare")
    with pytest.raises(InvalidArgumentError, match="does not exist"):
        raise fails("--fleet", "--data-dir", str(tmp_path / "none"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    with pytest.raises(UnknownModelError, match="No model is active"):
        raise fails("--fleet", "--data-dir", str(tmp_path))
    default = Path(__file__).parents[2] / "ml" / "default_model"
    with pytest.raises(ConflictError, match="0 of 0 blocks"):
        raise fails(str(default), "--fleet", "--data-dir", str(tmp_path))
    assert list(tmp_path.iterdir()) == []  # it was the database named that was asked, not an embedded one
