"""Keeps the embedded database running: who starts it is the one who has to start it again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from batterytwin.errors import StoreUnavailableError

_LOOK_EVERY_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_SIGNALS_ARRIVE_S: Final = 0.1
_ASK_EVERY_S: Final = 0.05

log = structlog.get_logger(__name__)


class EmbeddedServer(Protocol):
    """What the keeper needs of a database server; blocking."""

    def serves(self) -> bool:
        """Whether a server process serves the cluster, and has not been told to stop."""

    def answers(self) -> bool:
        """Whether it takes a new session now."""

    def start(self) -> str:
        """Starts the server and returns the URL of the database, the same each time."""


class DatabaseKeeper:
    """Starts the database again when its process has ended. Until then the server is alive and not ready.

    Args:
        server: the database server, started.
        tell: tells the person who started the product.
    """

    def __init__(self, server: EmbeddedServer, tell: Callable[[str], None]) -> None:
        self._server = server
        self._tell = tell
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="database keeper")

    async def settle(self, patience_s: float) -> None:
        """Waits until the database answers, at the most for `patience_s`; for the beginning of a stop.

        Where SIGTERM is sent to every process of a service, it ends the sessions and the database too. It is started
        again, so that everything can be stored that a stop stores.
        """
        await asyncio.sleep(_SIGNALS_ARRIVE_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not await asyncio.to_thread(self._server.answers):  # noqa: ASYNC110 # it sends no event
                    await asyncio.sleep(_ASK_EVERY_S)

    async def stop(self) -> None:
        """Looks no more. Waits for a start under way, so that it cannot end after whoever stops the database."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        pause_s = _LOOK_EVERY_S
        while not await self._stops_within(pause_s):
            if await asyncio.to_thread(self._server.serves):
                pause_s = _LOOK_EVERY_S
                continue
            log.error("database_ended")
            self._tell("the database ended; starting it again")
            try:
                await asyncio.to_thread(self._server.start)
            except StoreUnavailableError as error:
                log.error("database_does_not_start", reason=error.message)
                self._tell(f"the database does not start: {error.message}")
                pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)
            else:
                log.warning("database_started_again")

    async def _stops_within(self, pause_s: float) -> bool:
        try:
            async with asyncio.timeout(pause_s):
                return await self._stopping.wait()
        except TimeoutError:
            return False
