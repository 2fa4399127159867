"""Rows ahead of a time are found, and only those of the locations asked about."""

from storage.server_store import ServerStore
from tests.storage.server_stores import MINUTE_US, NOW_US, small_inventory, store_rows, telemetry


async def test_only_newer_rows_of_the_named_locations_count(server_store: ServerStore, database_url: str) -> None:
    inventory = small_inventory("BRK", "HKT")
    keys = await server_store.register_inventory(inventory)
    first, other = inventory.locations
    battery = next(first.batteries()).battery_id
    store_rows(database_url, telemetry(keys[battery], [NOW_US, NOW_US + MINUTE_US], seed=1))
    assert await server_store.has_rows_after([first.location_id], NOW_US)
    assert not await server_store.has_rows_after([first.location_id], NOW_US + MINUTE_US)
    assert not await server_store.has_rows_after([other.location_id], NOW_US)
    assert not await server_store.has_rows_after([], NOW_US)
