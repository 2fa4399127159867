"""Drills beside the live fleet: how soon they live and are gone, what viewers see, and what they cost live ingest."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from actors.placement import core_count
from actors.ray_fleet import start_ray, stop_ray
from batterytwin.readings import ReadingBatch
from batterytwin.telemetry import Regime
from clients.async_client import AsyncTwinClient
from simulator.scenario_course import ScenarioPart
from simulator.scenario_library import find_scenario
from storage.drill_databases import DrillDatabases
from storage.embedded import EmbeddedPostgres
from tests.bench import load
from tests.bench.run import Run, running_server
from twin_server.drill_host import DrillHost, DrillHosts, DrillPlan
from twin_server.drill_ray import RayDrillHosts

MOST_DRILLS: Final = 5
_RATE_HZ: Final = 81.0
_ACK_S: Final = 20.0
_SPEED: Final = 60.0
_FLAT_OUT: Final = 3_600.0
_SETTLE_S: Final = 3.0
_OUTAGE_H: Final = 0.05


def drills(run: Run) -> None:
    """Five drills of the whole fleet beside 1,944 readings/s."""
    with running_server(run.folder / "drills") as (server, token):
        readings = load.outage_readings(load.days_ago(0.5))
        asyncio.run(load.unary_at_rate(server.target, token, readings, _RATE_HZ, 10.0))
        start_ray(core_count())
        try:
            asyncio.run(_Drills(run, server.target, token).measure(readings))
        finally:
            stop_ray()


class _Drills:
    """One round of measurements."""

    def __init__(self, run: Run, target: str, token: str) -> None:
        self._run = run
        self._target, self._token = target, token
        self._data_dir = run.folder / "drills"
        self._url = EmbeddedPostgres(self._data_dir).start()
        self._databases = DrillDatabases(self._url)
        self._hosts: DrillHosts = RayDrillHosts()
        self._living: dict[str, DrillHost] = {}

    async def measure(self, readings: Iterator[ReadingBatch]) -> None:
        """Measures everything."""
        measured = self._run.measured

        async def ack_p99_ms() -> float:
            acks = await load.unary_at_rate(self._target, self._token, readings, _RATE_HZ, _ACK_S)
            return 1e3 * float(np.quantile(acks, 0.99))

        measured["drill_template_s"] = await _timed(asyncio.to_thread(self._databases.prepare))
        measured["drill_warm_s"] = await _timed(self._hosts.warm())
        self._run.say("one drill of the whole fleet, started and stopped ...")
        measured["drill_start_s"] = await _timed(self._start("alone", 1.0))
        measured["drill_viewers_lag_s"] = await self._viewers_lag_s("alone")
        measured["drill_stop_s"] = await _timed(self._stop("alone"))
        self._run.say("live ingest without drills ...")
        before_ms = await ack_p99_ms()
        self._run.say(f"live ingest beside {MOST_DRILLS} drills, x{_SPEED:g} ...")
        starts = []
        for number in range(MOST_DRILLS):
            await self._hosts.warm()
            starts.append(await _timed(self._start(f"d{number}", _SPEED)))
        measured["drill_start_beside_others_s"] = max(starts)
        await asyncio.sleep(_SETTLE_S)
        beside_ms = await ack_p99_ms()
        measured["drill_achieved_speed"] = statistics.mean(
            [(await host.status()).achieved_speed for host in self._living.values()]
        )
        self._run.say(f"live ingest beside {MOST_DRILLS} drills as fast as they go ...")
        for host in self._living.values():
            await host.change(None, _FLAT_OUT)
        await asyncio.sleep(_SETTLE_S)
        flat_out_ms = await ack_p99_ms()
        speeds = [(await host.status()).achieved_speed for host in self._living.values()]
        measured["drill_fastest_speed_of_five"] = sum(speeds)
        measured["drill_stop_busy_s"] = max([await _timed(self._stop(name)) for name in list(self._living)])
        await self._hosts.close()
        await asyncio.sleep(_SETTLE_S)
        alone_ms = statistics.mean([before_ms, await ack_p99_ms()])
        measured["ack_p99_ms_without_drills"] = alone_ms
        measured["ack_p99_beside_five_drills"] = beside_ms / alone_ms
        measured["ack_p99_beside_five_drills_flat_out"] = flat_out_ms / alone_ms
        if left := await asyncio.to_thread(self._databases.left_over):
            raise RuntimeError(f"databases of drills are left: {left}")

    async def _start(self, name: str, speed: float) -> None:
        url = await asyncio.to_thread(self._databases.create, name)
        plan = DrillPlan(
            drill_id=name,
            source_url=self._url,
            database_url=url,
            archive=Path(self._data_dir) / "archive",
            data_dir=Path(self._data_dir),
            names=[],
            at_us=None,
            parts=(),
            seed=1,
            speed=speed,
        )
        self._living[name] = self._hosts.make()
        await self._living[name].start(plan)

    async def _stop(self, name: str) -> None:
        ended_s = await _timed(self._living.pop(name).stop())
        dropped_s = await _timed(asyncio.to_thread(self._databases.drop, name))
        self._run.say(f"  stopped: process {ended_s:.2f} s, database {dropped_s:.2f} s")

    async def _viewers_lag_s(self, name: str) -> float:
        """From a change to when a viewer of the drill sees every battery of the site under load."""
        host = self._living[name]
        status = await host.status()
        site = status.location_ids[0]
        start_s = (status.now_us - status.begin_us) * 1e-6
        part = ScenarioPart(find_scenario("power_outage"), (site,), {"duration_h": _OUTAGE_H}, start_s)
        async with AsyncTwinClient(status.target, token=self._token) as client:
            began = time.monotonic()
            await host.change([part], None)
            while time.monotonic() - began < 60.0:
                twins = (await client.get_fleet_snapshot()).twins
                mine = [number for number, name in enumerate(twins.battery_ids) if name.startswith(f"{site}-")]
                if all(twins.regimes[number] == Regime.DISCHARGE for number in mine):
                    return time.monotonic() - began
                await asyncio.sleep(0.05)
        raise RuntimeError("no viewer saw the outage")


async def _timed(work: Awaitable[object]) -> float:
    """Seconds that it takes."""
    began = time.monotonic()
    await work
    return time.monotonic() - began
