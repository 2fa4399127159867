"""Laws of the fleet in one process, over a store in memory and over PostgreSQL."""

import asyncio
import functools
import threading

import pytest
import pytest_asyncio

from actors.local_fleet import LocalFleet
from batterytwin.errors import StoreUnavailableError, UnknownBatteryError
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.postgres_shard_store import PostgresShardStore
from tests.actors import fleet_bench
from tests.actors.fleet_bench import NEVER_S, FleetBench, feed, reference_hashes
from tests.actors.lost_answers import LostAnswerStore
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames, small_specs

BLOCKS = 48


def memory_bench(database: MemoryDatabase | None = None) -> FleetBench:
    store = functools.partial(MemoryShardStore, database or MemoryDatabase())
    return FleetBench(small_specs(BLOCKS), lambda shards: LocalFleet(shards, store, NEVER_S))


@pytest_asyncio.fixture
async def postgres_bench(database_url: str) -> FleetBench:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, BLOCKS)
    return FleetBench(specs, lambda shards: LocalFleet(shards, store, NEVER_S))


async def test_any_grain_makes_the_same_twins() -> None:
    await fleet_bench.check_grains(memory_bench(), [1, None, 24, 48, 6], frames_each=25)


async def test_any_grain_makes_the_same_twins_on_postgres(postgres_bench: FleetBench) -> None:
    await fleet_bench.check_grains(postgres_bench, [6, 48, 24], frames_each=25)


async def test_twice_is_once() -> None:
    await fleet_bench.check_twice_is_once(memory_bench(), 24)


async def test_twice_is_once_on_postgres(postgres_bench: FleetBench) -> None:
    await fleet_bench.check_twice_is_once(postgres_bench, 24)


async def test_twins_are_taken_over_with_their_state() -> None:
    await fleet_bench.check_take_over(memory_bench(), 24, 48)


async def test_twins_are_taken_over_with_their_state_on_postgres(postgres_bench: FleetBench) -> None:
    await fleet_bench.check_take_over(postgres_bench, 24, 8)


async def test_the_present_is_told_on_start() -> None:
    await fleet_bench.check_present(memory_bench(), 24)


async def test_a_shard_may_join_later() -> None:
    await fleet_bench.check_added_shard(memory_bench())


async def test_alerts_are_stored_once_whatever_happens(postgres_bench: FleetBench) -> None:
    frames = postgres_bench.frames(60)
    database = MemoryDatabase()
    undisturbed = await memory_bench(database).started(None)
    await feed(undisturbed, frames)
    told: list[str] = []

    for start in range(0, 60, 20):  # a new fleet every twenty frames, each frame sent twice
        fleet = await postgres_bench.started(24)

        async def send(shard, rows, receive_time_us, fleet=fleet):  # type: ignore[no-untyped-def] # as Fleet.apply
            result = await fleet.apply(shard, rows, receive_time_us)
            told.extend(f"{alert.alert_id} {alert.change.name}" for alert in result.alerts)
            return await fleet.apply(shard, rows, receive_time_us)

        await feed(fleet, frames[start : start + 20], send)
        await fleet.stop()
    assert sorted(told) == sorted(f"{a.alert_id} {a.change.name}" for a in database.alert_changes)
    assert told
    await undisturbed.stop()


async def test_the_event_loop_goes_on_while_a_shard_waits_for_its_database() -> None:
    released = threading.Event()

    class SlowStore(MemoryShardStore):
        def commit(self, commit):  # type: ignore[no-untyped-def] # as ShardStore.commit
            released.wait(10.0)
            super().commit(commit)

    fleet = LocalFleet([small_specs(24)], lambda: SlowStore(MemoryDatabase()), NEVER_S)
    await fleet.start()
    work = asyncio.ensure_future(feed(fleet, memory_bench().frames(1)))
    await asyncio.sleep(0)
    assert await fleet.ready() == [True]
    assert not work.done()
    released.set()
    await work
    await fleet.stop()


async def test_a_start_that_fails_leaves_no_thread() -> None:
    database = MemoryDatabase()
    database.available = False
    before = threading.active_count()
    fleet = memory_bench(database).make([small_specs(24)])
    with pytest.raises(StoreUnavailableError):
        await fleet.start()
    await fleet.stop()
    assert threading.active_count() <= before + 1, "the loop's own helper thread may stay"


async def test_twins_that_nobody_registered_are_refused(database_url: str) -> None:
    fleet = LocalFleet([small_specs(24)], functools.partial(PostgresShardStore, database_url), NEVER_S)
    with pytest.raises(UnknownBatteryError):
        await fleet.start()
    await fleet.stop()


async def test_a_fleet_stops_without_its_database() -> None:
    database = MemoryDatabase()
    fleet = await memory_bench(database).started(24)
    await feed(fleet, memory_bench().frames(5))
    database.available = False
    await fleet.stop()
    database.available = True
    again = await memory_bench(database).started(24)
    assert await again.state_hashes() == await reference_hashes(small_specs(BLOCKS), memory_bench().frames(5))
    await again.stop()


async def test_a_fleet_stops_without_its_database_while_a_commit_is_in_doubt(caplog: pytest.LogCaptureFixture) -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    specs, frames = small_specs(24), eventful_frames(24, 20)
    fleet = LocalFleet([specs], lambda: store, NEVER_S)
    await fleet.start()
    await feed(fleet, [*frames[:5], *frames[6:]])
    store.lose_answer = True
    with pytest.raises(StoreUnavailableError):
        await fleet.apply(0, frames[5], START_US)
    database.available = False
    await fleet.stop()
    assert "ends without a snapshot" in caplog.text
    database.available = True
    again = LocalFleet([specs], lambda: MemoryShardStore(database), NEVER_S)
    await again.start()
    assert await again.state_hashes() == await reference_hashes(specs, frames)
    await again.stop()
