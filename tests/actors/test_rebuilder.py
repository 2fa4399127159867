"""Twins made anew from their logs are the twins that lived, and what differs is told."""

import numpy as np
import psycopg
import pytest

from actors.estimate_difference import Differences
from actors.rebuilder import SnapshotCheck, TwinRebuilder
from actors.shard import TwinShard
from actors.twin_memory import MEMORY_LAYOUT
from batterytwin.telemetry import TELEMETRY_DTYPE
from storage.archive_seal import seal_day
from storage.partitions import DAY_US
from storage.postgres_past_store import PostgresPastStore
from storage.postgres_shard_store import PostgresShardStore
from storage.rebuilt_snapshots import store_rebuilt
from tests.actors.test_replacement import replacement
from tests.actors.test_replayer import FRAMES, NEVER_S, RECEIVED_US, Lived, lived, store, time_of

__all__ = ["lived", "store"]
END_US = time_of(129) + 10 * DAY_US


def reopened(lived: Lived) -> TwinShard:
    shard = TwinShard(lived.specs, PostgresShardStore(lived.url, lived.archive), NEVER_S)
    shard.restore()
    return shard


def hashes_after_restart(lived: Lived) -> dict[int, str]:
    shard = reopened(lived)
    try:
        return shard.state_hashes()
    finally:
        shard.close()


def test_the_log_alone_makes_the_twins_that_live(lived: Lived, store: PostgresPastStore) -> None:
    shard = reopened(lived)
    shard.apply_inputs([replacement(time_of(100) + 1, key=lived.specs[0].battery_key)])
    shard.snapshot_now()
    hashes = shard.state_hashes()
    shard.close()
    for spec in lived.specs:
        rebuilt = TwinRebuilder(store).rebuild(spec, END_US)
        assert rebuilt.check is SnapshotCheck.SAME
        assert rebuilt.row_count == len(FRAMES)
        assert rebuilt.snapshot is not None
        for name, difference in rebuilt.differences.of.items():
            assert difference.largest == 0.0, name
            assert difference.count > 100
        assert rebuilt.differences.innovation_rms_v()[0] == rebuilt.differences.innovation_rms_v()[1] > 0.0
    assert hashes == hashes_after_restart(lived)


def test_it_goes_through_sealed_days_in_stretches(
    lived: Lived, store: PostgresPastStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [TwinRebuilder(store).rebuild(spec, END_US).snapshot for spec in lived.specs]
    with psycopg.connect(lived.url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(time_of(0) // DAY_US, time_of(129) // DAY_US + 1):
            seal_day(connection, lived.archive, day)
    monkeypatch.setattr("actors.rebuilder._STRETCH_US", 17 * 60_000_000)
    after = [TwinRebuilder(store).rebuild(spec, END_US) for spec in lived.specs]
    assert [twin.snapshot for twin in after] == before
    for twin in after:
        assert twin.row_count == len(FRAMES)
        for name in ("soc", "soh_capacity", "r0_ohm"):  # the archive rounds estimates below their sigma
            assert twin.differences.of[name].beyond_sigma == 0


def test_a_snapshot_that_the_log_does_not_make_is_found(lived: Lived, store: PostgresPastStore) -> None:
    shard = reopened(lived)
    shard._memory.state[1, 3] += 1e-9
    shard._rounds.changed[:] = True
    shard.snapshot_now()
    shard.close()
    checks = [TwinRebuilder(store).rebuild(spec, END_US).check for spec in lived.specs]
    assert checks == [SnapshotCheck.SAME, SnapshotCheck.DIFFERS, SnapshotCheck.SAME]


def test_a_rebuilt_state_is_what_a_restart_begins_from(lived: Lived, store: PostgresPastStore) -> None:
    hashes = hashes_after_restart(lived)
    with psycopg.connect(lived.url, autocommit=True) as connection:
        connection.execute("UPDATE twin_snapshot SET layout = 'of an earlier filter'")
        for spec in lived.specs:
            rebuilt = TwinRebuilder(store).rebuild(spec, END_US)
            assert rebuilt.check is SnapshotCheck.NONE
            assert rebuilt.snapshot is not None
            assert store_rebuilt(lived.url, rebuilt.snapshot, rebuilt.revision)
        stored = connection.execute("SELECT count(*) FROM twin_snapshot WHERE layout = %s", [MEMORY_LAYOUT]).fetchone()
        assert stored == (len(lived.specs),)
    assert hashes_after_restart(lived) == hashes


def test_a_state_of_a_past_that_has_changed_is_not_stored(lived: Lived, store: PostgresPastStore) -> None:
    rebuilt = TwinRebuilder(store).rebuild(lived.specs[0], END_US)
    assert rebuilt.snapshot is not None
    shard = reopened(lived)
    late = FRAMES[50].copy()
    late["sample_time_us"] += 1
    shard.apply(late, RECEIVED_US)
    shard.close()
    assert not store_rebuilt(lived.url, rebuilt.snapshot, rebuilt.revision)
    anew = TwinRebuilder(store).rebuild(lived.specs[0], END_US)
    assert anew.snapshot is not None
    assert store_rebuilt(lived.url, anew.snapshot, anew.revision)


def test_differences_are_anew_minus_told() -> None:
    told, anew = np.zeros(4, TELEMETRY_DTYPE), np.zeros(4, TELEMETRY_DTYPE)
    told["soc"], anew["soc"] = [0.5, 0.5, np.nan, 0.75], [0.5, 0.75, 0.5, 0.25]
    told["soc_sigma"] = 0.3
    found = Differences()
    found.add(told[:2], anew[:2])
    found.add(told[2:], anew[2:])
    soc = found.of["soc"]
    assert (soc.count, soc.largest, soc.told, soc.anew) == (3, 0.5, 0.75, 0.25)
    assert soc.rms == pytest.approx(np.sqrt((0.0625 + 0.25) / 3))
    assert soc.share_beyond_sigma == pytest.approx(1 / 3)
    assert np.isnan(Differences().of["soc"].rms)
