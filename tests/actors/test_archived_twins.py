"""Twins whose days are sealed: they come back, and what was stored is known."""

from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.fleet import TwinSpec
from actors.shard import TwinShard
from batterytwin.errors import StoreUnavailableError
from batterytwin.telemetry import READING_DTYPE, Outcome, Rows, snap_to_grid
from storage.archive_manifest import FileKind, current_files
from storage.archive_merge import merge_weeks
from storage.archive_seal import seal_day
from storage.partitions import DAY_US
from storage.postgres_shard_store import PostgresShardStore
from storage.shard_store import ShardCommit
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames

BLOCKS = 4
FRAMES = np.concatenate(eventful_frames(BLOCKS, 130))
NEVER_S = 1e9
HOUR_US = 3_600_000_000
YEAR_2000_US = 946_684_800_000_000


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


class AnswerLost(PostgresShardStore):
    """A store that may lose the answer to its next commit, which happens."""

    lose = False

    def commit(self, commit: ShardCommit) -> None:
        super().commit(commit)
        if self.lose:
            self.lose = False
            raise StoreUnavailableError("the answer was lost", retry_after_s=0.1)


def steady_rows(twin: int, first_day: int, days: int) -> Rows:
    """Rows of a twin, an hour apart."""
    rows = np.zeros(days * 24, READING_DTYPE)
    rows["twin"], rows["sample_time_us"] = twin, first_day * DAY_US + np.arange(len(rows)) * HOUR_US
    rows["voltage_v"], rows["current_a"], rows["temperature_c"] = 13.6, 0.05, 25.0
    rows["internal_resistance_mohm"] = np.nan
    return rows


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows that were read of each file from here on."""
    counts: list[int] = []
    read_table = pq.read_table

    def counting(*arguments: Any, **options: Any) -> pa.Table:
        table = read_table(*arguments, **options)
        counts.append(table.num_rows)
        return table

    monkeypatch.setattr(pq, "read_table", counting)
    return counts


async def test_neither_silent_twins_nor_wrong_clocks_have_sealed_days_of_others_read(
    database_url: str, tmp_path: Path, read: list[int]
) -> None:
    specs = await registered_specs(database_url, BLOCKS)
    first_day, days = START_US // DAY_US, 8
    stores: list[AnswerLost] = []

    def opened() -> TwinShard:
        stores.append(AnswerLost(database_url, tmp_path))
        shard = TwinShard(specs, stores[-1], NEVER_S)
        shard.restore()
        return shard

    shard = opened()
    shard.apply(steady_rows(1, first_day, 1), START_US)  # silent from then on; the last twin never says anything
    for twin in (0, 2):
        shard.apply(steady_rows(twin, first_day, days), START_US)
    shard.snapshot_now()
    hashes = shard.state_hashes()
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(first_day, first_day + days - 1):
            assert seal_day(connection, tmp_path, day)
    read.clear()

    again = opened()
    assert again.state_hashes() == hashes
    assert sum(read) == 0, "a restart"

    new = steady_rows(0, first_day + days, 1)[:1]
    stores[-1].lose = True
    with pytest.raises(StoreUnavailableError):
        again.apply(new, START_US)
    assert again.apply(new, START_US).outcome.tolist() == [Outcome.DUPLICATE]
    assert sum(read) == 0, "a look at what a commit in doubt has stored"

    read.clear()
    late = np.concatenate([new, new, steady_rows(0, first_day, 1)[:1]])
    late["sample_time_us"][:2] = YEAR_2000_US, new["sample_time_us"][0] - HOUR_US // 2
    outcomes = again.apply(late, START_US).outcome.tolist()
    assert outcomes == [Outcome.TOO_LATE, Outcome.LATE, Outcome.DUPLICATE]
    assert sum(read) == 1, "only the row that was sent once more"
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
