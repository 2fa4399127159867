"""On TimescaleDB everything is as on plain PostgreSQL: same twins, same rows, same history.

Runs on the server that TEST_TIMESCALE_URL names, in databases of its own; the user must be allowed to make them. Tried
with TimescaleDB 2.29.2 on PostgreSQL 18.
"""

import asyncio
import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from actors.local_fleet import LocalFleet
from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS
from storage.archive_settings import ArchiveSettings
from storage.backup import make_backup
from storage.backup_restore import restore_backup
from storage.history_reads import HISTORY_METRICS
from storage.history_rows import HistoryRows
from storage.migrate import migrate
from storage.partition_keeper import PartitionKeeper
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from storage.timescale import apply_policies, refresh_old_hours
from tests.actors import fleet_bench
from tests.actors.fleet_bench import NEVER_S, FleetBench, feed, reference_hashes
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import MINUTE_US, START_US
from tests.fixtures.postgres import database_of

URL = os.environ.get("TEST_TIMESCALE_URL", "")
BLOCKS = 24
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

pytestmark = pytest.mark.skipif(not URL, reason="TEST_TIMESCALE_URL names no server with TimescaleDB")

_numbers = itertools.count()


def new_database() -> Iterator[str]:
    name = f"batterytwin_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield database_of(URL, name)
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


empty_hyper_url = pytest.fixture(new_database)
other_hyper_url = pytest.fixture(new_database)


@pytest.fixture
def hyper_url(empty_hyper_url: str) -> str:
    """A migrated database with a hypertable."""
    assert "0014_hypertable.sql" in migrate(empty_hyper_url)
    return empty_hyper_url


async def bench_on(url: str) -> FleetBench:
    store = functools.partial(PostgresShardStore, url)
    specs = await registered_specs(url, BLOCKS)
    return FleetBench(specs, lambda shards: LocalFleet(shards, store, NEVER_S))


def to_columnstore(url: str) -> int:
    """Converts every chunk of readings, as the policy does in time; returns how many there are."""
    with psycopg.connect(url, autocommit=True) as connection:
        chunks = connection.execute("SELECT show_chunks('reading')").fetchall()
        for (chunk,) in chunks:
            connection.execute(f"CALL convert_to_columnstore('{chunk}', if_not_columnstore => true)")
    return len(chunks)


async def fill(url: str) -> None:
    """The same three days in any database, with late rows that change the past."""
    bench = await bench_on(url)
    fleet = await bench.started(None)
    frames = bench.frames(220)
    for number, frame in enumerate(frames):
        frame["sample_time_us"] = START_US + number * 20 * MINUTE_US
    held_back = frames[60:70]
    await feed(fleet, [*frames[:60], *frames[70:110], *held_back, *frames[110:]])
    await fleet.stop()


STORED_METRICS = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS)


async def ask(
    url: str, start_us: int, end_us: int, bucket_us: int | None, metrics: tuple[str, ...] = STORED_METRICS
) -> HistoryRows:
    store = await ServerStore.connect(url)
    try:
        (key,) = await one_key(store)
        return await store.query_history(key, start_us, end_us, metrics, bucket_us=bucket_us, after_us=None, limit=500)
    finally:
        await store.close()


async def one_key(store: ServerStore) -> list[int]:
    _, keys = await store.load_inventory()
    return [keys["AAA-U1-S01-B05"]]


def same(one: HistoryRows, other: HistoryRows) -> bool:
    """Equal to the last bit, but for means, which may be added up in another order."""
    assert np.array_equal(one.time_us, other.time_us)
    assert np.array_equal(one.row_count, other.row_count)
    assert np.array_equal(one.suspect, other.suspect)
    assert one.more == other.more
    for mine, theirs in ((one.minimums, other.minimums), (one.maximums, other.maximums)):
        assert all(np.array_equal(mine[name], theirs[name], equal_nan=True) for name in mine)
    for name, values in one.values.items():
        np.testing.assert_allclose(values, other.values[name], rtol=1e-6)
    return True


QUESTIONS = [
    (START_US, START_US + 4 * DAY_US, None),
    (START_US + 5 * HOUR_US + 7, START_US + 30 * HOUR_US + 11, None),
    (START_US, START_US + 4 * DAY_US, 10 * MINUTE_US),
    (START_US, START_US + 4 * DAY_US, HOUR_US),
    (START_US + 5 * HOUR_US + 7, START_US + 60 * HOUR_US + 11, HOUR_US),
    (START_US + HOUR_US, START_US + 4 * DAY_US, DAY_US),
]


async def test_history_is_the_same_before_and_after_the_columnstore(hyper_url: str, database_url: str) -> None:
    await fill(database_url)
    await fill(hyper_url)
    for _ in range(2):
        for start_us, end_us, bucket_us in QUESTIONS:
            plain = await ask(database_url, start_us, end_us, bucket_us)
            assert len(plain.time_us)
            assert same(await ask(hyper_url, start_us, end_us, bucket_us), plain)
            traced = await ask(database_url, start_us, end_us, bucket_us, HISTORY_METRICS)
            assert same(await ask(hyper_url, start_us, end_us, bucket_us, HISTORY_METRICS), traced)
        assert to_columnstore(hyper_url) >= 4


async def test_hours_outlive_the_readings(hyper_url: str) -> None:
    await fill(hyper_url)  # recorded history, older than the policies look back
    keeping = ArchiveSettings(hot_days=1, raw_days=30, hour_days=4_000)
    apply_policies(hyper_url, keeping)
    question = (START_US - DAY_US, START_US + 4 * DAY_US, HOUR_US)
    before = await ask(hyper_url, *question)
    with psycopg.connect(hyper_url, autocommit=True) as connection:
        run_jobs(connection)
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (210 * BLOCKS,)  # kept from today on
        assert refresh_old_hours(hyper_url, keeping) >= 3
        assert same(await ask(hyper_url, *question), before)
        connection.execute("SELECT drop_chunks('reading', created_before => now() + interval '1 day')")
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
        run_jobs(connection)
        assert refresh_old_hours(hyper_url, keeping) == 0
        late = connection.execute("SELECT count(*) FROM late_reading WHERE battery_key = 5").fetchone()
    after = await ask(hyper_url, *question)
    assert np.array_equal(after.time_us, before.time_us)
    assert np.array_equal(after.row_count, before.row_count)
    assert late == (10,)
    for name in MEASURED_COLUMNS:  # estimates of hours that late rows have changed are those told then
        assert np.array_equal(after.minimums[name], before.minimums[name], equal_nan=True)
        assert np.array_equal(after.maximums[name], before.maximums[name], equal_nan=True)
        np.testing.assert_allclose(after.values[name], before.values[name], rtol=1e-6)
    assert len((await ask(hyper_url, *question[:2], None)).time_us) == 10  # of rows, the late ones alone


def run_jobs(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Runs every policy now."""
    query = "SELECT job_id FROM timescaledb_information.jobs WHERE hypertable_name LIKE 'reading%' ORDER BY job_id"
    for (job,) in connection.execute(query).fetchall():
        connection.execute(f"CALL run_job({job})".encode())


async def test_twins_are_the_same_in_any_grain_and_restored_from_the_columnstore(hyper_url: str) -> None:
    bench = await bench_on(hyper_url)
    await fleet_bench.check_grains(bench, [6, 24], frames_each=20)
    to_columnstore(hyper_url)
    with psycopg.connect(hyper_url, autocommit=True) as connection:
        connection.execute("DELETE FROM twin_snapshot")
    fleet = await bench.started(None)
    await feed(fleet, bench.frames(5, first=40))  # goes into chunks that are in the columnstore
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, bench.frames(45))
    await fleet.stop()


async def test_twice_is_once(hyper_url: str) -> None:
    await fleet_bench.check_twice_is_once(await bench_on(hyper_url), 24)


async def test_rows_of_plain_partitions_move_over(empty_hyper_url: str, database_url: str) -> None:
    migrate(empty_hyper_url, timescale=False)
    await fill(empty_hyper_url)
    assert migrate(empty_hyper_url) == ["0014_hypertable.sql"]
    assert migrate(empty_hyper_url) == []
    await fill(database_url)
    for question in QUESTIONS:
        assert same(await ask(empty_hyper_url, *question), await ask(database_url, *question))


def test_partitions_are_left_to_the_extension(hyper_url: str) -> None:
    assert PartitionKeeper(hyper_url).run(START_US) == []
    with psycopg.connect(hyper_url) as connection:
        assert connection.execute("SELECT to_regclass('reading_20251009')").fetchone() == (None,)


def test_policies_follow_the_settings(hyper_url: str, database_url: str) -> None:
    for keeping in (ArchiveSettings(), ArchiveSettings(hot_days=3, raw_days=400, hour_days=4_000)):
        assert apply_policies(hyper_url, keeping)
        with psycopg.connect(hyper_url) as connection:
            found: dict[str, str] = dict(
                connection.execute(
                    "SELECT hypertable_name || ' ' || proc_name, coalesce(config ->> 'compress_after', "
                    "config ->> 'drop_created_before', config ->> 'start_offset') FROM timescaledb_information.jobs "
                    "WHERE hypertable_name LIKE 'reading%'"
                ).fetchall()
            )
        assert found == {
            "reading policy_compression": f"{keeping.hot_days} days",
            "reading policy_retention": f"{keeping.raw_days} days",
            "reading_hour policy_refresh_continuous_aggregate": f"{keeping.raw_days - 1} days",
            "reading_hour policy_compression": "90 days",
            "reading_hour policy_retention": f"{keeping.hour_days} days",
        }
    assert not apply_policies(database_url, ArchiveSettings())


async def test_a_backup_comes_back_as_a_hypertable(hyper_url: str, other_hyper_url: str, tmp_path: Path) -> None:
    await fill(hyper_url)
    to_columnstore(hyper_url)
    await asyncio.to_thread(make_backup, hyper_url, tmp_path, tmp_path / "backup")
    await asyncio.to_thread(restore_backup, tmp_path / "backup", tmp_path / "restored", database_url=other_hyper_url)
    assert apply_policies(other_hyper_url, ArchiveSettings())
    for question in QUESTIONS:
        assert same(await ask(other_hyper_url, *question), await ask(hyper_url, *question))
