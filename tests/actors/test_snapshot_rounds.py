"""A round of snapshots comes to every twin that has changed, however few of them a commit takes along."""

import numpy as np
import pytest

from actors.shard import TwinShard
from batterytwin.errors import StoreUnavailableError
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.telemetry import START_US, eventful_frames, small_specs

BLOCKS = 5
SPECS = small_specs(BLOCKS)
FRAMES = eventful_frames(BLOCKS, 12)


def test_no_twin_waits_while_others_change_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.snapshot_rounds.MOST_SNAPSHOTS", 2)
    database = MemoryDatabase()
    shard = TwinShard(SPECS, MemoryShardStore(database), 0.0)
    shard.restore()
    for frame in FRAMES[:4]:  # a commit takes along what those before it have left
        shard.apply(frame, START_US)
    assert set(database.snapshots) == {spec.battery_key for spec in SPECS}


def test_a_failed_commit_leaves_the_round_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.snapshot_rounds.MOST_SNAPSHOTS", 2)
    database = MemoryDatabase()
    shard = TwinShard(SPECS, MemoryShardStore(database), 0.0)
    shard.restore()
    shard.apply(FRAMES[0], START_US)
    database.available = False
    with pytest.raises(StoreUnavailableError):
        shard.apply(FRAMES[1], START_US)
    database.available = True
    for frame in FRAMES[1:4]:
        shard.apply(frame, START_US)
    assert set(database.snapshots) == {spec.battery_key for spec in SPECS}
    again = TwinShard(SPECS, MemoryShardStore(database), 0.0)
    again.restore()
    assert again.state_hashes() == shard.state_hashes()


def test_a_round_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.snapshot_rounds.MOST_SNAPSHOTS", 2)
    database = MemoryDatabase()
    shard = TwinShard(SPECS, MemoryShardStore(database), 1e9)
    shard.restore()
    shard._rounds.due_s = 0.0
    for frame in FRAMES:
        shard.apply(frame, START_US)
    assert sum(map(len, database.snapshots.values())) == BLOCKS, "one of each, then none before the next round is due"
    assert np.array(shard.live()["as_of_us"]).min() > 0
