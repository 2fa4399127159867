"""Laws of drills in the server's own process."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.twin_server import drill_laws
from tests.twin_server.drill_laws import DrillWorld, drill_world
from twin_server.drill_host import DrillPlan
from twin_server.drill_local import LocalDrillHosts
from twin_server.drill_server import DrillServer


@pytest_asyncio.fixture
async def world(database_url: str, make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[DrillWorld]:
    async with drill_world(LocalDrillHosts(), database_url, make_database, tmp_path) as made:
        yield made


async def test_a_fault_is_named_and_the_live_twins_do_not_move(world: DrillWorld) -> None:
    await drill_laws.check_a_fault_is_named_and_the_live_twins_do_not_move(world)


async def test_a_drill_is_changed_while_it_runs(world: DrillWorld) -> None:
    await drill_laws.check_a_drill_is_changed_while_it_runs(world)


async def test_drills_do_not_know_of_each_other(world: DrillWorld) -> None:
    await drill_laws.check_drills_do_not_know_of_each_other(world)


async def test_five_drills_leave_the_live_twins_as_the_same_readings_alone_make_them(world: DrillWorld) -> None:
    await drill_laws.check_five_drills_leave_the_live_twins_as_the_same_readings_alone_make_them(world)


async def test_what_cannot_be_played_is_refused(world: DrillWorld) -> None:
    await drill_laws.check_what_cannot_be_played_is_refused(world)


async def test_a_drill_may_begin_in_the_past(world: DrillWorld) -> None:
    await drill_laws.check_a_drill_may_begin_in_the_past(world)


async def test_a_start_can_be_stopped(world: DrillWorld) -> None:
    await drill_laws.check_a_start_can_be_stopped(world)


async def test_one_that_could_not_be_started_is_ended_whatever_the_error_was(
    world: DrillWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_plan: DrillPlan) -> DrillServer:
        raise ValueError("a bug")

    monkeypatch.setattr(DrillServer, "start", broken)
    host = world.hosts.make()
    with pytest.raises(ValueError, match="a bug"):
        await host.start(world.plan())
    await host.stop()
