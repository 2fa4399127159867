"""Which batteries there are, how their locations tell the time, and what a shard must know of each."""

import time
from collections.abc import Mapping

from actors.fleet import TwinSpec
from batterytwin.inventory import Inventory, LocationClock
from storage.server_store import ServerStore
from twin_server.settings import ServerSettings

_FUTURE_TOLERANCE_US = 120_000_000


async def register_fleet(
    store: ServerStore, fleet: Inventory, settings: ServerSettings
) -> tuple[Inventory, dict[str, int]]:
    """Registers a fleet, sets the clocks it runs by, and reads all that is registered, grids of replays included.

    Returns:
        The whole inventory; the database key of each battery by its id.

    Raises:
        ConflictError: the fleet contradicts what is registered.
    """
    await store.register_inventory(fleet)
    clock = await _clock(store, fleet, settings)
    for location in fleet.locations:
        await store.set_location_clock(location.location_id, clock or location.clock)
    return await store.load_inventory()


async def _clock(store: ServerStore, fleet: Inventory, settings: ServerSettings) -> LocationClock | None:
    """Feed clock for a fleet that does not live in the present: time-lapse now, or samples ahead of the wall clock."""
    if settings.speed != 1.0:
        return LocationClock.FEED
    location_ids = [location.location_id for location in fleet.locations]
    latest_us = time.time_ns() // 1_000 + _FUTURE_TOLERANCE_US
    return LocationClock.FEED if await store.has_rows_after(location_ids, latest_us) else None


def make_specs(inventory: Inventory, keys: Mapping[str, int]) -> list[TwinSpec]:
    """Twins of an inventory in fleet order."""
    return [
        TwinSpec(
            battery_key=keys[battery.battery_id],
            battery_id=battery.battery_id,
            string_id=string.string_id,
            datasheet=string.datasheet,
            installed_on=battery.installed_on,
            sample_period_s=location.sample_period_s,
        )
        for location in inventory.locations
        for string in location.strings()
        for battery in string.batteries
    ]
