"""Drills in processes of their own: the laws of all drills, and what becomes of one whose process dies or hangs."""

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from actors.ray_runtime import start_ray, stop_ray
from batterytwin.errors import NotFoundError, UnavailableError
from tests.twin_server import drill_laws
from tests.twin_server.drill_laws import DrillWorld, drill_world, no_sessions, until
from twin_server.drill_ray import RayDrillHosts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    start_ray(2)
    yield
    stop_ray()


@pytest_asyncio.fixture
async def world(database_url: str, make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DrillWorld]:
    hosts = RayDrillHosts()
    async with drill_world(hosts, database_url, make_database, tmp_path) as made:
        yield made
    await hosts.close()
    assert psutil.wait_procs(drill_processes(), 10.0)[1] == []


def drill_processes() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "_DrillActor" in process.name():
                found.append(process)
        except psutil.Error:
            continue
    return found


async def test_a_process_that_waits_is_taken_and_a_fault_is_named(world: DrillWorld) -> None:
    await world.hosts.warm()
    await world.hosts.warm()
    (waiting,) = drill_processes()
    assert waiting.nice() >= psutil.Process().nice() + 10
    await drill_laws.check_a_fault_is_named_and_the_live_twins_do_not_move(world)
    assert psutil.wait_procs([waiting], 5.0)[1] == []


async def test_a_process_that_dies_or_hangs_is_told_and_ended(world: DrillWorld) -> None:
    plan = world.plan()
    await world.hosts.warm()
    host = world.hosts.make()
    with pytest.raises(NotFoundError):
        await host.start(world.plan(names=["CCC"]))
    (refused,) = drill_processes()
    os.kill(refused.pid, signal.SIGSTOP)
    began = time.monotonic()
    await host.stop()
    assert psutil.wait_procs([refused], 5.0)[1] == []
    assert time.monotonic() - began < 5.0, "it hung"

    async with world.drill(drill_id="other", names=["BBB"], speed=60.0) as other:
        (others,) = drill_processes()
        await world.hosts.warm()
        (victim,) = [process for process in drill_processes() if process.pid != others.pid]
        host = world.hosts.make()
        await host.start(plan)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(10.0)
        with pytest.raises(UnavailableError, match="died"):
            await until(host, lambda _: False)
        with pytest.raises(UnavailableError):
            await host.story()
        await host.stop()
        assert not (await other.status()).failure
    await no_sessions(plan.database_url)
