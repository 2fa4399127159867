"""A server that does only what it is asked for: what happens once after a start has happened."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.bench import load
from tests.bench.server_process import ServerProcess, running_server

_SCORER_S: Final = 180.0
_PREDICTED_S: Final = 25.0  # new twins are predicted in groups, every 15 s
_CALM_S: Final = 20.0  # longer than from one group of predictions to the next
_CALM_CPU: Final = 0.3  # of a processor; a fleet of 194,400 that only waits takes half of it
_CALM_PATIENCE_S: Final = 300.0


class SettledServer:
    """One server for sections that use it in turns: started and settled when the first of them asks for it.

    Args:
        folder: where its data directory is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started = 0
        self._open = ExitStack()
        self._server: tuple[ServerProcess, str, Path] | None = None

    def use(self) -> tuple[ServerProcess, str, Path]:
        """The server, calm, a token for it, and its data directory; a new one where the last has ended.

        Raises:
            TimeoutError: it has not become ready, its scorer has not started, or it goes on working.
        """
        if self._server is None or not self._server[0].is_running():
            self.close()
            self._started += 1
            data_dir = self._folder / f"settled-{self._started}"
            server, token = self._open.enter_context(running_server(data_dir))
            settle(server, token)
            self._server = server, token, data_dir
        else:
            wait_until_calm(self._server[0])
        return self._server

    def close(self) -> None:
        """Stops it: what follows wants the machine for itself. `use` starts another."""
        self._server = None
        self._open.close()


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
    """Waits until the server has done what readings have given it to do: predictions, and looks into the past.

    Raises:
        TimeoutError: it goes on working.
    """
    give_up = time.monotonic() + _CALM_PATIENCE_S
    while time.monotonic() < give_up:
        before = server.cpu_s()
        time.sleep(_CALM_S)
        if server.cpu_s() - before < _CALM_CPU * _CALM_S:
            return
    raise TimeoutError(f"the server still works {_CALM_PATIENCE_S:.0f} s after its readings")
