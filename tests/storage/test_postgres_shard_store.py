"""What only a real database can do to a shard: die, hang, be shared, be handed over in the middle of a commit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.errors import LeaseLostError, StoreUnavailableError, UnknownBatteryError
from storage.leases import move_lease
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.postgres_shard_store import PostgresShardStore
from storage.shard_store import ShardCommit
from tests.storage.shard_stores import KEYS, T0_US, PostgresBackend, rows_of, sorted_rows

_HOUR_US = 3_600_000_000


@pytest.fixture
def store(postgres_backend: PostgresBackend) -> PostgresShardStore:
    store = postgres_backend.open_store()
    store.take_over(KEYS)
    return store


def end_sessions(backend: PostgresBackend) -> None:
    backend.connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'batterytwin shard'"
        " AND datname = current_database()"
    )


def stored_count(backend: PostgresBackend) -> int:
    ((count,),) = backend.connection.execute("SELECT count(*) FROM reading")
    return int(count)


def test_a_lost_connection_is_told_and_the_next_call_works(
    postgres_backend: PostgresBackend, store: PostgresShardStore
) -> None:
    end_sessions(postgres_backend)
    with pytest.raises(StoreUnavailableError):
        store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    assert len(store.read_tail({1: 0})) == 0
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    assert len(store.read_tail({1: 0})) == 1


def test_the_lease_outlives_a_lost_connection_and_still_fences(
    postgres_backend: PostgresBackend, store: PostgresShardStore
) -> None:
    end_sessions(postgres_backend)
    newcomer = postgres_backend.open_store()
    newcomer.take_over(KEYS[:1])
    with pytest.raises(LeaseLostError):
        store.read_tail({1: 0})


def test_a_commit_that_fails_leaves_nothing(postgres_backend: PostgresBackend, store: PostgresShardStore) -> None:
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    postgres_backend.connection.execute("ALTER TABLE reading ADD CHECK (voltage_v <> 400)")
    days = rows_of([(key, T0_US + 24 * _HOUR_US * key) for key in KEYS])
    days["voltage_v"] = 13.5
    days["voltage_v"][-1] = 400.0
    with pytest.raises(StoreUnavailableError):
        store.commit(ShardCommit(T0_US, days, late=days))
    assert stored_count(postgres_backend) == 1
    assert postgres_backend.late_rows() == {}


def test_no_commit_of_a_session_can_follow_once_its_lease_has_moved(
    postgres_backend: PostgresBackend, store: PostgresShardStore
) -> None:
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    with (
        psycopg.connect(postgres_backend.url) as blocker,
        psycopg.connect(postgres_backend.url, autocommit=True) as next_session,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker.execute("LOCK TABLE reading_20261121 IN SHARE MODE")
        hanging = pool.submit(store.commit, ShardCommit(T0_US, rows_of([(1, T0_US + 1)])))
        wait_for_waiter(postgres_backend)
        ((lease_id,),) = postgres_backend.connection.execute("SELECT lease_id FROM lease")
        move_lease(next_session, lease_id)
        blocker.rollback()
        with pytest.raises(StoreUnavailableError):
            hanging.result(timeout=30)
    assert stored_count(postgres_backend) == 1


def wait_for_waiter(backend: PostgresBackend) -> None:
    """Returns when a session waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    pause = threading.Event()
    while next(iter(backend.connection.execute(waiting)))[0] == 0:
        pause.wait(0.01)


def test_a_take_over_ends_a_commit_under_way(postgres_backend: PostgresBackend, store: PostgresShardStore) -> None:
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    newcomer = postgres_backend.open_store()
    with psycopg.connect(postgres_backend.url) as blocker, ThreadPoolExecutor(1) as pool:
        blocker.execute("LOCK TABLE reading_20261121 IN SHARE MODE")
        hanging = pool.submit(store.commit, ShardCommit(T0_US, rows_of([(1, T0_US + 1)])))
        wait_for_waiter(postgres_backend)
        newcomer.take_over(KEYS)
        blocker.rollback()
        with pytest.raises(LeaseLostError):
            hanging.result(timeout=30)
    assert len(newcomer.read_tail(dict.fromkeys(KEYS, 0))) == 1


def test_of_owners_that_race_for_a_battery_one_remains(postgres_backend: PostgresBackend) -> None:
    stores = [postgres_backend.open_store() for _ in range(4)]

    def take(place: int) -> bool:
        try:
            stores[place].take_over(KEYS)
            stores[place].commit(ShardCommit(T0_US, rows_of([(1, T0_US + place)])))
        except (LeaseLostError, StoreUnavailableError):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(take, range(4)))
    still_owners = 0
    for place, store in enumerate(stores):
        if won[place]:
            try:
                store.commit(ShardCommit(T0_US, rows_of([(1, T0_US + 100 + place)])))
            except LeaseLostError:
                continue
            still_owners += 1
    assert still_owners == 1
    assert stored_count(postgres_backend) == sum(won) + 1


def test_shards_may_need_the_same_new_day_at_once(postgres_backend: PostgresBackend) -> None:
    stores = [postgres_backend.open_store() for _ in KEYS[:4]]
    for store, key in zip(stores, KEYS, strict=False):
        store.take_over([key])
    days = [T0_US + day * 24 * _HOUR_US for day in range(5)]

    def write(place: int) -> None:
        for time in days if place % 2 else reversed(days):
            stores[place].commit(ShardCommit(T0_US, rows_of([(KEYS[place], time)])))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert stored_count(postgres_backend) == 20


def test_batteries_that_nobody_registered_cannot_be_owned(postgres_backend: PostgresBackend) -> None:
    with pytest.raises(UnknownBatteryError, match="1 of 2"):
        postgres_backend.open_store().take_over([1, 9_999])


def test_an_absent_server_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        PostgresShardStore(f"postgresql://nobody@/none?host={tmp_path}").take_over([1])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_postgres_keeps_what_memory_keeps(
    data: st.DataObject, postgres_backend: PostgresBackend, store: PostgresShardStore
) -> None:
    postgres_backend.empty()
    store.take_over(KEYS)
    model = MemoryShardStore(MemoryDatabase())
    model.take_over(KEYS)
    pairs = st.tuples(st.sampled_from(KEYS), st.integers(-60, 60).map(lambda hours: T0_US + hours * _HOUR_US))
    for number in range(data.draw(st.integers(1, 4))):
        rows = rows_of(data.draw(st.lists(pairs, unique=True, max_size=30)), seed=number)
        late = rows_of(data.draw(st.lists(pairs, max_size=5)), seed=number)
        for either in (store, model):
            either.commit(ShardCommit(T0_US + number, rows, late))
    watermarks = data.draw(st.dictionaries(st.sampled_from(KEYS), pairs.map(lambda pair: pair[1])))
    tails = [either.read_tail(watermarks) for either in (store, model)]
    for tail in tails:  # rows with equal keys have no order of their own
        tail.sort(order=["battery_key", "sample_time_us", "status"])
    assert tails[0].tobytes() == tails[1].tobytes()
    assert sorted_rows(tails[0]).tobytes() == tails[0].tobytes()
