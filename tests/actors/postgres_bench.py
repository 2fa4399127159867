"""Twins registered in a PostgreSQL database."""

from actors.fleet import TwinSpec
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory, specs_of


async def registered_specs(database_url: str, blocks: int) -> list[TwinSpec]:
    """Puts the small inventory into a migrated database; returns its first twins."""
    store = await ServerStore.connect(database_url)
    keys = await store.register_inventory(small_inventory())
    await store.close()
    return specs_of(small_inventory(), keys)[:blocks]
