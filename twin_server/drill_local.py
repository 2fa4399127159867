"""Drills in this process: for servers without Ray, and for tests."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from batterytwin.errors import ConflictError, UnavailableError
from simulator.scenario_course import ScenarioPart
from twin_server.drill_host import DrillHost, DrillPlan, DrillStatus, DrillStory
from twin_server.drill_server import DrillServer


class LocalDrillHost:
    """One drill in the event loop of this process; implements `DrillHost`."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[DrillServer] | None = None
        self._drill: DrillServer | None = None
        self._stopped = False

    async def start(self, plan: DrillPlan) -> DrillStatus:
        """Copies the twins and lets them live; see `DrillHost.start`."""
        if self._starting is not None or self._stopped:
            raise ConflictError("This drill has been started before; make another host.", field="drill_id")
        self._starting = asyncio.create_task(DrillServer.start(plan))
        try:
            self._drill = await self._starting
        except asyncio.CancelledError:
            if not self._stopped:
                self._starting.cancel()
                raise
            raise _stopped() from None
        return self._drill.status()

    async def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        """Lets something else happen, or at another pace, from now on; see `DrillHost.change`."""
        return await self._living().change(parts, speed)

    async def status(self) -> DrillStatus:
        """How far it has come."""
        return self._living().status()

    async def story(self) -> DrillStory:
        """What happened, until now."""
        return await self._living().story()

    async def stop(self) -> None:
        """Ends it, whatever it does. Repeating it changes nothing."""
        self._stopped = True
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._starting
        if self._drill is not None:
            drill, self._drill = self._drill, None
            await drill.stop()

    def _living(self) -> DrillServer:
        if self._drill is None:
            raise _stopped()
        return self._drill


class LocalDrillHosts:
    """Makes hosts in this process; implements `DrillHosts`."""

    def make(self) -> DrillHost:
        """A host that has not started."""
        return LocalDrillHost()

    async def warm(self) -> None:
        """Nothing to prepare: this process has everything."""

    async def close(self) -> None:
        """Nothing waits."""


def _stopped() -> UnavailableError:
    return UnavailableError("This drill does not live.", field="drill_id")
