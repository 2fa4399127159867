"""What was learnt of a block goes with it, whatever was cut off on the way; what was learnt of the next one stays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from actors.string_state import LAYOUT, initial_states, pack_state, unpack_state, unpack_units
from batterytwin.alerts import AlertRule, AlertTransition
from batterytwin.diagnosis import FaultClass
from batterytwin.errors import StoreUnavailableError
from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import READING_DTYPE
from storage.string_state_table import StringStateRecord
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.alert_hub import AlertHub
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap
from twin_server.string_alerts import StringAlerts
from twin_server.string_watch import StringWatch

INVENTORY = small_inventory(("AAA",))
STRING, BLOCK, NEIGHBOUR = "AAA-U1-S01", 7, 3
BLOCKS = 24
LAST_US = 1_700_000_000_000_000
FIRST_UNITS = np.ones(BLOCKS, np.int16)


class Store:
    """States of strings, and no alerts."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        self.is_away = False

    async def save_string_states(self, records: Sequence[StringStateRecord]) -> None:
        if self.is_away:
            raise StoreUnavailableError("the database is away", retry_after_s=1.0)
        self.states |= {record.string_id: record.state for record in records}

    async def load_string_states(self, layout: str) -> dict[str, bytes]:
        assert layout == LAYOUT
        return dict(self.states)

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        """Is told of faults."""

    async def active_alerts(self) -> list[Any]:
        return []

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[Any]:  # noqa: ARG002 - of the protocol
        return []

    async def tell_alerts(self, at_us: Mapping[str, int]) -> None:
        """Is told of what nobody heard of."""

    async def last_change_seq(self) -> int:
        return 0

    async def changes_since(self, seq: int, limit: int) -> list[Any]:  # noqa: ARG002 - of the protocol
        return []


def remembered(units: np.ndarray[Any, Any] | None) -> bytes:
    """State of a string with a fault in two of its blocks."""
    state = initial_states(1, BLOCKS)
    state["first_us"], state["last_us"], state["raw_slow"] = 1, LAST_US, 0.1
    state["active"][0, FaultClass.SHORTED_CELL, [BLOCK, NEIGHBOUR]] = True
    return pack_state(state, BLOCKS) if units is None else pack_state(state, BLOCKS, units)


class World:
    """A server over a database: what blocks stand in its slots, and what is remembered of strings."""

    def __init__(self, store: Store, replaced: Sequence[int] = ()) -> None:
        specs = specs_of(INVENTORY)
        self.map = FleetMap(INVENTORY, [specs])
        live = LiveTable(self.map, LocationClocks([place.clock for place in INVENTORY.locations]))
        self.watch = StringWatch(store, live, StringAlerts(store, AlertHub(store, live), self.map))
        self.replace(*replaced)

    def replace(self, *ordinals: int) -> None:
        keys = self.map.battery_keys
        self.map.take_units({int(keys[ordinal]): BatteryUnit(2, "NEW", LAST_US - 1) for ordinal in ordinals})

    @property
    def faulty(self) -> list[int]:
        return [place for diagnosis in self.watch.diagnoses_of(0) for place in diagnosis.positions]


async def test_a_replacement_that_was_cut_off_before_the_string_forgot_is_made_good_at_the_next_start() -> None:
    store = Store()
    store.states[STRING] = remembered(FIRST_UNITS)
    world = World(store, [BLOCK])
    await world.watch.load()
    assert world.faulty == [NEIGHBOUR]
    state = unpack_state(store.states[STRING], BLOCKS, BLOCKS)
    assert np.flatnonzero(np.isnan(state["raw_slow"][0])).tolist() == [BLOCK]
    units = unpack_units(store.states[STRING], BLOCKS)
    assert units is not None
    assert np.flatnonzero(units != 1).tolist() == [BLOCK]


async def test_what_was_learnt_of_the_block_that_stands_there_is_kept() -> None:
    store = Store()
    store.states[STRING] = remembered(np.where(np.arange(BLOCKS) == BLOCK, 2, FIRST_UNITS))
    world = World(store, [BLOCK])
    await world.watch.load()
    assert world.faulty == [NEIGHBOUR, BLOCK]
    await world.watch.forget_block(BLOCK, 2)
    await world.watch.turn()
    assert world.faulty == [NEIGHBOUR, BLOCK], "to say it again changes nothing"


async def test_a_state_that_names_no_blocks_was_learnt_of_the_first_ones() -> None:
    store = Store()
    store.states[STRING] = remembered(None)
    world = World(store, [BLOCK])
    await world.watch.load()
    assert world.faulty == [NEIGHBOUR]


async def test_a_place_is_forgotten_once_the_map_knows_another_block_there_whoever_says_so() -> None:
    for told in (True, False):
        store = Store()
        store.states[STRING] = remembered(FIRST_UNITS)
        world = World(store)
        await world.watch.load()
        world.replace(BLOCK)
        await (world.watch.forget_block(BLOCK, 2) if told else world.watch.turn())
        assert world.faulty == [NEIGHBOUR]
        assert store.states[STRING] != remembered(FIRST_UNITS)


async def test_a_place_that_was_forgotten_while_the_database_was_away_is_stored_later_or_forgotten_again() -> None:
    store = Store()
    store.states[STRING] = remembered(FIRST_UNITS)
    world = World(store)
    await world.watch.load()
    world.replace(BLOCK)
    store.is_away = True
    await world.watch.forget_block(BLOCK, 2)
    assert world.faulty == [NEIGHBOUR]
    store.is_away = False
    again = World(store, [BLOCK])
    await again.watch.load()
    assert again.faulty == [NEIGHBOUR]
    store.states[STRING] = remembered(FIRST_UNITS)
    await world.watch.save()
    units = unpack_units(store.states[STRING], BLOCKS)
    assert units is not None
    assert units[BLOCK] == 2


async def test_the_new_block_is_learnt_of_from_its_first_frame_on_and_across_a_restart() -> None:
    store = Store()
    store.states[STRING] = remembered(FIRST_UNITS)
    world = World(store)
    await world.watch.load()
    world.replace(BLOCK)
    for minute in (1, 2, 3):
        rows = np.zeros(BLOCKS, READING_DTYPE)
        rows["sample_time_us"], rows["voltage_v"], rows["current_a"] = LAST_US + minute * 60_000_000, 13.5, 0.02
        world.watch.collector.put(rows, np.arange(BLOCKS, dtype=np.int32), None)
        await world.watch.turn()
    await world.watch.save()
    stored = store.states[STRING]
    await World(store, [BLOCK]).watch.load()
    assert store.states[STRING] == stored
    state = unpack_state(store.states[STRING], BLOCKS, BLOCKS)
    assert state["voltage_last"][0, BLOCK] == 13.5, "of the new one nothing was forgotten"
