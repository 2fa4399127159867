"""A server that does only what it is asked for: what happens once after a start has happened."""

import asyncio
import time
from typing import Final

from tests.bench import load
from tests.bench.server_process import ServerProcess

_SCORER_S: Final = 180.0
_PREDICTED_S: Final = 25.0  # new twins are predicted in groups, every 15 s


def settle(server: ServerProcess, token: str) -> None:
    """Waits until what happens once has happened: the scorer has started, and each twin has been heard and predicted.

    Raises:
        TimeoutError: the scorer has not started.
    """
    give_up = time.monotonic() + _SCORER_S
    while (status := server.status()) is None or status.life_degraded_reason:
        if time.monotonic() > give_up:
            raise TimeoutError(f"no scorer in {_SCORER_S:.0f} s: {status}")
        time.sleep(1.0)
    asyncio.run(load.unary_at_rate(server.target, token, iter(load.fleet_messages(load.days_ago(4), 1)), 1.0, 1.0))
    time.sleep(_PREDICTED_S)
