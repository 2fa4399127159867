"""Laws of the log with inputs: readings and evidence in their order make the twin, bit for bit."""

import asyncio
import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.input_log import LogEnd, rounds
from actors.local_fleet import LocalFleet
from actors.shard import TwinShard
from batterytwin.errors import InvalidArgumentError, LeaseLostError, StoreUnavailableError
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.telemetry import TELEMETRY_DTYPE, Outcome, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.postgres_shard_store import PostgresShardStore
from storage.shard_store import LoggedInput
from tests.actors import fleet_bench
from tests.actors.evidence import evidence
from tests.actors.fleet_bench import NEVER_S, FleetBench
from tests.actors.lost_answers import LostAnswerStore
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import MINUTE_US, START_US, eventful_frames, small_specs

BLOCKS = 4
SPECS = small_specs(BLOCKS)
FRAMES = eventful_frames(BLOCKS, 60)

_KINDS = [kind for kind in TwinInputKind if kind != TwinInputKind.CURRENT_SENSOR]
_STEPS = st.lists(
    st.one_of(
        st.integers(1, 20).map(lambda count: ("rows", count)),
        st.tuples(
            st.sampled_from(_KINDS),
            st.integers(1, BLOCKS),
            st.floats(0.3, 1.1),
            st.floats(0.01, 0.3),
        ),
        st.sampled_from(["snapshot", "restore"]),
    ),
    max_size=8,
)


def open_shard(database: MemoryDatabase) -> TwinShard:
    shard = TwinShard(SPECS, MemoryShardStore(database), NEVER_S)
    shard.restore()
    return shard


@settings(max_examples=25, deadline=None)
@given(_STEPS)
def test_snapshot_and_log_are_the_twin_whenever_it_is_restored(steps: list[Any]) -> None:
    disturbed, undisturbed = MemoryDatabase(), MemoryDatabase()
    shard, reference = open_shard(disturbed), open_shard(undisturbed)
    frames = iter(FRAMES)
    for number, step in enumerate(steps):
        match step:
            case "snapshot":
                shard.snapshot_now()
            case "restore":
                shard = open_shard(disturbed)
            case ("rows", int(count)):
                for _, frame in zip(range(count), frames, strict=False):
                    shard.apply(frame, START_US)
                    reference.apply(frame, START_US)
            case (kind, key, soh, sigma):
                given_input = TwinInput(key, kind, START_US - 10**12, f"source-{number}", soh, sigma)
                assert shard.apply_inputs([given_input]).outcome.tolist() == [Outcome.APPLIED]
                reference.apply_inputs([given_input])
    assert open_shard(disturbed).state_hashes() == reference.state_hashes()
    assert shard.state_hashes() == reference.state_hashes()
    assert shard.live().tobytes() == reference.live().tobytes()


def test_the_same_source_counts_once_for_each_battery() -> None:
    shard = open_shard(MemoryDatabase())
    shard.apply(FRAMES[0], START_US)
    both = [evidence(1, "test"), evidence(2, "test"), evidence(1, "test")]
    assert shard.apply_inputs(both).outcome.tolist() == [Outcome.APPLIED, Outcome.APPLIED, Outcome.DUPLICATE]
    hashes = shard.state_hashes()
    again = shard.apply_inputs(both)
    assert set(again.outcome.tolist()) == {Outcome.DUPLICATE}
    assert len(again.live) == 0
    assert shard.state_hashes() == hashes


def test_an_input_is_told_at_once_and_moves_its_twin_alone() -> None:
    shard = open_shard(MemoryDatabase())
    shard.apply(FRAMES[0], START_US)
    before = shard.live()
    result = shard.apply_inputs([evidence(2, "test", soh=0.6, sigma=0.02)])
    assert result.twins.tolist() == [1]
    after = shard.live()
    assert result.live.tobytes() == after[1:2].tobytes()
    assert after["soh_capacity"][1] == pytest.approx(0.6, abs=0.03)
    assert after["soh_capacity_sigma"][1] < before["soh_capacity_sigma"][1]
    assert np.delete(after, 1).tobytes() == np.delete(before, 1).tobytes()


def test_a_twin_without_readings_takes_evidence_that_its_first_reading_keeps() -> None:
    shard = open_shard(MemoryDatabase())
    shard.apply_inputs([evidence(1, "test", soh=0.6, sigma=0.02)])
    shard.apply(FRAMES[0], START_US)
    assert shard.live()["soh_capacity"][0] == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize(
    "bad",
    [
        evidence(99, "test"),
        evidence(1, ""),
        evidence(1, "x" * 500),
        evidence(1, "test", soh=float("nan")),
        evidence(1, "test", soh=-0.1),
        evidence(1, "test", sigma=0.0),
        evidence(1, "test", sigma=float("inf")),
    ],
)
def test_what_is_no_evidence_is_refused_as_a_whole(bad: TwinInput) -> None:
    shard = open_shard(MemoryDatabase())
    before = shard.state_hashes()
    with pytest.raises(InvalidArgumentError):
        shard.apply_inputs([evidence(1, "good"), bad])
    assert shard.state_hashes() == before


def test_a_commit_that_fails_changes_nothing() -> None:
    database = MemoryDatabase()
    shard = open_shard(database)
    shard.apply(FRAMES[0], START_US)
    before = shard.state_hashes()
    database.available = False
    with pytest.raises(StoreUnavailableError):
        shard.apply_inputs([evidence(1, "test")])
    database.available = True
    assert shard.state_hashes() == before
    assert shard.apply_inputs([evidence(1, "test")]).outcome.tolist() == [Outcome.APPLIED]


def test_a_commit_that_went_through_unseen_is_not_repeated() -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    shard = TwinShard(SPECS, store, NEVER_S)
    shard.restore()
    shard.apply(FRAMES[0], START_US)
    store.lose_answer = True
    with pytest.raises(StoreUnavailableError):
        shard.apply_inputs([evidence(1, "test")])
    assert shard.apply_inputs([evidence(1, "test")]).outcome.tolist() == [Outcome.DUPLICATE]
    assert shard.state_hashes() == open_shard(database).state_hashes()


def test_an_owner_that_lost_its_twins_takes_no_input() -> None:
    database = MemoryDatabase()
    stale, owner = open_shard(database), open_shard(database)
    with pytest.raises(LeaseLostError):
        stale.apply_inputs([evidence(1, "test")])
    assert owner.apply_inputs([evidence(1, "test")]).outcome.tolist() == [Outcome.APPLIED]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6)), max_size=12),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 7)), max_size=6),
)
def test_rounds_keep_the_order_of_every_log(stamps: list[tuple[int, int]], marks: list[tuple[int, int]]) -> None:
    rows = np.zeros(len(set(stamps)), TELEMETRY_DTYPE)
    for row, (key, time) in zip(rows, sorted(set(stamps)), strict=True):
        row["battery_key"], row["sample_time_us"] = key, time
    inputs, seqs = [], dict.fromkeys((1, 2, 3), 0)
    for key, mark in sorted(marks):
        seqs[key] += 1
        inputs.append(LoggedInput(seqs[key], mark, evidence(key, f"s{seqs[key]}")))
    played: dict[int, list[tuple[float, int]]] = {1: [], 2: [], 3: []}
    for part, due in rounds(LogEnd(rows, inputs)):
        for row in part:
            played[int(row["battery_key"])].append((float(row["sample_time_us"]), 0))
        for logged in due:
            played[logged.content.battery_key].append((logged.watermark_us + 0.5, logged.seq))
    for key, log in played.items():
        assert log == sorted(log)
        assert len(log) == int((rows["battery_key"] == key).sum()) + seqs[key]


def memory_bench() -> FleetBench:
    store = functools.partial(MemoryShardStore, MemoryDatabase())
    return FleetBench(small_specs(48), lambda shards: LocalFleet(shards, store, NEVER_S))


async def test_evidence_survives_restarts_and_other_grains() -> None:
    await fleet_bench.check_inputs_in_the_log(memory_bench(), [24, None, 1])


async def test_evidence_survives_restarts_and_other_grains_on_postgres(database_url: str) -> None:
    store = functools.partial(PostgresShardStore, database_url)
    specs = await registered_specs(database_url, 48)
    bench = FleetBench(specs, lambda shards: LocalFleet(shards, store, NEVER_S))
    await fleet_bench.check_inputs_in_the_log(bench, [24, 48])


async def test_two_fleets_with_other_batches_and_the_same_log_agree() -> None:
    """An input that follows the same watermark makes the same twin, however rows were batched around it."""
    one, other = MemoryDatabase(), MemoryDatabase()
    together, apart = open_shard(one), open_shard(other)
    half: Rows = np.concatenate(FRAMES[:10])
    await asyncio.to_thread(together.apply, half, START_US)
    for frame in FRAMES[:10]:
        apart.apply(frame, START_US)
    for shard in (together, apart):
        shard.apply_inputs([evidence(key, "test", time_us=START_US + MINUTE_US) for key in (1, 3)])
        shard.apply(FRAMES[10], START_US)
    assert together.state_hashes() == apart.state_hashes()
