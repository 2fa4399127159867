"""A twin at a past instant is the twin that a fleet had then, and as it was known then."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from actors.replayer import TwinReplayer
from actors.shard import TwinShard
from batterytwin.telemetry import RECEIVED_EPOCH_S
from storage.archive_seal import seal_day
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.partitions import DAY_US
from storage.past_store import Moment
from storage.postgres_past_store import PostgresPastStore
from storage.postgres_shard_store import PostgresShardStore
from tests.actors.evidence import evidence
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames

BLOCKS = 3
FRAMES = eventful_frames(BLOCKS, 130)
LATE_FRAME = 60
RECEIVED_US = (RECEIVED_EPOCH_S + 200_000_000) * 1_000_000
NEVER_S = 1e9


class Lived:
    """A shard that lived through all frames but one, which came late, with a restart and a capacity test."""

    def __init__(self, url: str, archive: Path, specs: list) -> None:  # type: ignore[type-arg] # of twins
        self.url, self.archive, self.specs = url, archive, specs
        shard = self._open(0.0)
        for number, frame in enumerate(FRAMES[:LATE_FRAME]):
            shard.apply(frame, RECEIVED_US + 60_000_000 * number)
        shard.apply_inputs([evidence(specs[0].battery_key, "test", 0.8)])
        shard.close()
        shard = self._open(NEVER_S)
        for number, frame in enumerate(FRAMES[LATE_FRAME + 1 :]):
            shard.apply(frame, RECEIVED_US + 60_000_000 * (LATE_FRAME + 1 + number))
        self.late_us = RECEIVED_US + 60_000_000 * 1_000
        shard.apply(FRAMES[LATE_FRAME], self.late_us)
        shard.close()

    def _open(self, snapshot_interval_s: float) -> TwinShard:
        shard = TwinShard(self.specs, PostgresShardStore(self.url, self.archive), snapshot_interval_s)
        shard.restore()
        return shard

    def expected(self, frames: int, *, late: bool) -> dict[int, str]:
        """State hashes of a shard in memory that got the first frames in order."""
        shard = TwinShard(self.specs, MemoryShardStore(MemoryDatabase()), NEVER_S)
        shard.restore()
        for number, frame in enumerate(FRAMES[:frames]):
            if late or number != LATE_FRAME:
                shard.apply(frame, START_US)
            if number == LATE_FRAME - 1:
                shard.apply_inputs([evidence(self.specs[0].battery_key, "test", 0.8)])
        return shard.state_hashes()


@pytest.fixture
async def lived(database_url: str, tmp_path: Path) -> Lived:
    return Lived(database_url, tmp_path, await registered_specs(database_url, BLOCKS))


@pytest.fixture
def store(lived: Lived) -> Iterator[PostgresPastStore]:
    store = PostgresPastStore(lived.url, lived.archive)
    yield store
    store.close()


def time_of(frame: int) -> int:
    return int(FRAMES[frame]["sample_time_us"][0])


def test_any_past_instant_is_what_a_fleet_had_then(lived: Lived, store: PostgresPastStore) -> None:
    replayer = TwinReplayer(store)
    for frame in (0, 1, 40, 58, 59, 61, 62, 100, 129):
        found = {
            spec.battery_key: replayer.twin_at(spec, Moment(time_of(frame) + 5)).state_sha256 for spec in lived.specs
        }
        assert found == lived.expected(frame + 1, late=True), frame
    past = replayer.twin_at(lived.specs[0], Moment(time_of(58) + 5))
    assert past.snapshot_us is not None
    assert past.row_count < 58, "it began from a snapshot"
    again = replayer.twin_at(lived.specs[0], Moment(time_of(58) + 5), from_blank=True)
    assert (again.state_sha256, again.row_count) == (past.state_sha256, 59)


def test_what_came_late_is_not_in_what_was_known_before(lived: Lived, store: PostgresPastStore) -> None:
    replayer = TwinReplayer(store)
    spec = lived.specs[1]
    for known_us, late, revision in ((lived.late_us - 2_000_000, False, 0), (lived.late_us + 1_000_000, True, 1)):
        past = replayer.twin_at(spec, Moment(time_of(129), known_us))
        assert past.state_sha256 == lived.expected(130, late=late)[spec.battery_key]
        assert past.revision == revision
    early = replayer.twin_at(spec, Moment(time_of(129), RECEIVED_US + 60_000_000 * 10))
    assert early.state_sha256 == lived.expected(11, late=True)[spec.battery_key], "later rows were not known then"


def test_before_the_first_row_there_is_nothing(lived: Lived, store: PostgresPastStore) -> None:
    past = TwinReplayer(store).twin_at(lived.specs[0], Moment(time_of(0) - 1))
    assert (past.row_count, len(past.newest), past.live["as_of_us"].tolist()) == (0, 0, [0])


def test_sealed_days_are_replayed_as_well(lived: Lived, store: PostgresPastStore) -> None:
    replayer = TwinReplayer(store)
    moments = [Moment(time_of(frame)) for frame in (30, 60, 129)]
    before = [replayer.twin_at(spec, moment, from_blank=True) for moment in moments for spec in lived.specs]
    with psycopg.connect(lived.url, autocommit=True, options="-c timezone=UTC") as connection:
        for day in range(time_of(0) // DAY_US, time_of(129) // DAY_US + 1):
            seal_day(connection, lived.archive, day)
    after = [replayer.twin_at(spec, moment, from_blank=True) for moment in moments for spec in lived.specs]
    assert [p.state_sha256 for p in before] == [p.state_sha256 for p in after]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.newest["voltage_v"], other.newest["voltage_v"])
