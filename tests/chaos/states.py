"""Compares the states of twins, bit for bit, with those of twins that got the same rows undisturbed."""

from collections.abc import Sequence

import numpy as np

from actors.fleet import Fleet, TwinSpec
from actors.local_fleet import LocalFleet
from batterytwin.telemetry import READING_DTYPE, Rows, snap_to_grid
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from tests.chaos.ledger import Ledger, voltage_v

NEVER_S = 1e9
_PARTS_OF = 500


async def differing(found: Fleet, specs: Sequence[TwinSpec], ledgers: Sequence[Ledger]) -> int:
    """How many twins of a fleet, not yet started, differ from those of an even run.

    The even run applies what was acknowledged in the order of sample times, once, in one process, to a store in memory.

    Args:
        found: restores the twins under test.
        specs: twins of the fleet.
        ledgers: what each gateway had acknowledged.
    """
    database = MemoryDatabase()
    even = LocalFleet([specs], lambda: MemoryShardStore(database), NEVER_S)
    places = {spec.battery_id: place for place, spec in enumerate(specs)}
    await even.start()
    try:
        for ledger in ledgers:
            twins = [places[name] for name in ledger.battery_ids]
            for part in np.array_split(ledger.acked(), max(1, len(ledger.acked()) // _PARTS_OF)):
                await even.apply(0, reading_rows(ledger, part, twins), ledger.base_us)
        await found.start()
        try:
            expected, states = await even.state_hashes(), await found.state_hashes()
        finally:
            await found.stop()
    finally:
        await even.stop()
    return sum(states.get(key) != state for key, state in expected.items())


def reading_rows(ledger: Ledger, sequences: np.ndarray, twins: Sequence[int]) -> Rows:
    """Rows of some sequences for every battery of a gateway, as the server makes them of its batches."""
    every = np.repeat(sequences, len(twins))
    rows = np.zeros(len(every), READING_DTYPE)
    rows["twin"] = np.tile(np.asarray(twins, np.int32), len(sequences))
    rows["sample_time_us"] = ledger.time_us(every)
    rows["voltage_v"] = voltage_v(every)
    rows["current_a"] = snap_to_grid("current_a", np.full(len(every), 0.02, np.float32))
    rows["temperature_c"] = snap_to_grid("temperature_c", np.full(len(every), 26.0, np.float32))
    rows["internal_resistance_mohm"] = np.nan
    return rows
