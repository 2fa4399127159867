"""The hidden states of twins are stored once an hour of their own time, and not lost while the database is away."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import StoreUnavailableError
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.model_tracer import ModelTracer
from twin_server.routing import FleetMap

HOUR_US = 3_600_000_000
BEGIN_US = 500_000 * HOUR_US


class Store:
    """Remembers what it was given; `away` makes it refuse."""

    def __init__(self) -> None:
        self.away = False
        self.rows: list[tuple[int, int, float]] = []

    async def save_model_trace(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64], columns: NDArray[np.void]
    ) -> None:
        if self.away:
            raise StoreUnavailableError("away")
        markers = columns["float_marker"].tolist()
        self.rows += zip(battery_keys.tolist(), sample_times_us.tolist(), markers, strict=True)


def test_each_hour_of_a_twin_is_stored_once() -> None:
    inventory = small_inventory()
    live = LiveTable(
        FleetMap(inventory, [specs_of(inventory)]), LocationClocks([location.clock for location in inventory.locations])
    )
    store = Store()
    tracer = ModelTracer(store, live)
    keys = live.fleet_map.battery_keys

    def look(ordinal: int, as_of_us: int) -> list[tuple[int, int, float]]:
        live.rows["as_of_us"][ordinal] = as_of_us
        live.rows["float_marker"][ordinal] = 0.5
        store.rows.clear()
        asyncio.run(tracer.look())
        return list(store.rows)

    assert look(3, 0) == [], "a twin without any reading has nothing to store"
    first = BEGIN_US + HOUR_US // 2
    assert look(3, first) == [(keys[3], first, 0.5)]
    assert look(3, first + HOUR_US // 4) == [], "the same hour"
    store.away = True
    assert look(3, first + HOUR_US) == []
    store.away = False
    assert look(5, first) == [(keys[3], first + HOUR_US, 0.5), (keys[5], first, 0.5)]
