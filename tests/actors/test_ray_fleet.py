"""Laws of the fleet on Ray, over PostgreSQL, and what a killed process must not lose."""

import asyncio
import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio

from actors.fleet import ShardResult
from actors.life_inputs import life_records
from actors.placement import place_twins
from actors.ray_fleet import RayFleet
from actors.ray_folder import make_ray_folder, remove_ray_folder
from actors.ray_runtime import start_ray, stop_ray
from batterytwin.errors import ConflictError, ShardUnavailableError, UnknownBatteryError
from batterytwin.telemetry import Outcome, Rows
from storage.postgres_shard_store import PostgresShardStore
from tests.actors import fleet_bench
from tests.actors.fleet_bench import NEVER_S, FleetBench, feed, give_evidence, reference_hashes
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, small_specs
from tests.bench.server_process import is_shard, is_spare, tree_of

pytestmark = pytest.mark.slow

BLOCKS = 48


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    start_ray(2)
    yield
    stop_ray()


@pytest_asyncio.fixture
async def bench(database_url: str) -> FleetBench:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, BLOCKS)
    return FleetBench(specs, lambda shards: RayFleet(shards, store, NEVER_S))


def shard_processes() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if is_shard(process)]


def spare_processes() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if is_spare(process)]


async def spare_beside(*others: int) -> psutil.Process:
    """Waits for a spare that is none of some processes."""
    while True:
        for spare in spare_processes():
            if spare.pid not in others:
                return spare
        await asyncio.sleep(0.1)


async def test_any_grain_makes_the_same_twins(bench: FleetBench) -> None:
    await fleet_bench.check_grains(bench, [48, 24], frames_each=25)


async def test_one_actor_a_battery_makes_the_same_twins(database_url: str) -> None:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, 3)
    bench = FleetBench(specs, lambda shards: RayFleet(shards, store, NEVER_S))
    await fleet_bench.check_grains(bench, [1], frames_each=25)


async def test_twins_are_taken_over_with_their_state(bench: FleetBench) -> None:
    await fleet_bench.check_take_over(bench, 48, 48)


async def test_a_shard_may_join_later(bench: FleetBench) -> None:
    await fleet_bench.check_added_shard(bench)


async def test_a_shard_that_cannot_join_leaves_the_fleet_as_it_was(bench: FleetBench) -> None:
    fleet = bench.make([bench.specs[:24]])
    await fleet.start()
    with pytest.raises(UnknownBatteryError):
        await fleet.add_shard([replace(spec, battery_key=spec.battery_key + 1_000) for spec in bench.specs[24:]])
    assert await fleet.ready() == [True]
    await fleet.add_shard(bench.specs[24:])
    await feed(fleet, bench.frames(5))
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, bench.frames(5))
    assert len(shard_processes()) == 2
    await fleet.stop()


async def test_a_shard_whose_start_is_cut_off_may_join_again(bench: FleetBench, database_url: str) -> None:
    fleet = bench.make([bench.specs[:24]])
    await fleet.start()
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as onlooker,
        await psycopg.AsyncConnection.connect(database_url) as holder,
    ):
        await holder.execute("LOCK TABLE twin_snapshot IN ACCESS EXCLUSIVE MODE")
        joining = asyncio.create_task(fleet.add_shard(bench.specs[24:]))
        await sessions_waiting_for_a_lock(onlooker, 1)
        joining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await joining
    assert await fleet.ready() == [True]
    await fleet.add_shard(bench.specs[24:])
    await feed(fleet, bench.frames(5))
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, bench.frames(5))
    assert len(shard_processes()) == 2
    await fleet.stop()


async def test_after_a_shard_has_joined_another_process_is_kept_ready(database_url: str) -> None:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, BLOCKS)
    fleet = RayFleet([specs[:24]], store, NEVER_S, spare_after_s=0.1)
    await fleet.start()
    async with asyncio.timeout(60.0):
        spare = await spare_beside()
        await fleet.add_shard(specs[24:])
        assert spare.pid in {process.pid for process in shard_processes()}
        assert (await spare_beside(spare.pid)).is_running()
    await fleet.stop()


async def test_evidence_survives_restarts_and_other_grains(bench: FleetBench) -> None:
    await fleet_bench.check_inputs_in_the_log(bench, [24, 48])


async def test_a_shard_killed_after_it_took_evidence_comes_back_with_it(bench: FleetBench) -> None:
    fleet = await bench.started(24)
    await feed(fleet, bench.frames(5))
    await give_evidence(fleet, bench.specs, "test")
    before = await fleet.state_hashes()
    lives = await fleet.life_inputs(1)
    for process in shard_processes():
        os.kill(process.pid, signal.SIGKILL)
    for shard in (0, 1):
        await fleet.wait_restored(shard)
    assert await fleet.state_hashes() == before
    assert (await fleet.life_inputs(1)).tobytes() == lives.tobytes()
    assert (life_records(lives)["observed_s"] > 0.0).all()
    assert set(await give_evidence(fleet, bench.specs, "test")) == {Outcome.DUPLICATE}
    await fleet.stop()


async def test_a_shard_killed_under_load_comes_back_with_everything(bench: FleetBench) -> None:
    fleet = await bench.started(24)
    frames = bench.frames(120)
    acknowledged: list[int] = []
    kill_at = [600, 3_000]
    deaths = 0

    async def send_until_acknowledged(shard: int, rows: Rows, receive_time_us: int) -> ShardResult:
        nonlocal deaths
        while True:
            try:
                result = await fleet.apply(shard, rows, receive_time_us)
            except ShardUnavailableError:
                deaths += 1
                await fleet.wait_restored(shard)
                continue
            acknowledged.extend(result.outcome.tolist())
            if kill_at and len(acknowledged) >= kill_at[0]:
                kill_at.pop(0)
                os.kill(shard_processes()[0].pid, signal.SIGKILL)
            return result

    await feed(fleet, frames, send_until_acknowledged)
    assert deaths >= 1
    for shard in (0, 1):  # one that has died behind its last row is noticed by nobody here
        await fleet.wait_restored(shard)
    assert len(acknowledged) == len(frames) * BLOCKS
    assert set(acknowledged) <= {Outcome.APPLIED, Outcome.SUSPECT, Outcome.DUPLICATE}
    # A busy machine may take its time; the test's own limit ends it.
    while await fleet.ready() != [True, True]:  # noqa: ASYNC110 - seen from outside alone
        await asyncio.sleep(0.1)
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, frames)
    await fleet.stop()
    restored = await bench.started(48)
    assert await restored.state_hashes() == await reference_hashes(bench.specs, frames)
    await restored.stop()


async def test_a_dead_shard_is_told_and_the_others_go_on(bench: FleetBench) -> None:
    fleet = await bench.started(24)
    (frame,) = bench.frames(1)
    os.kill(shard_processes()[0].pid, signal.SIGKILL)
    answers = await asyncio.gather(
        *(fleet.apply(shard, frame[:24], START_US) for shard in (0, 1)), return_exceptions=True
    )
    dead = [shard for shard, answer in enumerate(answers) if isinstance(answer, ShardUnavailableError)]
    assert len(dead) == 1, answers
    assert len(await fleet.wait_restored(dead[0])) == 24
    assert (await fleet.apply(dead[0], frame[:24], START_US)).outcome.max() <= Outcome.DUPLICATE
    assert await fleet.ready() == [True, True]
    await fleet.stop()


async def test_sigterm_for_every_process_of_ray_leaves_the_shards_at_work(bench: FleetBench) -> None:
    fleet = await bench.started(24)
    (frame,) = bench.frames(1)
    roots = [child for child in psutil.Process().children() if child.name() in {"gcs_server", "raylet"}]
    processes = [process for root in roots for process in tree_of(root.pid)]
    assert len(roots) == 2
    assert len(processes) >= 4
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for shard in (0, 1):
        assert (await fleet.apply(shard, frame[:24], START_US)).outcome.max() <= Outcome.SUSPECT
    assert [process for process in processes if not process.is_running()] == []
    await fleet.stop()


async def test_a_shard_that_dies_goes_on_in_the_process_kept_ready_for_it(database_url: str) -> None:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, BLOCKS)
    bench = FleetBench(specs, lambda shards: RayFleet(shards, store, NEVER_S, spare_after_s=0.1))
    fleet = await bench.started(24)
    await feed(fleet, bench.frames(5))
    before = await fleet.state_hashes()
    killed = 0
    for _ in range(2):
        spare = await spare_beside(killed)
        killed = shard_processes()[0].pid
        os.kill(killed, signal.SIGKILL)
        for shard in (0, 1):
            await fleet.wait_restored(shard)
        assert spare.pid in {process.pid for process in shard_processes()}
        assert await fleet.state_hashes() == before
        assert await fleet.ready() == [True, True]
    spare = await spare_beside(killed)
    os.kill(spare.pid, signal.SIGKILL)
    assert (await spare_beside(killed, spare.pid)).is_running()
    assert await fleet.ready() == [True, True]
    await fleet.stop()
    assert psutil.wait_procs(shard_processes() + spare_processes(), 10.0)[1] == []


async def sessions_waiting_for_a_lock(connection: psycopg.AsyncConnection, count: int) -> None:
    """Waits until so many sessions of this database wait."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60.0):
        while True:
            if len(await (await connection.execute(waiting)).fetchall()) >= count:
                return
            await asyncio.sleep(0.05)


async def test_a_fleet_that_is_being_restored_can_be_stopped(bench: FleetBench, database_url: str) -> None:
    fleet = bench.make(place_twins(bench.specs, 24))
    async with (
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as onlooker,
        await psycopg.AsyncConnection.connect(database_url) as holder,
    ):
        await holder.execute("LOCK TABLE twin_snapshot IN ACCESS EXCLUSIVE MODE")
        starting = asyncio.create_task(fleet.start())
        await sessions_waiting_for_a_lock(onlooker, 2)
        starting.cancel()
        async with asyncio.timeout(20.0):
            await fleet.stop()
        assert psutil.wait_procs(shard_processes(), 10.0)[1] == []


async def test_twins_that_nobody_registered_are_refused(database_url: str) -> None:
    fleet = RayFleet([small_specs(24)], functools.partial(PostgresShardStore, database_url), NEVER_S)
    with pytest.raises(UnknownBatteryError):
        await fleet.start()
    assert psutil.wait_procs(shard_processes(), 10.0)[1] == []


async def test_more_actors_than_memory_are_refused_before_any_starts(
    bench: FleetBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.placement.available_memory_bytes", lambda: 2**30)
    fleet = bench.make(place_twins(bench.specs, 1))
    with pytest.raises(ConflictError, match="48 actors for 48 twins need"):
        await fleet.start()
    assert await fleet.ready() == []


def test_nothing_of_ray_outlives_a_killed_owner_and_the_next_start() -> None:
    script = textwrap.dedent("""
        import json, time, psutil
        from actors.ray_runtime import start_ray
        start_ray(1)
        print(json.dumps([p.pid for p in psutil.Process().children(recursive=True)]), flush=True)
        time.sleep(600)
    """)
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    assert owner.stdout is not None
    started = [psutil.Process(pid) for pid in json.loads(owner.stdout.readline())]
    assert len(started) > 3
    owner.kill()
    owner.wait()
    owner.stdout.close()
    next_folder = make_ray_folder()
    assert psutil.wait_procs(started, timeout=30.0)[1] == []
    remove_ray_folder(next_folder)
