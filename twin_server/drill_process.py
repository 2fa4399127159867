"""A drill in a process of its own: an event loop in a thread, asked from the process's other threads."""

import asyncio
import gc
import logging
import os
import pickle
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog

from actors.niceness import stand_behind
from batterytwin.errors import TwinError, UnavailableError
from simulator.scenario_course import ScenarioPart
from twin_server.drill_host import DrillPlan, DrillStatus, DrillStory
from twin_server.drill_rehearsal import rehearse
from twin_server.drill_server import DrillServer
from twin_server.logging_setup import configure_logging

_NICE: Final = 10
_NICE_WHILE_IT_LIVES: Final = 19

_log = structlog.get_logger(__name__)


class DrillProcess:
    """One drill; every answer is pickled: what was asked for, or the `TwinError` that it ended with.

    It never takes time from live twins: its process is niced.
    """

    def __init__(self) -> None:
        stand_behind(_NICE)
        configure_logging(level=logging.WARNING)
        self._drill: DrillServer | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="drill", daemon=True).start()

    def prepare(self) -> int:
        """Loads everything that a drill needs; returns the number of this process."""
        rehearse()
        return os.getpid()

    def start(self, plan: DrillPlan) -> bytes:
        """See `DrillHost.start`."""
        return self._answer(self._start(plan))

    def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> bytes:
        """See `DrillHost.change`."""
        return self._answer(self._change(parts, speed))

    def status(self) -> bytes:
        """See `DrillHost.status`."""
        return self._answer(self._status())

    def story(self) -> bytes:
        """See `DrillHost.story`."""
        return self._answer(self._story())

    def stop(self) -> bytes:
        """Closes the API, so that who watches is told; the process is ended by whoever made it."""
        return self._answer(self._stop())

    async def _start(self, plan: DrillPlan) -> DrillStatus:
        self._drill = await DrillServer.start(plan)
        stand_behind(_NICE_WHILE_IT_LIVES)  # a start is waited for, the pace of a drill is not
        gc.collect()
        gc.freeze()  # what is there now stays, and is not looked through again while readings wait
        return self._drill.status()

    async def _status(self) -> DrillStatus:
        return self._living().status()

    async def _change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        return await self._living().change(parts, speed)

    async def _story(self) -> DrillStory:
        return await self._living().story()

    async def _stop(self) -> None:
        if self._drill is not None:
            await self._drill.leave()

    def _living(self) -> DrillServer:
        if self._drill is None:
            raise UnavailableError("This drill does not live.", field="drill_id")
        return self._drill

    def _answer(self, work: Coroutine[Any, Any, Any]) -> bytes:
        try:
            return pickle.dumps(asyncio.run_coroutine_threadsafe(work, self._loop).result())
        except TwinError as error:
            return pickle.dumps(error)
        except Exception as error:  # noqa: BLE001 - who asked is told, whatever it is
            _log.exception("a drill failed")
            return pickle.dumps(TwinError(f"The drill failed: {type(error).__name__}: {error}"))
