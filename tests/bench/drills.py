"""Drills beside the live fleet: how soon they live and are gone, what viewers see, and what they cost live ingest."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Iterator
from typing import Final, TypeVar

import numpy as np

from batterytwin.readings import ReadingBatch
from batterytwin.telemetry import Regime
from clients.async_client import AsyncTwinClient
from clients.scenarios import Drill, ScenarioPart
from storage.drill_databases import DrillDatabases
from storage.embedded import EmbeddedPostgres
from tests.bench import load
from tests.bench.run import Run
from tests.bench.server_process import running_server
from tests.bench.settled import settle

_Answer = TypeVar("_Answer")

MOST_DRILLS: Final = 5
_RATE_HZ: Final = 81.0
_ACK_S: Final = 20.0
_SPEED: Final = 60.0
_FLAT_OUT: Final = 3_600.0
_SETTLE_S: Final = 3.0
_WARM_S: Final = 8.0
"""For the server to prepare the next process, which nobody is told of."""
_OUTAGE_H: Final = 0.05
_NOT_YET: Final = ScenarioPart("power_outage", start_s=30.0 * 86_400.0)
"""A drill needs a scenario; this one leaves it alone for a month."""


def drills(run: Run) -> None:
    """Five drills of the whole fleet beside 1,944 readings/s."""
    with running_server(run.folder / "drills") as (server, token):
        settle(server, token)
        readings = load.outage_readings(load.days_ago(0.5))
        asyncio.run(load.unary_at_rate(server.target, token, readings, _RATE_HZ, 10.0))
        asyncio.run(_measure(run, server.target, token, readings))


async def _measure(run: Run, target: str, token: str, readings: Iterator[ReadingBatch]) -> None:
    measured = run.measured

    async def ack_p99_ms() -> float:
        acks_ms = 1e3 * await load.unary_at_rate(target, token, readings, _RATE_HZ, _ACK_S)
        p50, p99, worst = np.quantile(acks_ms, (0.5, 0.99, 1.0)).tolist()
        run.say(f"  acknowledged after {p50:.1f} ms in the middle, p99 {p99:.0f}, worst {worst:.0f}")
        return float(p99)

    async with AsyncTwinClient(target, token=token) as client:
        await client.list_library()  # as a trainer's page does: the server prepares a process
        await asyncio.sleep(2.0 * _WARM_S)
        run.say("one drill of the whole fleet, started and stopped ...")
        drill, measured["drill_start_s"] = await _timed(client.start_scenario([_NOT_YET]))
        measured["drill_viewers_lag_s"] = await _viewers_lag_s(client, drill)
        _, measured["drill_stop_s"] = await _timed(client.stop_scenario(drill.drill_id))
        run.say("live ingest without drills ...")
        before_ms = await ack_p99_ms()
        run.say(f"live ingest beside {MOST_DRILLS} drills, x{_SPEED:g} ...")
        started = []
        for _ in range(MOST_DRILLS):
            await asyncio.sleep(_WARM_S)
            started.append(await _timed(client.start_scenario([_NOT_YET], speed=_SPEED)))
        measured["drill_start_beside_others_s"] = max(took_s for _, took_s in started)
        names = [drill.drill_id for drill, _ in started]
        await asyncio.sleep(_SETTLE_S)
        beside_ms = await ack_p99_ms()
        measured["drill_achieved_speed"] = statistics.mean(await _speeds(client))
        run.say(f"live ingest beside {MOST_DRILLS} drills as fast as they go ...")
        for name in names:
            await client.update_scenario(name, speed=_FLAT_OUT)
        await asyncio.sleep(_SETTLE_S)
        flat_out_ms = await ack_p99_ms()
        measured["drill_speed_of_five_flat_out"] = sum(await _speeds(client))
        measured["drill_stop_busy_s"] = max([(await _timed(client.stop_scenario(name)))[1] for name in names])
        await asyncio.sleep(_SETTLE_S)
        alone_ms = statistics.mean([before_ms, await ack_p99_ms()])
    measured["ack_p99_ms_without_drills"] = alone_ms
    measured["ack_p99_beside_five_drills"] = beside_ms / alone_ms
    measured["ack_p99_beside_five_drills_flat_out"] = flat_out_ms / alone_ms
    databases = DrillDatabases(EmbeddedPostgres(run.folder / "drills").start())
    if left := await asyncio.to_thread(databases.left_over):
        raise RuntimeError(f"databases of drills are left: {left}")


async def _speeds(client: AsyncTwinClient) -> list[float]:
    return [drill.achieved_speed for drill in await client.list_scenarios(only_active=True)]


async def _viewers_lag_s(client: AsyncTwinClient, drill: Drill) -> float:
    """From a change to when a viewer of the drill sees every battery of the site under load."""
    now = (await client.get_scenario(drill.drill_id)).drill
    assert now.now_time is not None
    assert now.begin_time is not None
    site = now.location_ids[0]
    start_s = (now.now_time - now.begin_time).total_seconds()
    inside = client.in_drill(drill.drill_id)
    began = time.monotonic()
    await client.update_scenario(
        drill.drill_id, [ScenarioPart("power_outage", "", (site,), {"duration_h": _OUTAGE_H}, start_s)]
    )
    while time.monotonic() - began < 60.0:
        twins = (await inside.get_fleet_snapshot()).twins
        mine = [number for number, name in enumerate(twins.battery_ids) if name.startswith(f"{site}-")]
        if all(twins.regimes[number] == Regime.DISCHARGE for number in mine):
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise RuntimeError("no viewer saw the outage")


async def _timed(work: Awaitable[_Answer]) -> tuple[_Answer, float]:
    """An answer, and the seconds that it took."""
    began = time.monotonic()
    answer = await work
    return answer, time.monotonic() - began
