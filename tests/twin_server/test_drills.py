"""A drill from its start to nothing: real twins, real alerts, a real database."""

import asyncio
from pathlib import Path

import numpy as np
import psycopg

from batterytwin.scenarios import DrillState
from clients.async_client import AsyncTwinClient
from clients.types import AlertState, ReadingBatch, ScenarioPart
from storage.drill_databases import DrillDatabases
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import columns, now_ns
from twin_server.drill_local import LocalDrillHosts
from twin_server.live_drill import DrillPlace

BLOCK = "AAA-U1-S01-B05"


async def test_a_drill_lives_is_seen_handled_and_leaves_nothing_but_its_report(
    database_url: str, tmp_path: Path
) -> None:
    databases = DrillDatabases(database_url)
    place = DrillPlace(LocalDrillHosts(), databases, database_url, tmp_path / "archive", tmp_path)
    async with (
        serve(database_url, tmp_path, drills=place) as running,
        AsyncTwinClient(running.target, running.admin_token) as client,
    ):
        await _feed(running, client)
        before = await client.get_fleet_snapshot()
        part = ScenarioPart("open_cell", targets=(BLOCK,))
        drill = await client.start_scenario([part], speed=600.0, seed=3)
        assert (drill.state, drill.location_ids, drill.battery_count) == (DrillState.RUNNING, ("AAA",), 48)
        assert databases.left_over() == [drill.drill_id]

        inside = client.in_drill(drill.drill_id)
        async with asyncio.timeout(60):
            async for event in inside.watch_alerts():
                if event.alert.battery_id == BLOCK:
                    break
        seen = await inside.acknowledge_alert(event.alert.alert_id, "it was the drill")
        assert seen.acknowledged_by == "admin"
        assert len((await inside.get_fleet_snapshot()).twins.battery_ids) == 48
        assert (await client.list_alerts(battery_id=BLOCK)).alerts == ()

        faster = await client.update_scenario(drill.drill_id, speed=1_200.0, revision=1)
        assert (faster.speed, faster.revision) == (1_200.0, 2)
        stopped = await client.stop_scenario(drill.drill_id)
        assert (stopped.state, stopped.stopped_by) == (DrillState.STOPPED, "admin")
        assert stopped.reading_count > 0
        report = await client.get_scenario(drill.drill_id)
        kept = next(alert for alert in report.alerts if alert.alert_id == event.alert.alert_id)
        assert (kept.acknowledged_by, kept.acknowledge_note) == ("admin", "it was the drill")
        assert kept.state in {AlertState.ACKNOWLEDGED, AlertState.CLEARED}
        assert report.extremes
        assert databases.left_over() == []
        after = await client.get_fleet_snapshot()
        np.testing.assert_array_equal(after.twins.soc, before.twins.soc)
        assert list((await client.list_alerts()).alerts) == []
    with psycopg.connect(database_url) as connection:
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s"
        assert connection.execute(sessions, (f"%{drill.drill_id}",)).fetchone() == (0,)


async def _feed(running: RunningServer, client: AsyncTwinClient) -> None:
    ours = [battery.battery_id for location in running.inventory.locations for battery in location.batteries()]
    await client.ingest(ReadingBatch(columns(ours, now_ns(-5), 13.62, 0.05)))
