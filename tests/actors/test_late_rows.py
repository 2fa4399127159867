"""Rows that come in another order than they were measured in make the twins that the right order would have made."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.late_cursors import MOST_ROWS
from actors.shard import TwinShard
from batterytwin.alerts import AlertChange, AlertRule, Severity
from batterytwin.telemetry import (
    LATE_LIMIT_US,
    STORED_ESTIMATE_COLUMNS,
    Outcome,
    Rows,
)
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.evidence import evidence
from tests.actors.telemetry import MINUTE_US, START_US, eventful_frames, small_specs

BLOCKS = 3
SPECS = small_specs(BLOCKS)
FRAMES = np.concatenate(eventful_frames(BLOCKS, 130))
NEVER_S = 1e9


@dataclass
class Twins:
    """A shard over a database in memory."""

    database: MemoryDatabase
    shard: TwinShard

    @classmethod
    def fresh(cls, snapshot_interval_s: float = NEVER_S, database: MemoryDatabase | None = None) -> "Twins":
        database = database or MemoryDatabase()
        shard = TwinShard(SPECS, MemoryShardStore(database), snapshot_interval_s)
        shard.restore()
        return cls(database, shard)

    def reopened(self, snapshot_interval_s: float = NEVER_S) -> "Twins":
        return Twins.fresh(snapshot_interval_s, self.database)

    def final_rows(self) -> Rows:
        """Every applied row with its newest estimates, as the in-order twin would have stored it."""
        rows = self.database.log_rows()
        for place, row in enumerate(rows):
            revised = self.database.revised.get((int(row["battery_key"]), int(row["sample_time_us"])))
            if revised is not None:
                for name in (*STORED_ESTIMATE_COLUMNS, "status"):
                    rows[name][place] = revised[name]
        rows["received_s"] = 0
        return rows

    def standing_alerts(self) -> set[str]:
        standing: set[str] = set()
        for change in self.database.alert_changes:
            if change.change == AlertChange.CLEARED:
                standing.discard(change.alert_id)
            else:
                standing.add(change.alert_id)
        return standing


def in_order(rows: Rows) -> Twins:
    twins = Twins.fresh()
    twins.shard.apply(rows[np.lexsort((rows["twin"], rows["sample_time_us"]))], START_US)
    return twins


def assert_same(found: Twins, expected: Twins) -> None:
    assert found.shard.state_hashes() == expected.shard.state_hashes()
    assert found.final_rows().tobytes() == expected.final_rows().tobytes()
    assert found.standing_alerts() == expected.standing_alerts()
    assert found.reopened().shard.state_hashes() == expected.shard.state_hashes(), "snapshot and log make the same"


@st.composite
def deliveries(draw: st.DrawFn) -> list[Rows]:
    """All rows of some frames in batches, out of order within a reach, some of them twice or with other values."""
    count = draw(st.integers(1, len(FRAMES)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    reach = draw(st.sampled_from([0.0, 3.0, 20.0, 400.0]))
    order = np.argsort(np.arange(count) + rng.uniform(0.0, reach, count), kind="stable")
    rows = FRAMES[:count][order]
    repeated = np.flatnonzero(rng.random(count) < draw(st.sampled_from([0.0, 0.1])))
    again = rows[repeated]
    other = rng.random(len(again)) < 0.5
    again["temperature_c"][other] += 1.0
    after = repeated + 1 + rng.integers(0, 50, len(repeated))
    rows = np.insert(rows, np.minimum(after, count), again)
    cuts = np.sort(rng.integers(0, len(rows) + 1, draw(st.integers(0, 12))))
    return np.split(rows, cuts)


@settings(max_examples=60)
@given(deliveries(), st.sampled_from([NEVER_S, 0.0]), st.integers(0, 12))
def test_any_order_of_delivery_makes_the_twin_of_the_right_order(
    batches: list[Rows], snapshot_interval_s: float, restart: int
) -> None:
    twins = Twins.fresh(snapshot_interval_s)
    outcomes: list[int] = []
    for number, batch in enumerate(batches):
        if number == restart:
            twins = twins.reopened(snapshot_interval_s)
        outcomes += twins.shard.apply(batch, START_US).outcome.tolist()
    sent = np.concatenate(batches)
    _, first = np.unique(np.stack([sent["twin"].astype(np.int64), sent["sample_time_us"]]), axis=1, return_index=True)
    assert_same(twins, in_order(sent[np.sort(first)]))
    counted = np.bincount(np.array(outcomes, np.int64), minlength=len(Outcome))
    stored = counted[Outcome.APPLIED] + counted[Outcome.SUSPECT] + counted[Outcome.LATE]
    assert stored == len(first) == len(twins.database.log_rows()), "every reading is stored once"
    assert counted[Outcome.DUPLICATE] + counted[Outcome.CONFLICT] == len(sent) - len(first)
    assert counted.sum() == len(sent)


def test_a_row_with_other_values_is_a_conflict_wherever_the_first_one_is() -> None:
    twins = Twins.fresh()
    rows = FRAMES[: 80 * BLOCKS]
    twins.shard.apply(np.delete(rows, 0), START_US)
    assert twins.shard.apply(rows[:1], START_US).outcome.tolist() == [Outcome.LATE]
    hashes = twins.shard.state_hashes()
    for place in (0, 3, len(rows) - 1):  # late, long ago, and recent
        other = rows[place : place + 1].copy()
        assert twins.shard.apply(other, START_US).outcome.tolist() == [Outcome.DUPLICATE]
        other["voltage_v"] += 0.001
        assert twins.shard.apply(other, START_US).outcome.tolist() == [Outcome.CONFLICT]
        other["voltage_v"] = np.nan
        assert twins.shard.apply(other, START_US).outcome.tolist() == [Outcome.CONFLICT]
    assert twins.shard.state_hashes() == hashes


def test_what_is_more_than_a_day_old_is_stored_and_changes_nothing() -> None:
    twins = Twins.fresh()
    newest = FRAMES[:BLOCKS].copy()
    newest["sample_time_us"] += LATE_LIMIT_US + MINUTE_US
    twins.shard.apply(newest, START_US)
    hashes = twins.shard.state_hashes()
    old = FRAMES[: 2 * BLOCKS]
    expected = [Outcome.TOO_LATE] * BLOCKS + [Outcome.LATE] * BLOCKS
    assert twins.shard.apply(old, START_US).outcome.tolist() == expected
    assert twins.shard.apply(old, START_US).outcome.tolist() == [Outcome.DUPLICATE] * 2 * BLOCKS
    assert len(twins.database.too_late) == BLOCKS
    assert twins.shard.state_hashes() != hashes
    assert_same(twins, in_order(np.concatenate([newest, old[BLOCKS:]])))


def test_a_late_row_before_evidence_leaves_the_evidence_behind_it() -> None:
    rows = FRAMES[: 40 * BLOCKS]
    twins, expected = Twins.fresh(), Twins.fresh()
    missing = np.arange(len(rows)) // BLOCKS == 12
    for each, sent in ((twins, rows[~missing]), (expected, rows)):
        cut = int(np.count_nonzero(sent["sample_time_us"] <= rows["sample_time_us"][20 * BLOCKS]))
        each.shard.apply(sent[:cut], START_US)
        each.shard.apply_inputs([evidence(SPECS[0].battery_key, "test", 0.8)])
        each.shard.apply(sent[cut:], START_US)
    assert (twins.shard.apply(rows[missing], START_US).outcome == Outcome.LATE).all()
    assert_same(twins, expected)


def test_an_alert_that_late_rows_withdraw_and_others_bring_back_stands() -> None:
    rows = FRAMES[: 11 * BLOCKS : BLOCKS].copy()
    rows["sample_time_us"] = START_US + np.arange(11) * MINUTE_US
    rows["temperature_c"] = 40.0
    rows["temperature_c"][3] = 30.0
    twins = Twins.fresh()
    stood = []
    for batch in (rows[4:], rows[:3], rows[3:4]):
        twins.shard.apply(batch, START_US)
        stood.append(twins.standing_alerts())
    assert stood[0] == stood[2] != stood[1]
    assert_same(twins, in_order(rows))


def test_an_alert_that_late_rows_make_critical_is_told_to_be() -> None:
    rows = FRAMES[: 6 * BLOCKS : BLOCKS].copy()
    rows["sample_time_us"] = START_US + np.arange(6) * MINUTE_US
    rows["temperature_c"] = [36.0, 36.0, 36.0, 36.0, 46.0, 46.0]
    is_late = np.arange(6) == 4  # without it, it has been so hot for no time at all
    twins = Twins.fresh()
    told = [
        (change.alert_id, change.change, change.severity)
        for batch in (rows[~is_late], rows[is_late])
        for change in twins.shard.apply(batch, START_US).alerts
        if change.rule == AlertRule.TEMPERATURE_HIGH
    ]
    name = told[0][0]
    assert told == [
        (name, AlertChange.RAISED, Severity.WARNING),
        (name, AlertChange.ESCALATED, Severity.CRITICAL),
    ]
    assert_same(twins, in_order(rows))


def test_a_backlog_that_comes_beside_live_rows_needs_the_database_once() -> None:
    gap = slice(10 * BLOCKS, 90 * BLOCKS)
    before, backlog, live = FRAMES[: gap.start], FRAMES[gap], FRAMES[gap.stop :]
    twins = Twins.fresh(0.0)
    for batch in np.array_split(before, 10):
        twins.shard.apply(batch, START_US)
    reads = 0
    store = twins.shard._store
    read_tail = store.read_tail

    def counting(watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:
        nonlocal reads
        reads += 1
        return read_tail(watermarks_us, told=told)

    store.read_tail = counting  # type: ignore[method-assign]
    pieces = 20
    for ours, theirs in zip(np.array_split(live, pieces), np.array_split(backlog, pieces), strict=True):
        assert (twins.shard.apply(ours, START_US).outcome <= Outcome.SUSPECT).all()
        assert (twins.shard.apply(theirs, START_US).outcome == Outcome.LATE).all()
    assert reads == 1
    assert len(live) // BLOCKS < MOST_ROWS
    assert_same(twins, in_order(FRAMES))


def test_rows_that_come_late_backwards_and_forwards_all_count() -> None:
    twins = Twins.fresh()
    frame_of = np.arange(len(FRAMES)) // BLOCKS
    before_them_all = 10
    late = (60, before_them_all, 80)
    assert frame_of[-1] - before_them_all > MOST_ROWS, "more rows follow it than are remembered"
    twins.shard.apply(FRAMES[~np.isin(frame_of, late)], START_US)
    for number in late:
        assert (twins.shard.apply(FRAMES[frame_of == number], START_US).outcome == Outcome.LATE).all()
    assert_same(twins, in_order(FRAMES))


def test_a_row_that_comes_late_before_evidence_counts_for_the_next_late_one() -> None:
    rows = FRAMES[: 40 * BLOCKS]
    frame_of = np.arange(len(rows)) // BLOCKS
    late = (30, 10, 35)
    twins, expected = Twins.fresh(), Twins.fresh()
    for each, held in ((twins, np.isin(frame_of, late)), (expected, frame_of < 0)):
        each.shard.apply(rows[~held & (frame_of <= 20)], START_US)
        each.shard.apply_inputs([evidence(SPECS[0].battery_key, "test", 0.8)])
        each.shard.apply(rows[~held & (frame_of > 20)], START_US)
    for number in late:
        assert (twins.shard.apply(rows[frame_of == number], START_US).outcome == Outcome.LATE).all()
    assert_same(twins, expected)


def test_no_more_is_remembered_of_late_rows_than_is_bounded() -> None:
    twins = Twins.fresh()
    twins.shard.apply(np.delete(FRAMES[: 10 * BLOCKS], slice(BLOCKS, 2 * BLOCKS)), START_US)
    twins.shard.apply(FRAMES[BLOCKS : 2 * BLOCKS], START_US)
    cursors = twins.shard._reviser.cursors
    assert len(cursors) == BLOCKS
    for batch in np.array_split(FRAMES[10 * BLOCKS :], 40):
        twins.shard.apply(batch, START_US)
    assert len(cursors) == 0
