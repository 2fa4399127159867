"""Twins whose days are sealed: they come back, and what was stored is known."""

from pathlib import Path

import numpy as np
import psycopg

from actors.fleet import TwinSpec
from actors.shard import TwinShard
from batterytwin.telemetry import Outcome, Rows, snap_to_grid
from storage.archive_manifest import FileKind, current_files
from storage.archive_merge import merge_weeks
from storage.archive_seal import seal_day
from storage.partitions import DAY_US
from storage.postgres_shard_store import PostgresShardStore
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames

BLOCKS = 4
FRAMES = np.concatenate(eventful_frames(BLOCKS, 130))
NEVER_S = 1e9


def opened(specs: list[TwinSpec], url: str, archive: Path) -> TwinShard:
    shard = TwinShard(specs, PostgresShardStore(url, archive), NEVER_S)
    shard.restore()
    return shard


def seal(url: str, archive: Path, rows: Rows) -> None:
    """Seals all days of these rows."""
    first_us, last_us = int(rows["sample_time_us"].min()), int(rows["sample_time_us"].max())
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(first_us // DAY_US, last_us // DAY_US + 1):
            assert seal_day(connection, archive, day)
        merge_weeks(connection, archive, first_us // DAY_US + 30)
        assert current_files(connection, FileKind.READINGS)
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)


async def test_a_twin_comes_back_from_sealed_days_and_knows_what_is_in_them(database_url: str, tmp_path: Path) -> None:
    specs = await registered_specs(database_url, BLOCKS)
    shard = opened(specs, database_url, tmp_path)
    missing = FRAMES[200:204]
    shard.apply(np.delete(FRAMES, slice(200, 204)), START_US)
    assert (shard.apply(missing, START_US).outcome == Outcome.LATE).all()
    hashes = shard.state_hashes()
    seal(database_url, tmp_path, FRAMES)
    again = opened(specs, database_url, tmp_path)
    assert again.state_hashes() == hashes
    old = FRAMES[:40].copy()
    assert (again.apply(old, START_US).outcome == Outcome.DUPLICATE).all()
    old["temperature_c"] += 1
    assert (again.apply(old, START_US).outcome == Outcome.CONFLICT).all()
    assert again.state_hashes() == hashes
    for each in (shard, again):
        each.close()


async def test_a_discharge_too_small_to_measure_is_known_when_it_comes_back(database_url: str, tmp_path: Path) -> None:
    specs = await registered_specs(database_url, BLOCKS)
    rows = FRAMES[: 40 * BLOCKS].copy()
    rows["current_a"] = snap_to_grid("current_a", np.full(len(rows), -0.0003, np.float32))
    shard = opened(specs, database_url, tmp_path)
    shard.apply(rows, START_US)
    seal(database_url, tmp_path, rows)
    again = opened(specs, database_url, tmp_path)
    assert again.state_hashes() == shard.state_hashes()
    assert (again.apply(rows, START_US).outcome == Outcome.DUPLICATE).all()
    for each in (shard, again):
        each.close()
