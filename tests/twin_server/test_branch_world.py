"""Branches of twins that a database holds: their very states, now and in the past, while their owner goes on."""

from pathlib import Path

import numpy as np
import pytest

from actors.shard import TwinShard
from batterytwin.errors import InvalidArgumentError
from batterytwin.telemetry import Outcome
from storage.postgres_shard_store import PostgresShardStore
from tests.actors.postgres_bench import registered_specs
from tests.actors.telemetry import START_US, eventful_frames
from tests.fixtures.small_fleet import small_inventory
from twin_server.branch_world import BranchOrigin, origin_of_database
from twin_server.inventory_part import part_of_inventory

FRAMES = eventful_frames(24, 40)
NEVER_S = 1e9


def hashes(origin: BranchOrigin) -> dict[int, str]:
    return {spec.battery_key: origin.memory.state_hash(twin) for twin, spec in enumerate(origin.specs)}


async def test_copies_are_the_states_and_the_owner_goes_on(database_url: str, tmp_path: Path) -> None:
    specs = await registered_specs(database_url, 24)
    inventory = part_of_inventory(small_inventory(), [specs[0].string_id])
    with pytest.raises(InvalidArgumentError):
        origin_of_database(inventory, specs, database_url, tmp_path, strings={})
    owner = TwinShard(specs, PostgresShardStore(database_url, tmp_path), NEVER_S)
    owner.restore()
    for frame in FRAMES[:20]:
        owner.apply(frame, START_US)
    past, past_us = owner.state_hashes(), int(FRAMES[19]["sample_time_us"].max())
    owner.snapshot_now()
    for frame in FRAMES[20:30]:
        owner.apply(frame, START_US)
    origin = origin_of_database(inventory, specs, database_url, tmp_path, strings={})
    assert hashes(origin) == owner.state_hashes()
    assert origin.time_us == int(FRAMES[29]["sample_time_us"].max())
    branch, _ = origin.branch([], seed=1)
    branch.advance(origin.time_us + 180_000_000)
    then = origin_of_database(inventory, specs, database_url, tmp_path, strings={}, at_us=past_us)
    assert hashes(then) == past
    before = owner.state_hashes()
    assert hashes(origin) == before
    outcome = np.concatenate([owner.apply(frame, START_US).outcome for frame in FRAMES[30:]])
    assert (outcome <= Outcome.SUSPECT).all(), "copying takes nothing over"
    owner.close()
