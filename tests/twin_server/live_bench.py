"""A live table with a clock that tests set."""

import numpy as np

from batterytwin.inventory import Inventory
from batterytwin.telemetry import LIVE_DTYPE
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap

START_US = 1_750_000_000_000_000


class LiveBench:
    """One shard with the whole fleet; `now_us` is the server's clock."""

    def __init__(self, inventory: Inventory | None = None, keys: dict[str, int] | None = None) -> None:
        self.now_us = START_US
        self.inventory = inventory or small_inventory()
        self.fleet_map = FleetMap(self.inventory, [specs_of(self.inventory, keys)])
        self.clocks = LocationClocks([place.clock for place in self.inventory.locations], wall=lambda: self.now_us)
        self.live = LiveTable(self.fleet_map, self.clocks)

    def pass_s(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)

    def sample(self, *names: str, status: int = 0) -> None:
        """A reading, now, of each battery whose name begins with one of `names`."""
        ordinals = [
            number for number, battery_id in enumerate(self.fleet_map.battery_ids) if battery_id.startswith(names)
        ]
        rows = np.zeros(len(ordinals), LIVE_DTYPE)
        rows["as_of_us"], rows["status"] = self.now_us, status
        for name in ("soc", "soh_capacity"):
            rows[name], rows[f"{name}_sigma"] = 0.9, 0.01
        self.live.update(0, np.array(ordinals, np.int32), rows)

    def quality(self, battery_id: str) -> int:
        ordinal = self.fleet_map.find(battery_id)
        assert ordinal is not None
        return int(self.live.qualities(np.array([ordinal], np.int32))[0])
