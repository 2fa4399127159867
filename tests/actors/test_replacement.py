"""Replaced blocks and corrected sensors: the twin is the same whenever it is told of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.filter_layout import state_records
from actors.shard import TwinShard
from batterytwin.alerts import AlertChange, AlertRule
from batterytwin.errors import InvalidArgumentError
from batterytwin.events import REACH_US, CurrentSensor, TwinInput, TwinInputKind
from batterytwin.telemetry import STORED_ESTIMATE_COLUMNS, Outcome, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.evidence import evidence
from tests.actors.telemetry import MINUTE_US, START_US, eventful_frames, small_specs

BLOCKS = 3
SPECS = small_specs(BLOCKS)
KEY = SPECS[0].battery_key
FRAMES = np.concatenate(eventful_frames(BLOCKS, 120))
NEVER_S = 1e9


def open_shard(database: MemoryDatabase, snapshot_interval_s: float = NEVER_S) -> TwinShard:
    shard = TwinShard(SPECS, MemoryShardStore(database), snapshot_interval_s)
    shard.restore()
    return shard


def replacement(time_us: int, source_id: str = "replacement", key: int = KEY) -> TwinInput:
    return TwinInput(key, TwinInputKind.REPLACEMENT, time_us, source_id)


def rows_until(time_us: int) -> Rows:
    return FRAMES[FRAMES["sample_time_us"] <= time_us]


def rows_after(time_us: int) -> Rows:
    return FRAMES[FRAMES["sample_time_us"] > time_us]


def final_rows(database: MemoryDatabase) -> Rows:
    rows = database.log_rows()
    for place, row in enumerate(rows):
        revised = database.revised.get((int(row["battery_key"]), int(row["sample_time_us"])))
        if revised is not None:
            for name in (*STORED_ESTIMATE_COLUMNS, "status"):
                rows[name][place] = revised[name]
    return rows


def told_in_time(time_us: int) -> tuple[MemoryDatabase, TwinShard]:
    database = MemoryDatabase()
    shard = open_shard(database)
    shard.apply(rows_until(time_us), START_US)
    shard.apply_inputs([replacement(time_us)])
    shard.apply(rows_after(time_us), START_US)
    return database, shard


@settings(max_examples=12, deadline=None)
@given(
    at=st.integers(-5, 125).map(lambda minutes: START_US + minutes * MINUTE_US + 7),
    told=st.integers(0, 120),
    snapshot_after=st.sampled_from([0.0, NEVER_S]),
)
def test_when_it_is_told_of_makes_no_difference(at: int, told: int, snapshot_after: float) -> None:
    expected_database, expected = told_in_time(at)
    database = MemoryDatabase()
    shard = open_shard(database, snapshot_after)
    told_us = START_US + told * MINUTE_US
    shard.apply(rows_until(told_us), START_US)
    shard.apply_inputs([replacement(at)])
    shard.apply(rows_after(told_us), START_US)
    assert shard.state_hashes() == expected.state_hashes()
    assert final_rows(database).tobytes() == final_rows(expected_database).tobytes()
    assert open_shard(database).state_hashes() == expected.state_hashes(), "snapshot and log make the same"


EXCHANGES = [
    (START_US + minutes * MINUTE_US + 7, name) for minutes, name in ((20, "first"), (70, "second"), (100, "third"))
]


@pytest.mark.parametrize("told", [0, 50, 110])
@pytest.mark.parametrize("order", [*itertools.permutations(EXCHANGES)])
def test_blocks_that_are_told_of_at_once_stand_in_order_of_their_times(told: int, order: list[tuple[int, str]]) -> None:
    expected = open_shard(MemoryDatabase())
    begin_us = 0
    for at, name in EXCHANGES:
        until = rows_until(at)
        expected.apply(until[until["sample_time_us"] > begin_us], START_US)
        expected.apply_inputs([replacement(at, name)])
        begin_us = at
    expected.apply(rows_after(begin_us), START_US)
    database = MemoryDatabase()
    shard = open_shard(database)
    told_us = START_US + told * MINUTE_US
    shard.apply(rows_until(told_us), START_US)
    shard.apply_inputs([replacement(at, name) for at, name in order])
    shard.apply(rows_after(told_us), START_US)
    assert state_records(shard._memory.state)["installed_us"][0] == begin_us
    assert shard.state_hashes() == expected.state_hashes()
    assert open_shard(database).state_hashes() == shard.state_hashes(), "the log makes the same"


def test_told_of_at_once_is_told_of_one_after_the_other() -> None:
    at = START_US + 60 * MINUTE_US
    inputs = [
        replacement(at + 2 * MINUTE_US, "second"),
        evidence(KEY, "test", soh=0.6, time_us=at + 2 * MINUTE_US + 1),
        replacement(at + MINUTE_US, "first"),
        sensor(at + 3 * MINUTE_US, KEY, discharge_positive=True),
    ]
    together, apart = open_shard(MemoryDatabase()), open_shard(MemoryDatabase())
    for shard in (together, apart):
        shard.apply(rows_until(at), START_US)
    together.apply_inputs(inputs)
    for given_input in inputs:
        apart.apply_inputs([given_input])
    assert together.state_hashes() == apart.state_hashes()
    for shard in (together, apart):
        shard.apply(rows_after(at), START_US)
    assert together.live()["soh_capacity"][0] == pytest.approx(0.6, abs=0.05), "the test was of the second block"
    assert together.state_hashes() == apart.state_hashes()


def test_the_new_twin_is_one_that_has_seen_only_its_own_readings() -> None:
    at = START_US + 60 * MINUTE_US
    _, shard = told_in_time(at)
    fresh = open_shard(MemoryDatabase())
    fresh.apply_inputs([replacement(at)])
    fresh.apply(rows_after(at), START_US)
    for name in ("soc", "soh_capacity", "r0_ohm", "voltage_v", "as_of_us"):
        assert shard.live()[name][0] == fresh.live()[name][0], name
    other = shard.live()["soh_capacity"][1]
    assert shard.live()["soh_capacity"][0] > other, "the neighbour, in service for years, has faded"


def test_a_new_block_has_no_values_before_its_first_reading() -> None:
    shard = open_shard(MemoryDatabase())
    shard.apply(FRAMES, START_US)
    at = int(FRAMES["sample_time_us"][-1]) + MINUTE_US
    result = shard.apply_inputs([replacement(at)])
    live = result.live[0]
    assert result.twins.tolist() == [0]
    assert live["as_of_us"] == FRAMES["sample_time_us"][-1], "nothing has been measured since"
    for name in ("soc", "soh_capacity", "r0_ohm", "voltage_v", "internal_resistance_mohm"):
        assert np.isnan(live[name]), name


def test_a_row_from_before_the_exchange_goes_to_the_block_that_went() -> None:
    at = START_US + 60 * MINUTE_US
    _, expected = told_in_time(at)
    database = MemoryDatabase()
    shard = open_shard(database)
    gap_us = START_US + 50 * MINUTE_US
    shard.apply(rows_until(gap_us), START_US)
    shard.apply_inputs([replacement(at)])
    between = rows_after(gap_us)
    between = between[between["sample_time_us"] <= at]
    outcomes = shard.apply(between, START_US).outcome
    assert set(outcomes[between["twin"] == 0].tolist()) == {Outcome.LATE}
    shard.apply(rows_after(at), START_US)
    assert shard.state_hashes() == expected.state_hashes()


def test_evidence_of_the_old_block_says_nothing_of_the_new_one() -> None:
    at = START_US + 60 * MINUTE_US
    _, expected = told_in_time(at)
    shard = open_shard(MemoryDatabase())
    shard.apply(FRAMES, START_US)
    shard.apply_inputs([evidence(KEY, "test", soh=0.4, time_us=at - MINUTE_US)])
    shard.apply_inputs([replacement(at)])
    assert shard.live()["soh_capacity"][0] == expected.live()["soh_capacity"][0]


def test_alerts_of_the_old_block_end_with_it() -> None:
    database = MemoryDatabase()
    shard = open_shard(database)
    rows = FRAMES.copy()
    rows["temperature_c"][rows["twin"] == 0] = 55.0
    shard.apply(rows, START_US)
    hot = [c for c in database.alert_changes if c.rule == AlertRule.TEMPERATURE_HIGH and c.battery_key == KEY]
    assert [change.change for change in hot] == [AlertChange.RAISED]
    at = int(rows["sample_time_us"][-1]) + MINUTE_US
    result = shard.apply_inputs([replacement(at)])
    cleared = [change for change in result.alerts if change.change == AlertChange.CLEARED]
    assert hot[0].alert_id in {change.alert_id for change in cleared}
    assert all("replaced" in change.message and change.sample_time_us == at for change in cleared)


def test_the_current_sensor_is_the_strings_and_stays_known() -> None:
    shard = open_shard(MemoryDatabase())
    shard.apply(FRAMES, START_US)
    memory = shard._memory
    state_records(memory.state)["current_offset_a"][0] = 0.125
    shard.apply_inputs([replacement(int(FRAMES["sample_time_us"][-1]) + 1)])
    assert state_records(shard._memory.state)["current_offset_a"][0] == 0.125


def test_a_replacement_told_of_very_late_reaches_back_a_month() -> None:
    database = MemoryDatabase()
    shard = open_shard(database)
    late = FRAMES.copy()
    late["sample_time_us"] += REACH_US + 10 * MINUTE_US
    shard.apply(FRAMES, START_US)
    shard.apply(late, START_US)
    newest_us = int(late["sample_time_us"][-1])
    shard.apply_inputs([replacement(START_US + MINUTE_US)])
    (revision,) = database.revisions
    assert revision.from_us == newest_us - REACH_US
    assert open_shard(database).state_hashes() == shard.state_hashes()


def sensor(time_us: int, key: int, *, discharge_positive: bool) -> TwinInput:
    told = CurrentSensor(discharge_positive, 0.25)
    return TwinInput(key, TwinInputKind.CURRENT_SENSOR, time_us, "sensor", current_sensor=told)


def corrected(told_after: int) -> dict[int, str]:
    """Hashes of twins whose sensor was turned round after an hour, when that is told of after some minutes."""
    at = START_US + 60 * MINUTE_US + 7
    rows = FRAMES.copy()
    after = rows["sample_time_us"] > at
    rows["current_a"][after] = 0.25 - rows["current_a"][after]
    told_us = START_US + told_after * MINUTE_US
    database = MemoryDatabase()
    shard = open_shard(database)
    shard.apply(rows[rows["sample_time_us"] <= told_us], START_US)
    shard.apply_inputs([sensor(at, spec.battery_key, discharge_positive=True) for spec in SPECS])
    shard.apply(rows[rows["sample_time_us"] > told_us], START_US)
    assert (shard.live()["current_sign"] == -1).all()
    assert open_shard(database).state_hashes() == shard.state_hashes()
    return shard.state_hashes()


def test_work_on_a_current_sensor_holds_from_its_time_on() -> None:
    in_time = corrected(60)
    assert corrected(0) == in_time
    assert corrected(61) == in_time
    assert corrected(120) == in_time


def test_a_sensor_that_is_none_is_refused() -> None:
    shard = open_shard(MemoryDatabase())
    with pytest.raises(InvalidArgumentError, match="current sensor"):
        shard.apply_inputs([TwinInput(KEY, TwinInputKind.CURRENT_SENSOR, START_US, "sensor")])
