"""A shard that breaks before, in and after its commits, again and again, is the shard that never broke."""

import contextlib
import functools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.shard import TwinShard
from batterytwin.errors import StoreUnavailableError
from batterytwin.telemetry import Outcome, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.shard_store import ShardCommit
from tests.actors.telemetry import START_US, eventful_frames, small_specs

BLOCKS = 3
SPECS = small_specs(BLOCKS)
FRAMES = eventful_frames(BLOCKS, 30)
NEVER_S = 1e9
LATE_BY = 3


class _DeadError(BaseException):
    """The process is gone: nothing of it is handled by itself."""


class BreakingStore(MemoryShardStore):
    """A store that breaks as it is told, commit after commit."""

    def __init__(self, database: MemoryDatabase, breaks: list[str]) -> None:
        super().__init__(database)
        self.breaks = breaks

    def commit(self, commit: ShardCommit) -> None:
        """Breaks before the commit, in the middle of its answer, or behind it."""
        how = self.breaks.pop() if self.breaks else ""
        if how == "away":
            raise StoreUnavailableError("away", retry_after_s=0.1)
        if how == "killed before":
            raise _DeadError
        super().commit(commit)
        if how == "answer lost":
            raise StoreUnavailableError("broke during COMMIT", retry_after_s=0.1)
        if how == "killed after":
            raise _DeadError


BREAKS = st.sampled_from(["", "", "away", "answer lost", "killed before", "killed after"])


def open_shard(database: MemoryDatabase, breaks: list[str], snapshot_interval_s: float) -> TwinShard:
    shard = TwinShard(SPECS, BreakingStore(database, breaks), snapshot_interval_s)
    shard.restore()
    return shard


def delivered(late: bool) -> list[Rows]:
    """Frames in order, or each fourth one three frames late."""
    order = [n + LATE_BY + 0.5 if late and n % 4 == 1 else float(n) for n in range(len(FRAMES))]
    return [FRAMES[place] for place in np.argsort(order, kind="stable")]


@functools.cache
def undisturbed_hashes() -> dict[int, str]:
    shard = open_shard(MemoryDatabase(), [], NEVER_S)
    for frame in FRAMES:
        shard.apply(frame, START_US)
    return shard.state_hashes()


def stop(shard: TwinShard) -> None:
    """Ends a shard in order; its last snapshot may break as well."""
    with contextlib.suppress(StoreUnavailableError, _DeadError):
        shard.snapshot_now()


@settings(max_examples=100)
@given(st.lists(BREAKS, min_size=12, max_size=40), st.sampled_from([0.0, NEVER_S]), st.booleans(), st.booleans())
def test_whatever_breaks_the_twins_are_those_of_an_undisturbed_shard(
    breaks: list[str], snapshot_interval_s: float, late: bool, stops: bool
) -> None:
    database = MemoryDatabase()
    shard = open_shard(database, breaks, snapshot_interval_s)
    acked = 0
    for frame in delivered(late):
        while True:
            try:
                outcomes = shard.apply(frame, START_US).outcome
            except StoreUnavailableError:  # its gateway sends again, perhaps to the next server
                if stops:
                    stop(shard)
                    shard = open_shard(database, breaks, snapshot_interval_s)
                continue
            except _DeadError:
                shard = open_shard(database, breaks, snapshot_interval_s)
                continue
            break
        assert set(outcomes.tolist()) <= {Outcome.APPLIED, Outcome.SUSPECT, Outcome.LATE, Outcome.DUPLICATE}
        acked += len(outcomes)
    assert shard.state_hashes() == undisturbed_hashes()
    assert open_shard(database, [], NEVER_S).state_hashes() == undisturbed_hashes()
    assert len(database.log_rows()) == acked == len(FRAMES) * BLOCKS
