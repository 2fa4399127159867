"""Drills in this process: for servers without Ray, and for tests."""

import asyncio
from collections.abc import Sequence

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
        drill = await asyncio.shield(self._starting)  # cut short it would leave sessions that threads open meanwhile
        if self._stopped:
            raise _stopped()
        self._drill = drill
        return drill.status()

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
        """Ends it, once it stands where it is only starting. Repeating it changes nothing."""
        self._stopped, self._drill = True, None
        if self._starting is None:
            return
        await asyncio.wait({self._starting})
        if not self._starting.cancelled() and self._starting.exception() is None:  # else there is nothing to end
            await self._starting.result().stop()

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
