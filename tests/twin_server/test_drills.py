"""A drill from its start to nothing: real twins, real alerts, a real database."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batterytwin.errors import UnavailableError
from batterytwin.scenarios import DrillState
from clients.async_client import AsyncTwinClient
from clients.types import AlertRule, ScenarioPart
from storage.drill_databases import DrillDatabases
from tests.fixtures.server import serve
from tests.twin_server.drill_laws import BLOCK, FAST, STRING, feed, float_frames
from twin_server.drill_local import LocalDrillHost, LocalDrillHosts
from twin_server.live_drill import DrillPlace


async def test_a_drill_lives_is_seen_and_handled_and_leaves_nothing_but_its_report(
    database_url: str, tmp_path: Path
) -> None:
    databases = DrillDatabases(database_url)
    place = DrillPlace(LocalDrillHosts(), databases, database_url, tmp_path / "archive", tmp_path)
    async with (
        serve(database_url, tmp_path, drills=place) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):
        await feed(running, float_frames())
        before, alerts_before = await running.fleet.state_hashes(), await client.list_alerts()
        part = ScenarioPart("shorted_cell", targets=(BLOCK,), start_s=300.0)
        drill = await client.start_scenario([part], names=[STRING], speed=FAST, seed=1)
        assert (drill.state, drill.location_ids, drill.battery_count) == (DrillState.RUNNING, ("AAA",), 24)
        assert databases.left_over() == [drill.drill_id]

        inside = client.in_drill(drill.drill_id)
        alert_id = await _alert_of(inside.watch_alerts(), AlertRule.SHORTED_CELL)
        assert (await inside.acknowledge_alert(alert_id, "seen", deadline_s=60.0)).acknowledged_by == "admin"
        assert list((await inside.get_fleet_snapshot(deadline_s=60.0)).twins.battery_ids[:1]) == [f"{STRING}-B01"]
        begun, seen = drill.begin_time, (await inside.get_twin(BLOCK, deadline_s=60.0)).as_of
        assert begun is not None
        assert seen is not None
        assert seen > begun
        assert (await client.update_scenario(drill.drill_id, speed=1.0, revision=1)).revision == 2

        stopped = await client.stop_scenario(drill.drill_id)
        assert (stopped.state, stopped.stopped_by) == (DrillState.STOPPED, "admin")
        assert stopped.reading_count > 0
        report = await client.get_scenario(drill.drill_id, deadline_s=60.0)
        kept = next(alert for alert in report.alerts if alert.alert_id == alert_id)
        assert (kept.battery_id, kept.acknowledged_by, kept.acknowledge_note) == (BLOCK, "admin", "seen")
        assert any(BLOCK in line for line in report.extremes)
        assert [change.words.split()[0] for change in report.changes] == ["started", "pace", "stopped"]
        assert databases.left_over() == []
        assert await running.fleet.state_hashes() == before
        assert await client.list_alerts() == alerts_before
    with psycopg.connect(database_url) as connection:
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s"
        assert connection.execute(sessions, (f"%{drill.drill_id}",)).fetchone() == (0,)


async def test_one_whose_process_dies_leaves_its_alerts_in_its_report(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = DrillDatabases(database_url)
    place = DrillPlace(LocalDrillHosts(), databases, database_url, tmp_path / "archive", tmp_path)

    async def dead(_host: LocalDrillHost) -> Any:
        raise UnavailableError("The process of this drill has died.")

    async with (
        serve(database_url, tmp_path, drills=place) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):
        await feed(running, float_frames())
        part = ScenarioPart("shorted_cell", targets=(BLOCK,), start_s=300.0)
        drill = await client.start_scenario([part], names=[STRING], speed=FAST, seed=1)
        inside = client.in_drill(drill.drill_id)
        alert_id = await _alert_of(inside.watch_alerts(), AlertRule.SHORTED_CELL)
        await inside.acknowledge_alert(alert_id, "seen", deadline_s=60.0)
        for method in ("status", "story"):
            monkeypatch.setattr(LocalDrillHost, method, dead)
        async with asyncio.timeout(60):
            report = await client.get_scenario(drill.drill_id)
            while report.drill.is_active:
                report = await client.get_scenario(drill.drill_id)
                await asyncio.sleep(0.1)
        assert (report.drill.state, report.drill.reason) == (DrillState.FAILED, "The process of this drill has died.")
        kept = next(alert for alert in report.alerts if alert.alert_id == alert_id)
        assert (kept.battery_id, kept.acknowledged_by, kept.acknowledge_note) == (BLOCK, "admin", "seen")
        assert databases.left_over() == []


async def _alert_of(watched: Any, rule: AlertRule) -> str:
    async with asyncio.timeout(120), aclosing(watched) as events:
        async for event in events:
            if event.alert.rule == rule:
                return str(event.alert.alert_id)
    raise AssertionError("the watch has ended")
