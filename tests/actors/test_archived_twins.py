"""Twins whose days are sealed: they come back, and what was stored is known."""

from pathlib import Path

import numpy as np
import psycopg

from actors.shard import TwinShard
from batterytwin.telemetry import Outcome
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


async def test_a_twin_comes_back_from_sealed_days_and_knows_what_is_in_them(database_url: str, tmp_path: Path) -> None:
    specs = await registered_specs(database_url, BLOCKS)

    def opened() -> TwinShard:
        shard = TwinShard(specs, PostgresShardStore(database_url, tmp_path), NEVER_S)
        shard.restore()
        return shard

    shard = opened()
    missing = FRAMES[200:204]
    shard.apply(np.delete(FRAMES, slice(200, 204)), START_US)
    assert (shard.apply(missing, START_US).outcome == Outcome.LATE).all()
    hashes = shard.state_hashes()
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(START_US // DAY_US, int(FRAMES["sample_time_us"].max()) // DAY_US + 1):
            assert seal_day(connection, tmp_path, day)
        merge_weeks(connection, tmp_path, START_US // DAY_US + 30)
        assert current_files(connection, FileKind.READINGS)
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
    again = opened()
    assert again.state_hashes() == hashes
    old = FRAMES[:40].copy()
    assert (again.apply(old, START_US).outcome == Outcome.DUPLICATE).all()
    old["temperature_c"] += 1
    assert (again.apply(old, START_US).outcome == Outcome.CONFLICT).all()
    assert again.state_hashes() == hashes
    for each in (shard, again):
        each.close()
