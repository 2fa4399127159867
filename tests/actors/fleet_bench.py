"""What every fleet must do, whatever it runs on; see `test_local_fleet` and `test_ray_fleet`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from actors.fleet import Fleet, ShardResult, TwinSpec
from actors.local_fleet import LocalFleet
from actors.placement import place_twins
from batterytwin.errors import LeaseLostError, ShardUnavailableError
from batterytwin.telemetry import Outcome, Rows
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.actors.evidence import evidence
from tests.actors.telemetry import START_US, eventful_frames

NEVER_S = 1e9


@dataclass(frozen=True)
class FleetBench:
    """A database with twins in it, and fleets on it.

    Attributes:
        specs: twins, in fleet order.
        make: makes a fleet from the twins of each shard.
    """

    specs: list[TwinSpec]
    make: Callable[[list[list[TwinSpec]]], Fleet]

    def frames(self, count: int, first: int = 0) -> list[Rows]:
        """Frames for all twins."""
        return eventful_frames(len(self.specs), count, first=first)

    async def started(self, twins_per_actor: int | None) -> Fleet:
        """A fleet of this grain, restored."""
        fleet = self.make(place_twins(self.specs, twins_per_actor))
        await fleet.start()
        return fleet


async def feed(fleet: Fleet, frames: Sequence[Rows], send: Callable[..., Awaitable[ShardResult]] | None = None) -> None:
    """Sends frames of the whole fleet, each shard its own part, shards side by side."""
    send = send or fleet.apply
    starts = np.cumsum([0, *map(len, fleet.shard_specs)])

    async def feed_shard(shard: int) -> None:
        for frame in frames:
            part = frame[(frame["twin"] >= starts[shard]) & (frame["twin"] < starts[shard + 1])].copy()
            part["twin"] -= starts[shard]
            await send(shard, part, START_US)

    await asyncio.gather(*map(feed_shard, range(len(fleet.shard_specs))))


async def reference_hashes(specs: list[TwinSpec], frames: Sequence[Rows]) -> dict[int, str]:
    """States of twins in one shard of this process that nothing ever disturbed."""
    fleet = LocalFleet([specs], lambda: MemoryShardStore(MemoryDatabase()), NEVER_S)
    await fleet.start()
    await feed(fleet, frames)
    hashes = await fleet.state_hashes()
    await fleet.stop()
    return hashes


async def check_grains(bench: FleetBench, grains: Sequence[int | None], frames_each: int) -> None:
    """Fleets of all grains, one after the other on one database, make the same twins as one that never changed."""
    for k, grain in enumerate(grains):
        fleet = await bench.started(grain)
        await feed(fleet, bench.frames(frames_each, first=k * frames_each))
        hashes = await fleet.state_hashes()
        await fleet.stop()
        assert hashes == await reference_hashes(bench.specs, bench.frames((k + 1) * frames_each)), grain


async def check_twice_is_once(bench: FleetBench, grain: int | None) -> None:
    """Rows that are sent again change nothing and are told to be duplicates."""
    frames = bench.frames(20)
    fleet = await bench.started(grain)
    outcomes: list[int] = []

    async def send_twice(shard: int, rows: Rows, receive_time_us: int) -> ShardResult:
        first = await fleet.apply(shard, rows, receive_time_us)
        again = await fleet.apply(shard, rows, receive_time_us)
        assert again.live.tobytes() == first.live.tobytes()
        outcomes.extend(again.outcome.tolist())
        return again

    await feed(fleet, frames, send_twice)
    assert set(outcomes) == {Outcome.DUPLICATE}
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, frames)
    await fleet.stop()


async def check_take_over(bench: FleetBench, grain: int | None, new_grain: int | None) -> None:
    """A second fleet takes the twins over with their state; the first one can store nothing any more."""
    frames = bench.frames(12)
    stale = await bench.started(grain)
    await feed(stale, frames[:10])
    owner = await bench.started(new_grain)
    with pytest.raises((LeaseLostError, ShardUnavailableError)):
        await feed(stale, frames[10:])
    await feed(owner, frames[10:])
    assert await owner.state_hashes() == await reference_hashes(bench.specs, frames)
    await owner.stop()
    await stale.stop()


async def check_present(bench: FleetBench, grain: int | None) -> None:
    """What `start` and `wait_restored` tell is what the last answers told."""
    frames = bench.frames(8)
    fleet = await bench.started(grain)
    await feed(fleet, frames)
    before = [await fleet.wait_restored(shard) for shard in range(len(fleet.shard_specs))]
    assert await fleet.ready() == [True] * len(fleet.shard_specs)
    await fleet.stop()
    again = bench.make(place_twins(bench.specs, grain))
    present = await again.start()
    assert [rows.tobytes() for rows in present] == [rows.tobytes() for rows in before]
    assert all((rows["as_of_us"] == frames[-1]["sample_time_us"][0]).all() for rows in present)
    await again.stop()


async def check_added_shard(bench: FleetBench) -> None:
    """A shard that joins later is like the others."""
    half = len(bench.specs) // 2
    fleet = bench.make([bench.specs[:half]])
    await fleet.start()
    present = await fleet.add_shard(bench.specs[half:])
    assert len(present) == len(bench.specs) - half
    await feed(fleet, bench.frames(5))
    assert await fleet.state_hashes() == await reference_hashes(bench.specs, bench.frames(5))
    await fleet.stop()


async def give_evidence(fleet: Fleet, specs: Sequence[TwinSpec], source_id: str) -> list[int]:
    """Gives every third twin an input, each shard its own; returns the outcomes."""
    chosen = {spec.battery_key for spec in specs[::3]}
    outcomes: list[int] = []
    for shard, held in enumerate(fleet.shard_specs):
        inputs = [evidence(spec.battery_key, source_id, 0.7) for spec in held if spec.battery_key in chosen]
        if inputs:
            outcomes += (await fleet.apply_inputs(shard, inputs)).outcome.tolist()
    return outcomes


async def check_inputs_in_the_log(bench: FleetBench, grains: Sequence[int | None]) -> None:
    """Evidence between readings survives restarts: fleets of all grains make the twins of one that never stopped."""
    reference = LocalFleet([bench.specs], lambda: MemoryShardStore(MemoryDatabase()), NEVER_S)
    await reference.start()
    for k, grain in enumerate(grains):
        frames = bench.frames(8, first=8 * k)
        fleet = await bench.started(grain)
        for each in (reference, fleet):
            await feed(each, frames[:5])
            assert set(await give_evidence(each, bench.specs, f"test-{k}")) == {Outcome.APPLIED}
            assert set(await give_evidence(each, bench.specs, f"test-{k}")) == {Outcome.DUPLICATE}
            await feed(each, frames[5:])
        assert await fleet.state_hashes() == await reference.state_hashes(), grain
        stale, fleet = fleet, await bench.started(grain)  # without a snapshot: the log alone
        assert await fleet.state_hashes() == await reference.state_hashes(), grain
        await fleet.stop()
        await stale.stop()
    await reference.stop()
