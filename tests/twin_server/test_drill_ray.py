"""Laws of drills in processes of their own, and what becomes of a drill whose process dies or hangs."""

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from actors.ray_fleet import start_ray, stop_ray
from batterytwin.errors import UnavailableError
from tests.twin_server import drill_laws
from tests.twin_server.drill_laws import DrillWorld, drill_world, sessions, until
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


async def test_a_fault_is_named_and_the_live_twins_do_not_move(world: DrillWorld) -> None:
    await drill_laws.check_a_fault_is_named_and_the_live_twins_do_not_move(world)


async def test_what_cannot_be_played_is_refused(world: DrillWorld) -> None:
    await drill_laws.check_what_cannot_be_played_is_refused(world)


async def test_a_process_that_waits_is_taken_and_the_next_one_can_be_made_ready(world: DrillWorld) -> None:
    await world.hosts.warm()
    await world.hosts.warm()
    (waiting,) = drill_processes()
    async with world.drill(speed=1.0):
        assert [process.pid for process in drill_processes()] == [waiting.pid]
        assert waiting.nice() == psutil.Process().nice() + 10
        await world.hosts.warm()
        (spare,) = [process for process in drill_processes() if process.pid != waiting.pid]
        os.kill(spare.pid, signal.SIGKILL)
        spare.wait(10.0)
        await world.hosts.warm()
        assert len(drill_processes()) == 2


async def test_a_drill_whose_process_is_killed_says_so_and_leaves_the_other_alone(world: DrillWorld) -> None:
    plan = world.plan()
    async with world.drill(drill_id="other", names=["BBB"], speed=60.0) as other:
        others = {process.pid for process in drill_processes()}
        host = world.hosts.make()
        await host.start(plan)
        (process,) = [process for process in drill_processes() if process.pid not in others]
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10.0)
        with pytest.raises(UnavailableError, match="died"):
            await until(host, lambda _: False)
        with pytest.raises(UnavailableError):
            await host.story()
        await host.stop()
        assert not (await other.status()).failure
    assert sessions(plan.database_url) == 0


async def test_a_process_that_hangs_is_ended_within_seconds(world: DrillWorld) -> None:
    plan = world.plan()
    host = world.hosts.make()
    await host.start(plan)
    (process,) = drill_processes()
    os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    await host.stop()
    assert time.monotonic() - began < 5.0
    assert psutil.wait_procs([process], 5.0)[1] == []
