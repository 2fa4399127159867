"""Branches: as sure as they say, the same for the same seed, and nobody else's business."""

import numpy as np
import pytest

from actors.branch_copy import copy_of_nothing, copy_present, describe
from actors.fleet import TwinSpec
from actors.local_fleet import LocalFleet
from actors.twin_memory import TwinMemory
from batterytwin.telemetry import Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.branch_runs import BLOCK, BRK, HOUR_US, LiveWorld, live_world, play
from tests.actors.branch_signatures import coverage
from tests.actors.filter_runs import battery
from tests.actors.telemetry import eventful_frames, small_specs


@pytest.fixture(scope="module")
def world() -> LiveWorld:
    return live_world()


def test_a_branch_without_a_scenario_is_as_sure_as_it_says(world: LiveWorld) -> None:
    """Of what the live batteries show over a day, so much lies within one and two sigma of an ensemble."""
    found = coverage(world)
    assert 0.60 <= found["within_1_sigma"] <= 0.76
    assert 0.91 <= found["within_2_sigma"] <= 0.98


def test_the_same_seed_makes_the_same_branch_and_another_one_does_not(world: LiveWorld) -> None:
    outage = play("power_outage", BRK, duration_h=0.05)
    runs = [world.branch(outage, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        run.branch.advance(world.now_us + HOUR_US // 2)
    first, again, other = (run.branch.state_hashes() for run in runs)
    assert first == again
    assert all(first[key] != other[key] for key in first)


def test_how_a_branch_is_paced_does_not_matter(world: LiveWorld) -> None:
    at_once, in_steps = world.branch(seed=4), world.branch(seed=4)
    at_once.branch.advance(world.now_us + HOUR_US // 4)
    for k in range(30):
        in_steps.branch.advance(world.now_us + k * 30_000_000 + 30_000_000)
    assert at_once.branch.state_hashes() == in_steps.branch.state_hashes()


def test_twins_of_a_branch_begin_as_their_originals_and_leave_them_alone(world: LiveWorld) -> None:
    before = [world.memory.state_hash(twin) for twin in range(len(world.specs))]
    run = world.branch(play("shorted_cell", BLOCK))
    assert list(run.branch.state_hashes().values()) == before
    run.branch.advance(world.now_us + HOUR_US // 2)
    assert [world.memory.state_hash(twin) for twin in range(len(world.specs))] == before
    assert list(run.branch.state_hashes().values()) != before


async def test_the_live_fleet_is_the_same_with_and_without_branches() -> None:
    specs = small_specs(48)
    frames = eventful_frames(48, 30)
    alone = await _live(specs, frames, branches=0)
    assert await _live(specs, frames, branches=3) == alone


async def _live(specs: list[TwinSpec], frames: list[Rows], branches: int) -> dict[int, str]:
    database = MemoryDatabase()
    fleet = LocalFleet([specs[:24], specs[24:]], lambda: MemoryShardStore(database), 1e9)
    await fleet.start()
    for number, frame in enumerate(frames):
        for shard in range(2):
            rows = frame[24 * shard : 24 * shard + 24].copy()
            rows["twin"] -= 24 * shard
            await fleet.apply(shard, rows, int(rows["sample_time_us"].max()))
        if branches and number == len(frames) // 2:
            for _ in range(branches):
                copy = copy_present(specs, MemoryShardStore(database))
                assert _hashes(specs, copy) == await fleet.state_hashes()
                copy.state[:] += 1.0
                copy.records["watermark_us"] += 1
    hashes = await fleet.state_hashes()
    await fleet.stop()
    return hashes


def _hashes(specs: list[TwinSpec], memory: TwinMemory) -> dict[int, str]:
    return {spec.battery_key: memory.state_hash(twin) for twin, spec in enumerate(specs)}


def test_without_readings_a_copy_says_what_the_data_sheet_says() -> None:
    specs = small_specs(24)
    copies = describe(specs, copy_of_nothing(specs, 1_760_000_000_000_000))
    assert copies["float_v"] == pytest.approx(specs[0].datasheet.float_v, abs=0.02)
    assert np.all((copies["life_fraction"] > 0.1) & (copies["life_fraction"] < 1.0))
    assert np.all(copies["soh_capacity_sigma"] > 0.02)


def test_in_a_mixed_fleet_each_copy_follows_its_own_data_sheet() -> None:
    """Both models beside each other are told what each is told alone."""
    begin_us = 1_760_000_000_000_000
    mixed = [battery(120.0), battery(9.0), battery(120.0)]
    together = describe(mixed, copy_of_nothing(mixed, begin_us))
    for place, spec in enumerate(mixed):
        alone = describe([spec], copy_of_nothing([spec], begin_us))
        assert together[place].tobytes() == alone[0].tobytes()
