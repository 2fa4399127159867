"""Laws of `ShardStore`, the same for every database."""

from dataclasses import replace

import numpy as np
import pytest

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.errors import LeaseLostError
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.telemetry import MEASURED_COLUMNS, Rows
from storage.shard_store import LoggedInput, Revision, ShardCommit, ShardStore, TwinSnapshot
from tests.storage.shard_stores import KEYS, T0_US, Backend, pair_columns, rows_of, sorted_rows

_DAY_US = 86_400_000_000
_RAISED = AlertTransition(
    alert_id="BRK-U1-S01-B1/TEMPERATURE_HIGH/1",
    battery_key=1,
    string_id="",
    location_id="",
    rule=AlertRule.TEMPERATURE_HIGH,
    severity=Severity.WARNING,
    change=AlertChange.RAISED,
    sample_time_us=T0_US,
    value=36.0,
    threshold=35.0,
    unit="degC",
    message="36.0 degC for 5 min",
)
_ESCALATED = replace(_RAISED, change=AlertChange.ESCALATED, severity=Severity.CRITICAL, sample_time_us=T0_US + 60)
_CLEARED = replace(_ESCALATED, change=AlertChange.CLEARED, sample_time_us=T0_US + 120)


@pytest.fixture
def store(backend: Backend) -> ShardStore:
    store = backend.open_store()
    store.take_over(KEYS)
    return store


def everything(store: ShardStore) -> bytes:
    return store.read_tail(dict.fromkeys(KEYS, 0)).tobytes()


def test_rows_come_back_bit_for_bit_and_sorted(store: ShardStore) -> None:
    rows = rows_of([(key, T0_US + 1_000_000 * step) for step in range(300) for key in reversed(KEYS)])
    store.commit(ShardCommit(T0_US, rows))
    assert everything(store) == sorted_rows(rows).tobytes()


def test_a_batch_may_span_days_centuries_and_midnight(store: ShardStore) -> None:
    times = [T0_US - 1, T0_US, T0_US + _DAY_US - 1, T0_US + _DAY_US, T0_US - 40 * _DAY_US, 1, T0_US + 40_000 * _DAY_US]
    rows = rows_of([(key, time) for time in times for key in KEYS])
    store.commit(ShardCommit(T0_US, rows))
    assert everything(store) == sorted_rows(rows).tobytes()


def test_the_tail_of_each_battery_begins_after_its_own_watermark(store: ShardStore) -> None:
    times = [T0_US + day * _DAY_US + step for day in range(-3, 2) for step in (0, 1, 2)]
    rows = rows_of([(key, time) for key in KEYS for time in times])
    store.commit(ShardCommit(T0_US, rows))
    watermarks = {key: times[3 * place % len(times)] for place, key in enumerate(KEYS[:-1])}
    wanted = [row["sample_time_us"] > watermarks.get(int(row["battery_key"]), 2**62) for row in rows]
    assert store.read_tail(watermarks).tobytes() == sorted_rows(rows[wanted]).tobytes()
    assert len(store.read_tail({})) == 0


def test_stored_rows_are_found_with_what_was_measured(store: ShardStore) -> None:
    stored = rows_of([(1, T0_US), (2, T0_US + 5), (3, T0_US - _DAY_US)])
    late, too_late = rows_of([(1, T0_US - 7)], seed=1), rows_of([(2, T0_US - 2 * _DAY_US)], seed=2)
    store.commit(ShardCommit(T0_US, stored, late=late, too_late=too_late))
    there = np.concatenate([stored, late, too_late])
    asked = [(2, T0_US), *_pairs(there), (1, T0_US + 1), (2, T0_US - 7), _pairs(stored)[0]]
    found, rows = store.find_rows(*pair_columns(asked))
    assert found.tolist() == [pair in _pairs(there) for pair in asked]
    for name in MEASURED_COLUMNS:
        assert rows[name][1:6].tobytes() == there[name].tobytes()
    assert store.find_rows(*pair_columns([]))[0].tolist() == []


def _pairs(rows: Rows) -> list[tuple[int, int]]:
    return list(zip(rows["battery_key"].tolist(), rows["sample_time_us"].tolist(), strict=True))


def test_the_log_holds_late_rows_in_their_place_and_not_those_that_came_too_late(store: ShardStore) -> None:
    stored, late = rows_of([(1, T0_US), (1, T0_US + 20)]), rows_of([(1, T0_US + 10)], seed=1)
    store.commit(ShardCommit(T0_US, stored))
    revised = stored[1:].copy()
    revised["status"] ^= 1
    store.commit(
        ShardCommit(
            T0_US,
            late=late,
            too_late=rows_of([(1, T0_US + 5)], seed=2),
            revisions=[Revision(1, T0_US + 10)],
            revised=revised,
        )
    )
    tail = store.read_tail({1: 0})
    assert tail["sample_time_us"].tolist() == [T0_US, T0_US + 10, T0_US + 20]
    assert tail["status"].tolist() == [stored["status"][0], late["status"][0], revised["status"][0]]
    assert store.read_tail({1: T0_US + 10}).tobytes() == tail[2:].tobytes()


def test_a_revision_supersedes_the_snapshots_from_its_time_on(store: ShardStore) -> None:
    for n in range(4):
        store.commit(ShardCommit(T0_US, snapshots=[TwinSnapshot(1, T0_US + 10 * n, "v1", b"%d" % n)]))
    newest = TwinSnapshot(1, T0_US + 30, "v1", b"anew")
    store.commit(ShardCommit(T0_US, revisions=[Revision(1, T0_US + 11), Revision(2, T0_US)]))
    assert store.load_snapshots([1], "v1")[1].state == b"1"
    store.commit(ShardCommit(T0_US, snapshots=[newest], revisions=[Revision(1, T0_US + 15)]))
    assert store.load_snapshots([1], "v1") == {1: newest}
    assert store.load_snapshots([1], "v1", {1: T0_US + 30})[1].state == b"1"
    assert store.load_snapshots([1], "v1", {1: T0_US + 10})[1].state == b"0"
    assert store.load_snapshots([1, 2], "v1", {1: T0_US, 2: T0_US}) == {}


def test_the_first_late_row_stays(backend: Backend, store: ShardStore) -> None:
    first, second = rows_of([(1, T0_US)], seed=1), rows_of([(1, T0_US), (2, T0_US)], seed=2)
    first["voltage_v"], second["voltage_v"] = 13.5, 11.0
    first["received_s"], second["received_s"] = 10, 20
    store.commit(ShardCommit(T0_US, late=first))
    store.commit(ShardCommit(T0_US, late=second))
    assert backend.late_rows() == {(1, T0_US): (13.5, 10), (2, T0_US): (11.0, 20)}


def test_alert_changes_happen_once_and_in_order(backend: Backend, store: ShardStore) -> None:
    story = [_RAISED, _ESCALATED, _CLEARED]
    for changes in ([_RAISED], story, story[1:], [_CLEARED]):
        store.commit(ShardCommit(T0_US, alerts=changes))
    assert backend.alert_changes() == [(t.alert_id, t.change, int(t.severity)) for t in story]


def test_only_a_cleared_alert_stands_again(backend: Backend, store: ShardStore) -> None:
    again = replace(_RAISED, change=AlertChange.REOPENED)
    for changes in ([again], [_RAISED, again], [_CLEARED], [_RAISED], [_RAISED, again], [again], [_CLEARED]):
        store.commit(ShardCommit(T0_US, alerts=changes))
    assert [change for _, change, _ in backend.alert_changes()] == [
        *(AlertChange.RAISED, AlertChange.CLEARED, AlertChange.REOPENED, AlertChange.CLEARED)
    ]


def test_a_change_of_an_unknown_alert_is_nothing(backend: Backend, store: ShardStore) -> None:
    store.commit(ShardCommit(T0_US, alerts=[_ESCALATED, _CLEARED]))
    assert backend.alert_changes() == []


def test_everything_in_a_commit_is_stored_together(backend: Backend, store: ShardStore) -> None:
    rows, late = rows_of([(1, T0_US)]), rows_of([(1, T0_US - 5)])
    snapshot = TwinSnapshot(1, T0_US, "v1", b"state")
    store.commit(ShardCommit(T0_US, rows, late, [_RAISED], [snapshot]))
    assert everything(store) == np.concatenate([late, rows]).tobytes()
    assert list(backend.late_rows()) == [(1, T0_US - 5)]
    assert len(backend.alert_changes()) == 1
    assert store.load_snapshots(KEYS, "v1") == {1: snapshot}


@pytest.mark.parametrize("part", ["state", "life"])
@pytest.mark.parametrize("torn", [False, True], ids=["flipped", "torn"])
def test_the_newest_sound_snapshot_is_loaded(
    backend: Backend, store: ShardStore, caplog: pytest.LogCaptureFixture, part: str, torn: bool
) -> None:
    snapshots = [TwinSnapshot(1, T0_US + n, "v1", b"state %d" % n, b"life %d" % n if n else b"") for n in range(3)]
    for snapshot in snapshots:
        store.commit(ShardCommit(T0_US, snapshots=[snapshot]))
    assert store.load_snapshots(KEYS, "v1") == {1: snapshots[2]}
    backend.damage_newest_snapshot(1, part, torn=torn)
    assert store.load_snapshots(KEYS, "v1") == {1: snapshots[1]}
    assert store.load_snapshots(KEYS, "v1", dict.fromkeys(KEYS, T0_US + 1)) == {1: snapshots[0]}, "one without a life"
    assert "damaged" in caplog.text


def test_snapshots_of_another_layout_are_not_loaded(store: ShardStore) -> None:
    store.commit(ShardCommit(T0_US, snapshots=[TwinSnapshot(1, T0_US, "v1", b"old")]))
    assert store.load_snapshots([1], "v2") == {}
    store.commit(ShardCommit(T0_US, snapshots=[TwinSnapshot(1, T0_US, "v2", b"new")]))
    assert store.load_snapshots([1], "v2")[1].state == b"new"


def test_a_snapshot_may_be_taken_again_at_the_same_watermark(store: ShardStore) -> None:
    for state in (b"first", b"second"):
        store.commit(ShardCommit(T0_US, snapshots=[TwinSnapshot(1, T0_US, "v1", state)]))
    assert store.load_snapshots([1], "v1")[1].state == b"second"


def test_whoever_was_taken_over_can_commit_nothing_more(backend: Backend, store: ShardStore) -> None:
    rows = rows_of([(key, T0_US) for key in KEYS])
    store.commit(ShardCommit(T0_US, rows))
    newcomer = backend.open_store()
    newcomer.take_over(KEYS[-1:])
    stale = ShardCommit(T0_US, rows_of([(1, T0_US + 1)]), alerts=[_RAISED], snapshots=[TwinSnapshot(1, 1, "v1", b"x")])
    for _ in range(2):
        with pytest.raises(LeaseLostError):
            store.commit(stale)
    newcomer.commit(ShardCommit(T0_US, rows_of([(KEYS[-1], T0_US + 1)])))
    assert len(newcomer.read_tail(dict.fromkeys(KEYS, 0))) == len(rows) + 1
    assert backend.alert_changes() == []


def test_owners_of_other_batteries_are_left_alone(backend: Backend, store: ShardStore) -> None:
    first, second = backend.open_store(), backend.open_store()
    first.take_over(KEYS[:4])
    second.take_over(KEYS[4:])
    for owner, key in ((first, KEYS[0]), (second, KEYS[-1])):
        owner.commit(ShardCommit(T0_US, rows_of([(key, T0_US)])))
    with pytest.raises(LeaseLostError):
        store.commit(ShardCommit(T0_US, rows_of([(1, T0_US + 1)])))


def test_nothing_can_be_committed_before_a_take_over(backend: Backend) -> None:
    with pytest.raises(LeaseLostError):
        backend.open_store().commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))


def test_a_store_may_take_over_again(store: ShardStore) -> None:
    store.take_over(KEYS)
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    assert len(store.read_tail({1: 0})) == 1


def test_whoever_lost_may_take_back(backend: Backend, store: ShardStore) -> None:
    newcomer = backend.open_store()
    newcomer.take_over(KEYS)
    with pytest.raises(LeaseLostError):
        store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    store.take_over(KEYS)
    store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)])))
    with pytest.raises(LeaseLostError):
        newcomer.commit(ShardCommit(T0_US, rows_of([(2, T0_US)])))
    assert len(store.read_tail(dict.fromkeys(KEYS, 0))) == 1


def test_a_commit_keeps_its_own_copy(store: ShardStore) -> None:
    rows = rows_of([(1, T0_US)])
    kept = rows.tobytes()
    store.commit(ShardCommit(T0_US, rows))
    rows["status"] += 1
    assert everything(store) == kept
    assert np.array(rows).tobytes() != kept


def logged(key: int, seq: int, source_id: str = "") -> LoggedInput:
    given = TwinInput(key, TwinInputKind.CAPACITY_TEST, T0_US - 7, source_id or f"test-{seq}", 0.1 + 0.2, 1 / 3)
    return LoggedInput(seq, T0_US + seq, given)


def test_inputs_come_back_bit_for_bit_after_what_was_taken(store: ShardStore) -> None:
    first = [logged(2, 1), logged(1, 1)]
    store.commit(ShardCommit(T0_US, inputs=first))
    store.commit(
        ShardCommit(T0_US, rows_of([(1, T0_US)]), inputs=[logged(1, 2), replace(logged(1, 3), watermark_us=0)])
    )
    found = store.read_inputs(dict.fromkeys(KEYS, 0))
    assert [(i.content.battery_key, i.seq) for i in found] == [(1, 3), (1, 1), (1, 2), (2, 1)], "by place"
    assert found[1] == first[1]
    assert found[0].watermark_us == 0
    assert [i.seq for i in store.read_inputs({1: 2, 2: 1})] == [3]
    assert store.read_inputs({}) == []


def test_a_replacement_comes_back_without_a_capacity(store: ShardStore) -> None:
    given = LoggedInput(1, T0_US, TwinInput(1, TwinInputKind.REPLACEMENT, T0_US - 7, "event"))
    store.commit(ShardCommit(T0_US, inputs=[given]))
    assert store.read_inputs({1: 0}) == [given]


def test_stored_inputs_are_known_by_battery_and_source(store: ShardStore) -> None:
    store.commit(ShardCommit(T0_US, inputs=[logged(1, 1, "a"), logged(2, 1, "b")]))
    assert store.stored_inputs({(1, "a"), (1, "b"), (2, "b"), (3, "a")}) == {(1, "a"), (2, "b")}
    assert store.stored_inputs(set()) == set()


def test_inputs_are_stored_with_their_commit_or_not_at_all(backend: Backend, store: ShardStore) -> None:
    backend.open_store().take_over(KEYS)
    with pytest.raises(LeaseLostError):
        store.commit(ShardCommit(T0_US, rows_of([(1, T0_US)]), inputs=[logged(1, 1)]))
    reader = backend.open_store()
    reader.take_over(KEYS)
    assert reader.read_inputs({1: 0}) == []
    assert len(reader.read_tail({1: 0})) == 0
