"""Gateway tokens of the simulated sites: made anew at each start, so that none lives longer than its server."""

import time

from batterytwin.inventory import Inventory
from storage.server_store import ServerStore
from twin_server.gateway_tokens import GatewayTokens

_NAME, _MAKER = "simulator", "server"


async def make_simulator_tokens(store: ServerStore, inventory: Inventory) -> dict[str, str]:
    """Revokes the simulator's earlier tokens and makes one for each location.

    Returns:
        Token by location id.
    """
    for token in await store.list_gateway_tokens():
        # people may have given a token of theirs the same name
        if (token.name, token.created_by) == (_NAME, _MAKER) and token.revoked_us is None:
            await store.revoke_gateway_token(token.token_id, time.time_ns() // 1_000)
    tokens = GatewayTokens(store)
    return {
        location.location_id: await tokens.create(location.location_id, _NAME, _MAKER)
        for location in inventory.locations
    }
