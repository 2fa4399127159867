"""The lives that shards keep are those that the stored history makes, whatever came late or was replaced."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.filter_parameters import FilterParameters
from actors.life_history import lives_of_history
from actors.life_inputs import life_records
from actors.local_fleet import LocalFleet
from actors.placement import place_twins
from actors.shard import TwinShard
from batterytwin.events import CurrentSensor, TwinInput, TwinInputKind
from batterytwin.telemetry import READING_DTYPE, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.partitions import DAY_US
from storage.postgres_shard_store import PostgresShardStore
from storage.snapshot_keeper import thin_snapshots
from tests.actors.fleet_bench import feed
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import MINUTE_US, START_US, eventful_frames, small_specs
from tests.actors.test_late_rows import FRAMES, NEVER_S, SPECS, Twins
from tests.actors.test_replacement import final_rows, told_in_time

KEYS = np.array([spec.battery_key for spec in SPECS], np.int32)
PARAMETERS = FilterParameters.from_specs(SPECS)
MONDAY_US = (START_US // (7 * DAY_US) * 7 + 4) * DAY_US


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), snapshot_interval_s=st.sampled_from([0.0, NEVER_S]))
def test_lives_are_those_of_the_stored_history(seed: int, snapshot_interval_s: float) -> None:
    rng = np.random.default_rng(seed)
    twins = Twins.fresh(snapshot_interval_s)
    late = rng.random(len(FRAMES)) < 0.1
    for part in np.split(FRAMES[~late], np.sort(rng.integers(0, len(FRAMES), 6))):
        twins.shard.apply(part, START_US)
    twins.shard.apply(rng.permutation(FRAMES[late]), START_US)
    expected = lives_of_history(twins.final_rows(), KEYS, PARAMETERS)
    assert twins.shard._memory.lives.tobytes() == expected.tobytes()
    again = twins.reopened().shard
    assert again.life_inputs().tobytes() == twins.shard.life_inputs().tobytes()
    assert (life_records(again.life_inputs())["observed_s"] > 0.0).all()
    some = np.array([len(KEYS) - 1, 0], np.int32)
    assert again.life_inputs(some).tobytes() == again.life_inputs()[some].tobytes()


@pytest.mark.parametrize("minute", [10, 60, 119])
def test_a_new_block_has_a_life_of_its_own(minute: int) -> None:
    database, shard = told_in_time(START_US + minute * MINUTE_US + 7)
    at_us = START_US + minute * MINUTE_US + 7
    rows = final_rows(database)
    new = rows[(rows["battery_key"] == KEYS[0]) & (rows["sample_time_us"] > at_us)]
    expected = lives_of_history(new, KEYS[:1], PARAMETERS.take(np.zeros(1, np.int32)), np.array([float(at_us)]))
    assert shard._memory.lives[:1].tobytes() == expected.tobytes()
    known = life_records(shard.life_inputs())
    assert known["installed_us"][0] == at_us
    assert np.nan_to_num(known["thermal_age_s"][0]) < 86_400.0 < known["thermal_age_s"][1]


def test_where_no_life_was_kept_it_begins_from_the_age_that_the_filter_knows() -> None:
    twins = Twins.fresh()
    twins.shard.apply(FRAMES, START_US)
    twins.shard.snapshot_now()
    for stored in twins.database.snapshots.values():
        stored[0].snapshot = replace(stored[0].snapshot, life=b"")
        stored[0].sha256 = hashlib.sha256(stored[0].snapshot.state).digest()
    again = twins.reopened().shard
    before, known = life_records(twins.shard.life_inputs()), life_records(again.life_inputs())
    assert (known["observed_s"] == 0.0).all()
    assert known["stress_age_s"] == pytest.approx(before["stress_age_s"], rel=5e-3), "wear is in it"
    assert known["told_soh_capacity"].tolist() == before["told_soh_capacity"].tolist()
    later = FRAMES[-6:].copy()
    later["sample_time_us"] += 10 * MINUTE_US
    again.apply(later, START_US)
    assert (life_records(again.life_inputs())["as_of_us"] == later["sample_time_us"].max()).all()
    assert (life_records(again.life_inputs())["observed_s"] > 0.0).any()
    again.snapshot_now()
    assert again.state_hashes() == twins.reopened().shard.state_hashes()


async def test_what_is_known_does_not_depend_on_the_grain() -> None:
    specs, found = small_specs(48), []
    for grain in (None, 24, 1):
        fleet = LocalFleet(place_twins(specs, grain), lambda: MemoryShardStore(MemoryDatabase()), NEVER_S)
        await fleet.start()
        await feed(fleet, eventful_frames(48, 12))
        known = [await fleet.life_inputs(shard) for shard in range(len(fleet.shard_specs))]
        await fleet.stop()
        found.append(np.concatenate(known).tobytes())
    assert len(set(found)) == 1


def steady_day(day: int) -> Rows:
    """A day of one battery, which is warmer on some days than on others, a row each half hour."""
    rows = np.zeros(48, READING_DTYPE)
    rows["sample_time_us"] = MONDAY_US + day * DAY_US + np.arange(48) * 30 * MINUTE_US
    rows["voltage_v"], rows["current_a"], rows["temperature_c"] = 13.6, 0.05, 25.0 + day % 5
    rows["internal_resistance_mohm"] = np.nan
    return rows


@pytest.mark.parametrize("days_late", [29, 40])
async def test_a_sensor_that_is_told_of_very_late_leaves_the_life_of_before(database_url: str, days_late: int) -> None:
    specs = (await registered_specs(database_url, 2))[:1]
    thinned = TwinShard(specs, PostgresShardStore(database_url), NEVER_S)
    whole = TwinShard(specs, MemoryShardStore(MemoryDatabase()), NEVER_S)
    for shard in (thinned, whole):
        shard.restore()
    for day in range(48):
        for shard in (thinned, whole):
            shard.apply(steady_day(day), START_US)
            shard.snapshot_now()
        thin_snapshots(database_url, 730)
    at_us = MONDAY_US + (48 - days_late) * DAY_US
    told = TwinInput(
        specs[0].battery_key, TwinInputKind.CURRENT_SENSOR, at_us, "sensor", current_sensor=CurrentSensor(False, 0.0)
    )
    for shard in (thinned, whole):
        shard.apply_inputs([told])
    assert thinned.copy().lives.tobytes() == whole.copy().lives.tobytes()
    assert thinned.state_hashes() == whole.state_hashes()
    thinned.close()
