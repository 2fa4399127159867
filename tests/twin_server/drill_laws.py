"""Laws of drills, whatever process they live in."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psycopg
import pytest

from batterytwin.alerts import AlertRule
from batterytwin.errors import InvalidArgumentError, NotFoundError, UnavailableError
from batterytwin.events import EventKind
from batterytwin.readings import ReadingBatch, StringReadingColumns
from batterytwin.telemetry import StringMode
from batterytwin.v1 import history_service_pb2
from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from clients.async_client import AsyncTwinClient
from simulator.scenario_course import ScenarioPart
from simulator.scenario_library import find_scenario
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns
from twin_server.drill_host import DrillHost, DrillHosts, DrillPlan, DrillStatus

STRING, OTHER = "AAA-U1-S01", "BBB-U1-S01"
BLOCK = f"{STRING}-B08"
STRINGS = ("AAA-U1-S01", "AAA-U1-S02", "BBB-U1-S01", "BBB-U1-S02")
FAST = 3_600.0
FRAMES = 6

_SESSIONS = "SELECT FROM pg_stat_activity WHERE datname = %s"


@dataclass
class DrillWorld:
    """A live server that has been fed, and what drills need.

    Attributes:
        live: the server.
        data_dir: its data directory.
        hosts: makes drills.
        make_database: makes an empty database for a drill.
        fed: what the server was given, in order.
    """

    live: RunningServer
    data_dir: Path
    hosts: DrillHosts
    make_database: Callable[[], str]
    fed: list[ReadingBatch]

    def plan(self, *parts: ScenarioPart, **chosen: Any) -> DrillPlan:
        """A drill of one string as fast as it goes, unless something else is chosen."""
        usual = DrillPlan(
            drill_id="drill",
            source_url=self.live.database_url,
            database_url=self.make_database(),
            archive=self.data_dir / "archive",
            data_dir=self.data_dir,
            names=[STRING],
            at_us=None,
            parts=parts,
            seed=1,
            speed=FAST,
        )
        return replace(usual, **chosen)

    @asynccontextmanager
    async def drill(self, *parts: ScenarioPart, **chosen: Any) -> AsyncIterator[DrillHost]:
        """A drill that lives until the block ends."""
        host = self.hosts.make()
        try:
            await host.start(self.plan(*parts, **chosen))
            yield host
        finally:
            await host.stop()

    def client(self, target: str) -> AsyncTwinClient:
        """The admin's client of a server."""
        return AsyncTwinClient(target, self.live.admin_token)


@asynccontextmanager
async def drill_world(
    hosts: DrillHosts, database_url: str, make_database: Callable[[], str], data_dir: Path, *, until_s: float = 60.0
) -> AsyncIterator[DrillWorld]:
    """The small fleet, live, after some minutes on float, the last reading `until_s` ago."""
    async with serve(database_url, data_dir) as live:
        frames = float_frames(until_s)
        await feed(live, frames)
        yield DrillWorld(live, data_dir, hosts, make_database, frames)


def float_frames(until_s: float = 60.0) -> list[ReadingBatch]:
    """Some minutes of the small fleet on float, the last reading `until_s` ago."""
    times_ns = [now_ns(60.0 * (number + 1 - FRAMES) - until_s) for number in range(FRAMES)]
    return [float_frame(string_id, time_ns) for time_ns in times_ns for string_id in STRINGS]


async def feed(live: RunningServer, frames: Sequence[ReadingBatch]) -> None:
    """Gives frames to a server, and lets it look at its strings after each round."""
    async with AsyncTwinClient(live.target, live.admin_token) as client:
        for number, frame in enumerate(frames, start=1):
            await client.ingest(frame, deadline_s=30.0)
            if number % len(STRINGS) == 0:
                await live.server.strings.turn()
    await live.server.strings.save()


def float_frame(string_id: str, time_ns: int) -> ReadingBatch:
    """A string on float."""
    noise = np.random.default_rng(time_ns % 2**32).standard_normal(24)
    voltage_v = np.round(13.62 + 0.004 * noise, 3)
    readings = columns(blocks(string_id), time_ns, voltage_v.tolist(), math.nan)
    times, current = np.array([time_ns], np.int64), np.array([0.02], np.float32)
    total, modes = np.array([voltage_v.sum()], np.float32), np.array([StringMode.FLOAT], np.int32)
    return ReadingBatch(readings, StringReadingColumns([string_id], times, total, current, modes))


def play(name: str, target: str, start_s: float = 300.0, **parameters: float) -> ScenarioPart:
    """A scenario of the library."""
    return ScenarioPart(find_scenario(name), (target,), parameters, start_s)


async def until(host: DrillHost, condition: Callable[[DrillStatus], bool | Awaitable[bool]]) -> DrillStatus:
    """Waits until something holds of a drill."""
    async with asyncio.timeout(60):
        while True:
            status = await host.status()
            assert not status.failure, status.failure
            found = condition(status)
            if found if isinstance(found, bool) else await found:
                return status
            await asyncio.sleep(0.05)


async def no_sessions(database_url: str) -> None:
    """Waits until nobody is connected to the database of a drill; those of a process that was killed end by then."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, dbname="postgres", autocommit=True) as connection:
        async with asyncio.timeout(10):
            while connection.execute(_SESSIONS, (name,)).fetchone() is not None:  # noqa: ASYNC110 # seen from outside
                await asyncio.sleep(0.05)


async def check_a_fault_is_named_and_the_live_twins_do_not_move(world: DrillWorld) -> None:
    before = await world.live.fleet.state_hashes()
    plan = world.plan(play("shorted_cell", BLOCK), duration_h=1.0)
    host = world.hosts.make()
    begun = await host.start(plan)
    assert (begun.location_ids, begun.battery_count, begun.speed) == (("AAA",), 24, FAST)
    async with world.client(begun.target) as client:

        async def is_named(_: DrillStatus) -> bool:
            return any(alert.rule == AlertRule.SHORTED_CELL for alert in await client.list_alerts())

        await until(host, is_named)
        (alert,) = [one for one in await client.list_alerts() if one.rule == AlertRule.SHORTED_CELL]
        assert alert.battery_id == BLOCK
        await client.acknowledge_alert(alert.alert_id, "seen")
        assert (await client.get_twin(BLOCK)).battery_id == BLOCK
        with pytest.raises(NotFoundError):
            await client.get_twin(blocks(OTHER)[0])
        over = await until(host, lambda status: status.is_over)
    assert over.now_us == begun.begin_us + 3_600_000_000
    assert over.reading_count == 24 * 60
    story = await host.story()
    (told,) = [one for one in story.alerts if one.rule == AlertRule.SHORTED_CELL]
    assert (told.acknowledged_by, told.acknowledge_note) == ("admin", "seen")
    assert told.acknowledge_time_us is not None
    assert begun.begin_us < told.raise_time_us <= told.acknowledge_time_us <= over.now_us
    assert story.alert_count == len(story.alerts)
    assert any(BLOCK in line and line.startswith("Lowest block voltage: 1") for line in story.extremes)
    await host.stop()
    await host.stop()
    await no_sessions(plan.database_url)
    with pytest.raises(UnavailableError):
        await host.status()
    assert await world.live.fleet.state_hashes() == before
    async with world.client(world.live.target) as client:
        assert [one for one in await client.list_alerts() if one.rule == AlertRule.SHORTED_CELL] == []


async def check_a_drill_is_changed_while_it_runs(world: DrillWorld) -> None:
    async with world.drill(speed=1.0, names=[]) as host:
        calm = await host.status()
        assert (calm.location_ids, calm.battery_count, calm.speed) == (("AAA", "BBB"), 96, 1.0)
        with pytest.raises(InvalidArgumentError):
            await host.change([play("power_outage", "CCC")], None)
        with pytest.raises(InvalidArgumentError):
            await host.change(None, 3_601.0)
        changed = await host.change([play("power_outage", "AAA", 0.0, duration_h=0.05)], 60.0)
        assert changed.speed == 60.0
        await until(host, lambda status: status.now_us > calm.begin_us + 240_000_000)
        async with grpc.aio.insecure_channel(calm.target) as channel:
            message = history_service_pb2.ListEventsRequest()
            answer = await HistoryServiceStub(channel).ListEvents(message, metadata=world.live.admin)
        (outage,) = [event for event in answer.events if int(event.kind) == EventKind.OUTAGE]
        assert outage.location_id == "AAA"
        assert outage.HasField("end_time")
        assert any("Largest discharge current" in line for line in (await host.story()).extremes)


async def check_drills_do_not_know_of_each_other(world: DrillWorld) -> None:
    async with (
        world.drill(play("hvac_failure", "AAA"), drill_id="one") as one,
        world.drill(drill_id="two", names=["BBB"], speed=60.0) as two,
    ):
        await until(one, lambda status: status.reading_count > 24 * 10)
        await until(two, lambda status: status.reading_count > 0)
        targets = {(await host.status()).target for host in (one, two)}
        assert len(targets) == 2
        await one.stop()
        here = (await two.status()).reading_count
        await until(two, lambda status: status.reading_count > here)


async def check_five_drills_leave_the_live_twins_as_the_same_readings_alone_make_them(world: DrillWorld) -> None:
    more = [float_frame(string_id, now_ns(offset_s)) for offset_s in (-30.0, 0.0) for string_id in STRINGS]
    async with AsyncExitStack() as living:
        hosts = [
            await living.enter_async_context(world.drill(play("shorted_cell", BLOCK), drill_id=f"d{number}"))
            for number in range(5)
        ]
        await feed(world.live, more)
        for host in hosts:
            await until(host, lambda status: status.reading_count > 24 * 10)
        beside = await world.live.fleet.state_hashes()
    async with serve(world.make_database(), world.data_dir / "undisturbed") as undisturbed:
        await feed(undisturbed, [*world.fed, *more])
        assert await undisturbed.fleet.state_hashes() == beside
    assert await world.live.fleet.state_hashes() == beside


async def check_what_cannot_be_played_is_refused(world: DrillWorld) -> None:
    for plan, expected in (
        (world.plan(names=["CCC"]), NotFoundError),
        (world.plan(play("power_outage", STRING)), InvalidArgumentError),
        (world.plan(speed=0.5), InvalidArgumentError),
        (world.plan(at_us=1_000_000), InvalidArgumentError),
    ):
        host = world.hosts.make()
        with pytest.raises(expected):
            await host.start(plan)
        await host.stop()
        await no_sessions(plan.database_url)


async def check_a_drill_may_begin_in_the_past(world: DrillWorld) -> None:
    at_us = now_ns(-150.0) // 1_000
    async with world.drill(at_us=at_us, duration_h=0.05) as host:
        over = await until(host, lambda status: status.is_over)
        assert at_us - 60_000_000 <= over.begin_us <= at_us
        assert over.reading_count == 24 * 3


async def check_a_start_can_be_stopped(world: DrillWorld) -> None:
    plan = world.plan()
    host = world.hosts.make()
    starting = asyncio.ensure_future(host.start(plan))
    await asyncio.sleep(0.05)
    await host.stop()
    with pytest.raises(UnavailableError):
        await starting
    await no_sessions(plan.database_url)
