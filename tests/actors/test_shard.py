"""Laws of one shard over a store in memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from actors.shard import TwinShard
from batterytwin.errors import InvalidArgumentError, LeaseLostError, StoreUnavailableError
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, READING_DTYPE, TELEMETRY_DTYPE, Flag, Outcome, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.lost_answers import LostAnswerStore
from tests.actors.telemetry import MINUTE_US, START_US, eventful_frames, small_specs

BLOCKS = 6
SPECS = small_specs(BLOCKS)
FRAMES = eventful_frames(BLOCKS, 130)
NEVER_S = 1e9


def open_shard(database: MemoryDatabase, snapshot_interval_s: float = NEVER_S) -> TwinShard:
    shard = TwinShard(SPECS, MemoryShardStore(database), snapshot_interval_s)
    shard.restore()
    return shard


def run(frames: list[Rows], database: MemoryDatabase | None = None) -> TwinShard:
    shard = open_shard(database or MemoryDatabase())
    for frame in frames:
        shard.apply(frame, START_US)
    return shard


def same_live(a: TwinShard, b: TwinShard) -> bool:
    return a.live().tobytes() == b.live().tobytes()


def test_readings_move_the_twins_and_are_stored() -> None:
    database = MemoryDatabase()
    shard = run(FRAMES, database)
    live = shard.live()
    assert (live["as_of_us"] == FRAMES[-1]["sample_time_us"][0]).all()
    assert (live["accepted_count"] == len(FRAMES)).all()
    assert np.isfinite(live["soc"]).all()
    assert len(database.all_rows()) == len(FRAMES) * BLOCKS
    assert database.alert_changes


def test_applying_twice_is_applying_once() -> None:
    database = MemoryDatabase()
    shard = open_shard(database)
    for frame in FRAMES:
        first = shard.apply(frame, START_US)
        hashes = shard.state_hashes()
        again = shard.apply(frame, START_US)
        assert set(first.outcome.tolist()) <= {Outcome.APPLIED, Outcome.SUSPECT}
        assert (again.outcome == Outcome.DUPLICATE).all()
        assert again.alerts == ()
        assert shard.state_hashes() == hashes
        assert again.live.tobytes() == first.live.tobytes()
    assert shard.state_hashes() == run(FRAMES).state_hashes()
    assert len(database.all_rows()) == len(FRAMES) * BLOCKS


def test_both_zeros_are_the_same_measurement() -> None:
    shard = run(FRAMES[:5])
    row = FRAMES[5][:1].copy()
    row["current_a"] = -0.0  # as rows were stored once; from the archive they come back as +0.0
    assert shard.apply(row, START_US).outcome.tolist() == [Outcome.APPLIED]
    row["current_a"] = 0.0
    assert shard.apply(row, START_US).outcome.tolist() == [Outcome.DUPLICATE]
    row["current_a"] = 0.001
    assert shard.apply(row, START_US).outcome.tolist() == [Outcome.CONFLICT]


def test_old_duplicates_beyond_the_recent_ones_are_known_to_the_store() -> None:
    shard = run(FRAMES)
    hashes = shard.state_hashes()
    assert (shard.apply(FRAMES[0], START_US).outcome == Outcome.DUPLICATE).all()
    assert shard.state_hashes() == hashes


@pytest.mark.parametrize("cut", [1, 50, 129])
def test_two_parts_are_the_whole(cut: int) -> None:
    whole = open_shard(MemoryDatabase())
    at_once = whole.apply(np.concatenate(FRAMES), START_US)
    parts = open_shard(MemoryDatabase())
    first = parts.apply(np.concatenate(FRAMES[:cut]), START_US)
    second = parts.apply(np.concatenate(FRAMES[cut:]), START_US)
    assert parts.state_hashes() == whole.state_hashes() == run(FRAMES).state_hashes()
    assert (np.concatenate([first.outcome, second.outcome]) == at_once.outcome).all()
    assert sorted(map(repr, first.alerts + second.alerts)) == sorted(map(repr, at_once.alerts))
    assert same_live(parts, whole)


@given(st.permutations(range(BLOCKS)))
def test_order_of_batteries_does_not_matter(order: list[int]) -> None:
    frames = FRAMES[5:25]
    assert run([frame[order] for frame in frames]).state_hashes() == run(frames).state_hashes()


def test_a_restored_shard_is_the_same_from_the_log_alone() -> None:
    database = MemoryDatabase()
    shard = run(FRAMES, database)
    changes = list(database.alert_changes)
    restored = open_shard(database)
    assert restored.state_hashes() == shard.state_hashes()
    assert same_live(restored, shard)
    assert database.alert_changes == changes


@pytest.mark.parametrize("cut", [1, 35, 130])
def test_a_restored_shard_is_the_same_from_a_snapshot_and_the_log_after_it(cut: int) -> None:
    database = MemoryDatabase()
    shard = run(FRAMES[:cut], database)
    shard.snapshot_now()
    for frame in FRAMES[cut:]:
        shard.apply(frame[:3], START_US)
    assert len(database.snapshots) == BLOCKS
    assert open_shard(database).state_hashes() == shard.state_hashes()


def test_a_restored_shard_goes_on_as_if_nothing_had_happened() -> None:
    database = MemoryDatabase()
    run(FRAMES[:60], database).snapshot_now()
    restored = open_shard(database)
    for frame in FRAMES[60:]:
        restored.apply(frame, START_US)
    reference = MemoryDatabase()
    assert restored.state_hashes() == run(FRAMES, reference).state_hashes()
    assert list(map(repr, database.alert_changes)) == list(map(repr, reference.alert_changes))


def test_a_damaged_or_foreign_snapshot_is_passed_over() -> None:
    database = MemoryDatabase()
    shard = run(FRAMES, database)
    shard.snapshot_now()
    for stored in database.snapshots.values():
        stored[0].sha256 = b"wrong"
    assert open_shard(database).state_hashes() == shard.state_hashes()


def test_snapshots_ride_on_commits_and_hold_only_what_changed() -> None:
    database = MemoryDatabase()
    shard = open_shard(database, snapshot_interval_s=0.0)
    shard.apply(FRAMES[0][:2], START_US)
    shard.apply(FRAMES[0][2:3], START_US)
    assert set(database.snapshots) == {SPECS[0].battery_key, SPECS[1].battery_key}, "as the commit before has left them"
    shard.apply(FRAMES[1][:1], START_US)
    assert len(database.snapshots) == 3
    assert sum(map(len, database.snapshots.values())) == 3
    assert open_shard(database).state_hashes() == shard.state_hashes()


def test_a_failed_commit_leaves_everything_as_it_was() -> None:
    database = MemoryDatabase()
    shard = run(FRAMES[:20], database)
    hashes, live = shard.state_hashes(), shard.live().tobytes()
    database.available = False
    with pytest.raises(StoreUnavailableError):
        shard.apply(FRAMES[20], START_US)
    assert (shard.state_hashes(), shard.live().tobytes()) == (hashes, live)
    database.available = True
    assert (shard.apply(FRAMES[20], START_US).outcome <= Outcome.SUSPECT).all()
    assert shard.state_hashes() == run(FRAMES[:21]).state_hashes()


def test_a_commit_in_doubt_is_not_stored_twice() -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    shard = TwinShard(SPECS, store, NEVER_S)
    shard.restore()
    for frame in FRAMES[:20]:
        shard.apply(frame, START_US)
    store.lose_answer = True
    with pytest.raises(StoreUnavailableError):
        shard.apply(FRAMES[20], START_US)
    again = shard.apply(FRAMES[20][:2], START_US)
    assert (again.outcome == Outcome.DUPLICATE).all()
    assert again.twins.tolist() == list(range(BLOCKS)), "all moved by the commit that was in doubt"
    assert (again.live["as_of_us"] == FRAMES[20]["sample_time_us"][0]).all()
    assert len(database.all_rows()) == 21 * BLOCKS
    assert shard.state_hashes() == run(FRAMES[:21]).state_hashes()


def test_a_snapshot_outlives_a_lost_connection() -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    shard = TwinShard(SPECS, store, NEVER_S)
    shard.restore()
    shard.apply(FRAMES[0], START_US)
    store.lose_answer = True
    shard.snapshot_now()
    assert len(database.snapshots) == BLOCKS
    shard.apply(FRAMES[1], START_US)
    database.available = False
    with pytest.raises(StoreUnavailableError):
        shard.snapshot_now()


@pytest.mark.parametrize("missing", [10, 129], ids=["late", "in order"])
def test_a_last_snapshot_has_what_a_commit_in_doubt_has_stored(missing: int) -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    shard = TwinShard(SPECS, store, NEVER_S)
    shard.restore()
    for number, frame in enumerate(FRAMES):
        if number != missing:
            shard.apply(frame, START_US)
    store.lose_answer = True
    with pytest.raises(StoreUnavailableError):
        shard.apply(FRAMES[missing], START_US)
    shard.snapshot_now()
    assert shard.state_hashes() == open_shard(database).state_hashes() == run(FRAMES).state_hashes()


def test_while_a_commit_is_in_doubt_and_the_store_away_no_snapshot_is_taken() -> None:
    database = MemoryDatabase()
    store = LostAnswerStore(database)
    shard = TwinShard(SPECS, store, NEVER_S)
    shard.restore()
    for frame in [*FRAMES[:10], *FRAMES[11:]]:
        shard.apply(frame, START_US)
    store.lose_answer = True
    with pytest.raises(StoreUnavailableError):
        shard.apply(FRAMES[10], START_US)
    database.available = False
    with pytest.raises(StoreUnavailableError):
        shard.snapshot_now()
    database.available = True
    assert not database.snapshots
    assert open_shard(database).state_hashes() == run(FRAMES).state_hashes()


def test_an_owner_that_was_replaced_refuses_everything() -> None:
    database = MemoryDatabase()
    stale = run(FRAMES[:5], database)
    owner = open_shard(database)
    with pytest.raises(LeaseLostError):
        stale.apply(FRAMES[5], START_US)
    with pytest.raises(LeaseLostError):
        stale.apply(FRAMES[0], START_US)
    with pytest.raises(LeaseLostError):
        stale.snapshot_now()
    assert (owner.apply(FRAMES[5], START_US).outcome <= Outcome.SUSPECT).all()
    assert len(database.all_rows()) == 6 * BLOCKS


def test_one_batch_may_hold_new_old_and_repeated_rows() -> None:
    shard = run(FRAMES[:2])
    new = FRAMES[2][:1]
    late = new.copy()
    late["sample_time_us"] = START_US - MINUTE_US
    batch = np.concatenate([FRAMES[1][:1], new, late, new])
    result = shard.apply(batch, START_US)
    assert result.outcome.tolist()[0] == Outcome.DUPLICATE
    assert result.outcome.tolist()[2:] == [Outcome.LATE, Outcome.DUPLICATE]
    assert result.twins.tolist() == [0]


IMPLAUSIBLE = {
    "reversed": ("voltage_v", -12.88),
    "no voltage": ("voltage_v", 0.0),
    "open cell": ("voltage_v", 25.0),
    "400 V": ("voltage_v", 400.0),
    "8.9 V on float": ("voltage_v", 8.9),
    "frozen": ("temperature_c", -10.1),
    "on fire": ("temperature_c", 80.1),
    "open probe": ("internal_resistance_mohm", 100.1),
    "absurd current": ("current_a", 1e30),
}


@pytest.mark.parametrize(("name", "value"), IMPLAUSIBLE.values(), ids=IMPLAUSIBLE.keys())
def test_implausible_rows_are_stored_and_not_applied(name: str, value: float) -> None:
    database = MemoryDatabase()
    shard = run(FRAMES[:5], database)
    before = shard.live()[0]
    row = FRAMES[0][:1].copy()
    row["voltage_v"], row["temperature_c"], row["current_a"] = 13.6, 25.0, 0.05
    row["sample_time_us"], row[name], row["status"] = FRAMES[5]["sample_time_us"][0], value, 0
    result = shard.apply(row, START_US)
    assert result.outcome.tolist() == [Outcome.SUSPECT]
    live = result.live[0]
    assert live["status"] & Flag.SUSPECT
    assert live["accepted_count"] == before["accepted_count"] + 1
    assert live[name] == np.float32(value)
    assert all(live[c].tobytes() == before[c].tobytes() for c in LIVE_ESTIMATE_COLUMNS)
    assert (database.all_rows()["status"] & Flag.SUSPECT).any()
    assert (shard.apply(row, START_US).outcome == Outcome.DUPLICATE).all()


def test_a_low_voltage_is_plausible_while_the_battery_discharges() -> None:
    shard = open_shard(MemoryDatabase())
    row = FRAMES[0][:1].copy()
    row["voltage_v"], row["temperature_c"], row["current_a"], row["status"] = 8.0, 25.0, -60.0, 0
    assert shard.apply(row, START_US).outcome.tolist() == [Outcome.APPLIED]


@pytest.mark.parametrize("twin", [-1, BLOCKS, 2**31 - 1])
def test_a_twin_of_another_shard_is_refused_and_nothing_is_applied(twin: int) -> None:
    shard = run(FRAMES[:3])
    hashes = shard.state_hashes()
    rows = FRAMES[3].copy()
    rows["twin"][-1] = twin
    with pytest.raises(InvalidArgumentError, match="shard"):
        shard.apply(rows, START_US)
    assert shard.state_hashes() == hashes
    assert (shard.apply(FRAMES[3], START_US).outcome <= Outcome.SUSPECT).all()


def test_read_only_rows_are_welcome() -> None:
    rows = FRAMES[0].copy()
    rows.flags.writeable = False
    open_shard(MemoryDatabase()).apply(rows, START_US)


ANY_ROWS = hnp.arrays(
    READING_DTYPE,
    st.integers(1, 12),
    elements=st.tuples(
        st.integers(0, BLOCKS - 1),
        st.integers(-(2**15), 2**15 - 1),
        st.integers(START_US, START_US + 3_600_000_000),
        *[st.floats(width=32, allow_infinity=False)] * 4,
    ),
)


@given(st.lists(ANY_ROWS, max_size=5))
def test_whatever_comes_the_twins_stay_sane_and_can_be_restored(batches: list[Rows]) -> None:
    database = MemoryDatabase()
    shard = open_shard(database)
    for batch in batches:
        shard.apply(batch, START_US)
    live = shard.live()
    known = live[live["as_of_us"] > 0]
    for name in ("soc", "soc_sigma", "soh_capacity", "soh_capacity_sigma", "r0_ohm", "r0_sigma_ohm"):
        assert not np.isinf(known[name]).any()
    assert open_shard(database).state_hashes() == shard.state_hashes()


def test_no_rows_change_nothing() -> None:
    database = MemoryDatabase()
    result = open_shard(database).apply(np.empty(0, READING_DTYPE), START_US)
    assert (len(result.outcome), len(result.twins), database.rows) == (0, 0, [])
    assert database.all_rows().dtype == TELEMETRY_DTYPE
