"""What a drill begins with: the alerts that stand, what is known of strings, and the blocks that are there now."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest_asyncio

from batterytwin.alerts import AlertRule, AlertState
from batterytwin.diagnosis import FaultClass
from batterytwin.events import EventKind, Replacement
from clients.async_client import AsyncTwinClient
from clients.types import Alert
from tests.twin_server.calls import now_ns
from tests.twin_server.drill_laws import BLOCK, STRING, DrillWorld, drill_world, float_frame, play, until
from tests.twin_server.test_event_service import ago
from twin_server.drill_local import LocalDrillHosts

OTHER_BLOCK = f"{STRING}-B01"


@pytest_asyncio.fixture
async def world(database_url: str, make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DrillWorld]:
    async with drill_world(LocalDrillHosts(), database_url, make_database, tmp_path, until_s=420.0) as made:
        yield made


async def short_a_cell(world: DrillWorld) -> None:
    """Lets a live battery lose a cell, and the operator see it."""
    async with world.client(world.live.target) as client:
        for number in range(6):
            frame = float_frame(STRING, now_ns(60.0 * number - 360.0))
            voltage_v = frame.readings.voltage_v
            assert voltage_v is not None
            lost = voltage_v + 0.095
            lost[int(BLOCK[-2:]) - 1] -= 2.2
            readings = replace(frame.readings, voltage_v=lost)
            await client.ingest(replace(frame, readings=readings), deadline_s=30.0)
            await world.live.server.strings.turn()
        (alert,) = await shorted(client)
        await client.acknowledge_alert(alert.alert_id, "known")


async def shorted(client: AsyncTwinClient) -> list[Alert]:
    return [alert for alert in await client.list_alerts() if alert.rule == AlertRule.SHORTED_CELL]


async def test_what_stands_goes_on_to_stand_and_is_not_told_as_news(world: DrillWorld) -> None:
    await short_a_cell(world)
    async with world.client(world.live.target) as client:
        (live,) = await shorted(client)
        await client.record_event(
            EventKind.REPLACEMENT, ago(minutes=1), battery_id=OTHER_BLOCK, replacement=Replacement("NEW-1")
        )
    part = play("shorted_cell", BLOCK, 0.0)
    async with world.drill(part, duration_h=0.25) as host:
        status = await until(host, lambda status: status.is_over)
        assert status.active_alert_count >= 1
        async with world.client(status.target) as client:
            (alert,) = await shorted(client)
            assert alert == replace(live, state=AlertState.ACKNOWLEDGED)
            assert FaultClass.SHORTED_CELL in {one.fault for one in (await client.get_string(STRING)).diagnoses}
            twin = await client.get_twin(OTHER_BLOCK)
            assert (twin.serial, twin.unit_seq) == ("NEW-1", 2)
            assert twin.age_s is not None
        assert [one for one in (await host.story()).alerts if one.rule == AlertRule.SHORTED_CELL] == []


async def test_where_nothing_is_heard_any_more_it_is_said(world: DrillWorld) -> None:
    part = play("gateway_dropout", "AAA", 60.0, share=1.0)
    async with world.drill(part, duration_h=0.5, names=["AAA"]) as host:
        await until(host, lambda status: status.is_over)
        silent = [alert for alert in (await host.story()).alerts if alert.rule == AlertRule.NO_DATA]
        assert {alert.location_id for alert in silent} == {"AAA"}
