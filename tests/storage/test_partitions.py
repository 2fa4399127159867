"""Partitions come in time, days that are over get their index, and nothing waits for that."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from batterytwin.errors import InvalidArgumentError, StoreUnavailableError
from storage.partition_keeper import PartitionKeeper
from storage.partitions import DAY_US, create_partitions, day_of, partition_name
from storage.shard_store import ShardCommit
from tests.storage.shard_stores import KEYS, T0_US, PostgresBackend, rows_of

_TODAY = T0_US // DAY_US


def write(backend: PostgresBackend, *times_us: int) -> None:
    store = backend.open_store()
    store.take_over(KEYS)
    store.commit(ShardCommit(T0_US, rows_of([(key, time) for time in times_us for key in KEYS])))
    store.close()
    wait_for_counts(backend)


def wait_for_counts(backend: PostgresBackend) -> None:
    """A session hands its counts of rows over to the server's statistics at the latest when it ends."""
    ended = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'batterytwin shard'"
    pause = threading.Event()
    while next(iter(backend.connection.execute(f"{ended} AND datname = current_database()")))[0]:
        pause.wait(0.01)


def indexed(backend: PostgresBackend) -> list[str]:
    found = backend.connection.execute(
        "SELECT tablename FROM pg_indexes WHERE indexname LIKE '%_battery_time' ORDER BY tablename"
    )
    return [name for (name,) in found]


@pytest.mark.parametrize("day", [0, _TODAY, -1, 40_000, -300_000])
def test_names_of_partitions_can_be_read_back(day: int) -> None:
    assert day_of(partition_name(day)) == day


def test_days_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        partition_name(4_000_000)


def test_partitions_are_made_ahead(postgres_backend: PostgresBackend) -> None:
    PartitionKeeper(postgres_backend.url).run(T0_US)
    found = postgres_backend.connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass ORDER BY 1"
    )
    assert [name for (name,) in found] == [partition_name(_TODAY), partition_name(_TODAY + 1)]


def test_a_day_gets_its_index_when_it_is_over_and_quiet(postgres_backend: PostgresBackend) -> None:
    yesterday, last_year = partition_name(_TODAY - 1), partition_name(_TODAY - 365)
    keeper = PartitionKeeper(postgres_backend.url)
    write(postgres_backend, T0_US, T0_US - 1, T0_US - 365 * DAY_US)
    assert keeper.run(T0_US) == []  # nobody knows yet whether they are still being written to
    write(postgres_backend, T0_US + 1, T0_US - 2)
    assert keeper.run(T0_US) == [last_year]
    assert keeper.run(T0_US) == [yesterday]
    assert keeper.run(T0_US) == []
    assert indexed(postgres_backend) == [last_year, yesterday]


def test_rows_that_come_after_the_index_are_found(postgres_backend: PostgresBackend) -> None:
    keeper = PartitionKeeper(postgres_backend.url)
    write(postgres_backend, T0_US - 1)
    keeper.run(T0_US)
    keeper.run(T0_US)
    write(postgres_backend, T0_US - 5)
    connection = postgres_backend.connection
    connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    query = "SELECT count(*) FROM reading WHERE battery_key = 3 AND sample_time < '2026-11-21 00:00+00'"
    ((plan,),) = connection.execute(f"EXPLAIN (FORMAT json) {query}")
    assert "_battery_time" in str(plan)
    assert next(iter(connection.execute(query)))[0] == 2


def test_an_index_that_failed_is_made_anew(postgres_backend: PostgresBackend) -> None:
    name = partition_name(_TODAY - 1)
    keeper = PartitionKeeper(postgres_backend.url)
    write(postgres_backend, T0_US - 1, T0_US - 2)
    keeper.run(T0_US)
    connection = postgres_backend.connection
    with pytest.raises(psycopg.errors.DivisionByZero):  # leaves an index that is not valid
        connection.execute(f"CREATE INDEX CONCURRENTLY {name}_battery_time ON {name} ((1 / (battery_key - 1)))")
    assert keeper.run(T0_US) == [name]


def test_rows_are_written_while_an_index_waits_for_a_long_query(postgres_backend: PostgresBackend) -> None:
    keeper = PartitionKeeper(postgres_backend.url)
    write(postgres_backend, T0_US - 1)
    keeper.run(T0_US)
    store = postgres_backend.open_store()
    store.take_over(KEYS)
    with psycopg.connect(postgres_backend.url) as long_query, ThreadPoolExecutor(1) as pool:
        long_query.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # sees the past until it ends
        long_query.execute("SELECT count(*) FROM reading")
        round_under_way = pool.submit(keeper.run, T0_US)
        pause = threading.Event()
        commits = 0
        while not round_under_way.done():
            store.commit(ShardCommit(T0_US, rows_of([(1, T0_US - 10 - commits)])))
            commits += 1
            pause.wait(0.02)
        assert round_under_way.result() == []
    assert commits > 3  # one that waited for the index would have waited until the round gave up
    store.close()
    wait_for_counts(postgres_backend)  # else some come between two rounds, and the day does not look quiet
    keeper.run(T0_US)
    assert keeper.run(T0_US) == [partition_name(_TODAY - 1)]


def test_one_keeper_works_at_a_time(postgres_backend: PostgresBackend) -> None:
    write(postgres_backend, T0_US - 1)
    keepers = [PartitionKeeper(postgres_backend.url) for _ in range(3)]
    for keeper in keepers:
        keeper.run(T0_US)
    with ThreadPoolExecutor(3) as pool:
        made = [name for names in pool.map(lambda keeper: keeper.run(T0_US), keepers) for name in names]
    assert made == [partition_name(_TODAY - 1)]


def test_partitions_can_be_made_again(postgres_backend: PostgresBackend) -> None:
    for days in ([_TODAY], [_TODAY + 1, _TODAY]):
        create_partitions(postgres_backend.connection, days)


def test_an_absent_server_is_named_as_such(tmp_path: object) -> None:
    with pytest.raises(StoreUnavailableError):
        PartitionKeeper(f"postgresql://nobody@/none?host={tmp_path}").run(T0_US)
