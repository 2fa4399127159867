"""A server that does only what it is asked for: what happens once after a start has happened."""

import asyncio
import time
from typing import Final

from tests.bench import load
from tests.bench.server_process import ServerProcess

_SCORER_S: Final = 180.0
_PREDICTED_S: Final = 25.0  # new twins are predicted in groups, every 15 s
_CALM_S: Final = 20.0  # longer than from one group of predictions to the next
_CALM_CPU: Final = 0.3  # of a processor; a fleet of 194,400 that only waits takes half of it
_CALM_PATIENCE_S: Final = 300.0


def settle(server: ServerProcess, token: str) -> None:
    """Waits until what happens once has happened: the scorer has started, and each twin has been heard and predicted.

    Raises:
        TimeoutError: the scorer has not started.
    """
    wait_for_scorer(server)
    asyncio.run(load.unary_at_rate(server.target, token, iter(load.fleet_messages(load.days_ago(4), 1)), 1.0, 1.0))
    time.sleep(_PREDICTED_S)


def wait_for_scorer(server: ServerProcess) -> None:
    """Waits until the process that scores lives is there.

    Raises:
        TimeoutError: it has not started.
    """
    give_up = time.monotonic() + _SCORER_S
    while (status := server.status()) is None or status.life_degraded_reason:
        if time.monotonic() > give_up:
            raise TimeoutError(f"no scorer in {_SCORER_S:.0f} s: {status}")
        time.sleep(1.0)


def wait_until_calm(server: ServerProcess) -> None:
    """Waits until the server has done what its first readings have given it to do.

    Raises:
        TimeoutError: it goes on working.
    """
    give_up = time.monotonic() + _CALM_PATIENCE_S
    while time.monotonic() < give_up:
        before = server.cpu_s()
        time.sleep(_CALM_S)
        if server.cpu_s() - before < _CALM_CPU * _CALM_S:
            return
    raise TimeoutError(f"the server still works {_CALM_PATIENCE_S:.0f} s after its first readings")
