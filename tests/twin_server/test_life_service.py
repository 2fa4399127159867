"""Remaining lives of a real server: told, listed, planned, degraded, switched."""

import asyncio
import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest

from actors.fleet import Fleet, TwinSpec
from actors.life_inputs import life_records
from batterytwin.alerts import AlertRule, Severity
from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    ModelRefusedError,
    Reason,
    UnknownBatteryError,
    UnknownModelError,
)
from batterytwin.life import Confidence, LifeFactor, LifeSource
from batterytwin.life_models import ModelState
from batterytwin.life_plan import ReplacementUrgency
from clients.async_client import AsyncTwinClient
from clients.types import CapacityTest, EventKind, LifeOrder, Replacement
from ml.model_archive import pack_model
from storage.postgres_shard_store import PostgresShardStore
from tests.fixtures.scripted_scorer import LosablePlace, write_model
from tests.fixtures.server import serve
from tests.twin_server.scripted_lives import DAY_US, ScriptedLives

BATTERY = "AAA-U1-S01-B01"


async def until(condition: Callable[[], bool]) -> None:
    """Waits for something that happens by itself."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 # it tells nobody
            await asyncio.sleep(0.02)


def _scripted(database_url: str, made: list[ScriptedLives]) -> Callable[[list[list[TwinSpec]]], Fleet]:
    def make(shards: list[list[TwinSpec]]) -> Fleet:
        fleet = ScriptedLives(shards, functools.partial(PostgresShardStore, database_url), snapshot_interval_s=60.0)
        made.append(fleet)
        fleet.write(int(time.time() * 1e6))
        return fleet

    return make


@pytest.fixture(autouse=True)
def _no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripted models have no trees that another process could read."""

    async def nothing(_self: object, _archive: bytes) -> None:
        return

    monkeypatch.setattr("twin_server.model_files.ModelFiles.check", nothing)


async def test_lives_from_the_first_prediction_to_another_model(database_url: str, tmp_path: Path) -> None:
    place = LosablePlace()
    fleets: list[ScriptedLives] = []
    default = write_model(tmp_path / "m1", "m1", 2.0)
    async with (
        serve(
            database_url,
            tmp_path,
            make_fleet=_scripted(database_url, fleets),
            scoring=place,
            default_model=default,
        ) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):
        lives, (fleet,) = running.server.lives, fleets
        await until(lambda: lives.scoring.is_up and lives.model_version == "m1")

        # told
        life = await client.get_remaining_life(BATTERY)
        assert (life.source, life.degraded, life.model_version) == (LifeSource.TWIN_AND_MODEL, False, "m1")
        assert life.twin.days_50 == pytest.approx(1_500.0, rel=1e-5)
        assert life.model_days == pytest.approx(3_000.0, rel=1e-5)
        assert life.fused.days_50 == pytest.approx(1_500.0 * 2.0**0.4, rel=1e-5)
        assert life.confidence == Confidence.MEDIUM
        assert life.confidence_share == pytest.approx(0.7)
        assert life.disagrees
        assert life.disagreement == pytest.approx(1_500 / 2_250, rel=1e-5)
        assert sum(factor.share for factor in life.factors) == pytest.approx(1.0)
        assert [factor.factor for factor in life.factors][-1] == LifeFactor.OTHER
        assert len(life.factors) == 4
        assert life.advice.urgency in {ReplacementUrgency.PLANNED, ReplacementUrgency.LATER}
        assert life.soh_capacity == pytest.approx(0.95)

        # told again within the hour, and what would be is not kept
        asked = fleet.asked
        assert await client.get_remaining_life(BATTERY) == life
        assert fleet.asked == asked
        hot = await client.get_remaining_life(BATTERY, warmer_k=10.0)
        assert hot.fused.days_50 == pytest.approx(life.fused.days_50 / 2, rel=1e-5)
        assert await client.get_remaining_life(BATTERY) == life
        for wrong in (31.0, float("nan")):
            with pytest.raises(InvalidArgumentError, match="warmer_k"):
                await client.get_remaining_life(BATTERY, warmer_k=wrong)
        with pytest.raises(UnknownBatteryError):
            await client.get_remaining_life("none")

        # the whole fleet
        weak = life_records(fleet.told[0])
        weak["told_soh_capacity"][:3] = 0.78, 0.84, 0.86
        await lives.predictor.predict_all()
        everything = await client.get_fleet_life()
        assert len(everything.lives) == 96
        assert (everything.degraded_reason, everything.model_version) == ("", "m1")
        np.testing.assert_array_less(everything.lives.days_05, everything.lives.days_95)
        assert everything.lives.upper_known.all()
        page = await client.list_remaining_life("AAA", order=LifeOrder.MEDIAN, page_size=2)
        assert (len(page), page.total_count) == (2, 48)
        assert page.lives[0].advice.urgency == ReplacementUrgency.NOW
        rest = await client.list_remaining_life(
            "AAA", order=LifeOrder.MEDIAN, page_size=2, page_token=page.next_page_token
        )
        assert rest.lives[0].fused.days_50 >= page.lives[1].fused.days_50
        short = await client.list_remaining_life(max_days=900.0)
        assert {one.battery_id for one in short} == {f"AAA-U1-S01-B0{n}" for n in (1, 2, 3)}
        urgent = await client.list_remaining_life("AAA", "AAA-U1-S01", urgencies=[ReplacementUrgency.NOW])
        assert [one.battery_id for one in urgent] == [BATTERY]

        # little life left is an alert like any other
        for days in (0.6, 1.2):
            row = lives.table.rows[[0]].copy()
            for name in ("predicted_at", "as_of"):
                row[name] -= round(days * DAY_US)
            await running.store.add_predictions(row)
        for _ in range(2):
            await lives.alerts.review()
        (alert,) = await client.list_alerts(battery_id=BATTERY)
        assert (alert.rule, alert.severity) == (AlertRule.LIFE_SHORT, Severity.CRITICAL)
        assert "fewer than 90: replace it now" in alert.message
        await client.acknowledge_alert(alert.alert_id, "ordered")

        # plans
        plan = await client.get_maintenance_plan(quarter_count=2)
        assert plan.visits[0].location_id == "AAA"
        assert BATTERY in plan.visits[0].strings[0].urgent_battery_ids
        forecast = await client.get_replacement_forecast(cooler_k=10.0)
        assert forecast.total.battery_count == 96
        assert forecast.cooling.cooler_median_days == pytest.approx(2 * forecast.cooling.median_days, rel=1e-5)
        assert forecast.total.year.lower_count <= forecast.total.year.expected_count + 1
        assert [one.location_id for one in forecast.locations] == ["AAA", "BBB"]
        with pytest.raises(InvalidArgumentError, match="quarter_count"):
            await client.get_maintenance_plan(quarter_count=13)
        with pytest.raises(InvalidArgumentError, match="risk"):
            await client.get_maintenance_plan(risk=0.9)

        # something happens to a battery
        key = running.server.live.fleet_map.battery_keys[0]
        before = int(lives.table.rows["predicted_at"][0])
        await client.record_event(EventKind.IMPEDANCE_TEST, datetime.now(UTC), battery_id=BATTERY)
        await until(lambda: int(lives.table.rows["predicted_at"][0]) > before)

        # another model
        archives = {
            "m2": pack_model(write_model(tmp_path / "m2", "m2", 1.0)),
            "bad": pack_model(write_model(tmp_path / "bad", "bad", failed=["coverage"])),
            "old": pack_model(write_model(tmp_path / "old", "old", layout="life-inputs-0")),
            "none": pack_model(write_model(tmp_path / "none", "none", gates=())),
        }
        for version, archive in archives.items():
            model = await client.import_model(archive)
            assert (model.version, model.state) == (version, ModelState.CANDIDATE)
            assert await client.import_model(archive) == model
        for version, reason, told in (
            ("bad", Reason.MODEL_GATE_FAILED, r"coverage: 0\.5, limit 0\.8 or more"),
            ("old", Reason.MODEL_LAYOUT_MISMATCH, "life-inputs-0"),
            ("none", Reason.MODEL_GATE_FAILED, "nobody has measured gate accuracy, coverage"),
            ("m2", Reason.MODEL_NOT_APPROVED, "approved"),
        ):
            with pytest.raises(ModelRefusedError, match=told) as refused:
                await client.activate_model(version)
            assert refused.value.reason == reason
        with pytest.raises(ModelRefusedError):
            await client.approve_model("bad")
        with pytest.raises(UnknownModelError):
            await client.get_model("nobody's")
        with pytest.raises(InvalidArgumentError, match="archive"):
            await client.import_model(b"not an archive")
        (tmp_path / "m2" / "card.json").write_text((tmp_path / "m2" / "card.json").read_text().replace("100.0", "9.0"))
        with pytest.raises(ConflictError, match="m2"):
            await client.import_model(pack_model(tmp_path / "m2"))

        shadow = await client.shadow_model("m2")
        assert shadow is not None
        assert shadow.state == ModelState.SHADOW
        await lives.predictor.predict_all()
        assert (await client.get_remaining_life(BATTERY)).model_version == "m1"
        compared = (await client.get_model("m2")).comparison
        assert compared is not None
        assert compared.pair_count >= 96
        assert compared.median_log_ratio == pytest.approx(-0.4 * np.log(2.0), rel=1e-4)

        assert (await client.approve_model("m2", "looked at it")).approved_by == "admin"
        assert (await client.activate_model("m2")).state == ModelState.ACTIVE
        assert lives.model_version == "m2"
        await until(lambda: lives.registry.versions[int(lives.table.rows["model_key"][0])] == "m2")
        assert (await client.get_remaining_life(BATTERY)).model_version == "m2"
        await client.activate_model("m1", "back")  # approved already
        states = {model.version: model.state for model in await client.list_models()}
        assert (states["m1"], states["m2"]) == (ModelState.ACTIVE, ModelState.RETIRED)

        # the scorer is lost: cached, or physics alone; and found again
        await until(lambda: lives.registry.versions[int(lives.table.rows["model_key"][0])] == "m1")
        place.away = True
        await lives.predictor.predict_all()
        life = await client.get_remaining_life(BATTERY)
        assert (life.source, life.degraded, life.model_version) == (LifeSource.CACHED, True, "m1")
        status = await client.get_status()
        assert status.life_degraded_reason
        assert status.ready
        started = datetime.now(UTC)
        await client.record_event(
            EventKind.REPLACEMENT, started, battery_id="BBB-U1-S01-B01", replacement=Replacement(new_serial="new")
        )
        fresh = await client.get_remaining_life("BBB-U1-S01-B01")
        assert (fresh.source, fresh.unit_seq, fresh.model_days) == (LifeSource.TWIN_ONLY, 2, None)
        place.away = False
        lives.scoring.want(lives.scoring.pair)
        slot = lives.live.fleet_map.ordinals(["BBB-U1-S01-B01"])
        await until(lambda: int(lives.table.rows["source"][slot][0]) == LifeSource.TWIN_AND_MODEL)
        assert (await client.get_remaining_life("BBB-U1-S01-B01")).source == LifeSource.TWIN_AND_MODEL

        # the past
        past = await client.get_life_history(BATTERY)
        assert len(past) >= 4
        assert [one.predict_time for one in past] == sorted(one.predict_time for one in past)
        assert {one.model_version for one in past} >= {"m1", "m2"}
        few = await client.get_life_history(BATTERY, max_points=2)
        assert few[-1] == past[-1]
        with psycopg.connect(database_url) as connection:
            actions = {row[0] for row in connection.execute("SELECT action FROM audit_entry").fetchall()}
            assert actions >= {"model.import", "model.approve", "model.activate", "model.shadow"}
        assert key > 0

        # what was told of a block ends with it
        assert running.server.active_alert_count == 1
        await client.record_event(
            EventKind.REPLACEMENT, datetime.now(UTC), battery_id=BATTERY, replacement=Replacement(new_serial="new")
        )
        await until(lambda: running.server.active_alert_count == 0)


async def test_a_battery_that_was_never_read_has_no_life(database_url: str, tmp_path: Path) -> None:
    fleets: list[ScriptedLives] = []
    async with (
        serve(database_url, tmp_path, make_fleet=_scripted(database_url, fleets)) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):
        assert "no model" in (await client.get_status()).life_degraded_reason
        fleets[0].write(0)
        with pytest.raises(ConflictError) as refused:
            await client.get_remaining_life(BATTERY)
        assert refused.value.reason == Reason.LIFE_UNKNOWN
        assert len((await client.get_fleet_life()).lives) == 0
        plan = await client.get_maintenance_plan("BBB")
        assert (plan.visits, len(plan.unknown_battery_ids)) == ((), 48)
        fleets[0].write(int(time.time() * 1e6))
        test = CapacityTest(100.0, 12.0, 25.0, 10.5)
        begun = datetime.now(UTC) - timedelta(hours=9)
        await client.record_event(EventKind.CAPACITY_TEST, begun, battery_id=BATTERY, capacity_test=test)
        await until(lambda: int(running.server.lives.table.rows["as_of"][0]) > 0)
