"""Drills in processes of their own: niced Ray actors. Needs a Ray that runs (`actors.ray_runtime.start_ray`)."""

import asyncio
import importlib
import pickle
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import psutil

from actors.ray_runtime import ray
from batterytwin.errors import ConflictError, TwinError, UnavailableError
from simulator.scenario_course import ScenarioPart
from twin_server.drill_host import DrillHost, DrillPlan, DrillStatus, DrillStory

_THREADS: Final = 4  # so that questions are answered while it starts or changes
_ACTOR_OPTIONS: Final[dict[str, Any]] = {
    "num_cpus": 0,
    "max_restarts": 0,
    "max_task_retries": 0,
    "max_concurrency": _THREADS,
}
_PREPARE_S: Final = 120.0
_START_S: Final = 120.0
_ANSWER_S: Final = 20.0
_GOODBYE_S: Final = 1.0
_END_S: Final = 1.0
_POLL_S: Final = 0.02


class _DrillActor:
    """Hands over to a `DrillProcess`, which is imported where it runs: who makes drills loads no compiler."""

    def __init__(self) -> None:
        self._process = importlib.import_module("twin_server.drill_process").DrillProcess()

    def prepare(self) -> int:
        return self._process.prepare()  # type: ignore[no-any-return] # imported by name

    def start(self, plan: DrillPlan) -> bytes:
        return self._process.start(plan)  # type: ignore[no-any-return] # as above

    def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> bytes:
        return self._process.change(parts, speed)  # type: ignore[no-any-return] # as above

    def status(self) -> bytes:
        return self._process.status()  # type: ignore[no-any-return] # as above

    def story(self) -> bytes:
        return self._process.story()  # type: ignore[no-any-return] # as above

    def stop(self) -> bytes:
        return self._process.stop()  # type: ignore[no-any-return] # as above


class _DrillActorHandle:
    """An actor and its process."""

    def __init__(self) -> None:
        self._actor: Any = ray.remote(**_ACTOR_OPTIONS)(_DrillActor).remote()
        self._process: psutil.Process | None = None
        self._preparing: asyncio.Task[None] | None = None

    @property
    def has_died(self) -> bool:
        """Whether its process has ended, or could not be prepared."""
        if self._preparing is None or not self._preparing.done():
            return False
        return self._process is None or not _runs(self._process)

    async def prepare(self) -> None:
        """Waits until it has loaded everything. Repeating it costs nothing.

        Raises:
            UnavailableError: its process has died or does not answer.
        """
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._prepare())
        await asyncio.shield(self._preparing)

    async def _prepare(self) -> None:
        number = int(await self._ask("prepare", _PREPARE_S))
        with suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(number)

    async def ask(self, method: str, timeout_s: float, *arguments: object) -> Any:
        """Asks the drill.

        Raises:
            UnavailableError: its process has died or does not answer.
            TwinError: what it answers with.
        """
        content = pickle.loads(await self._ask(method, timeout_s, *arguments))  # noqa: S301 # from our own process
        if isinstance(content, TwinError):
            raise content
        return content

    async def end(self) -> None:
        """Kills it, also where it is stopped or hangs, and waits until it has gone."""
        with suppress(ray.exceptions.RayError, ValueError):
            ray.kill(self._actor)
        process = self._process
        if process is None:
            return
        give_up = asyncio.get_running_loop().time() + _END_S
        while _runs(process):
            if asyncio.get_running_loop().time() > give_up:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_S)

    async def _ask(self, method: str, timeout_s: float, *arguments: object) -> Any:
        try:
            return await asyncio.wait_for(getattr(self._actor, method).remote(*arguments), timeout_s)
        except ray.exceptions.RayActorError as error:
            raise UnavailableError("The process of this drill has died.", field="drill_id") from error
        except TimeoutError as error:
            raise UnavailableError(
                f"The process of this drill has not answered for {timeout_s:.0f} s.", field="drill_id"
            ) from error
        except ray.exceptions.RayError as error:
            raise TwinError(f"A drill failed: {error}") from error


class RayDrillHost:
    """One drill in a process of its own; implements `DrillHost`."""

    def __init__(self, hosts: "RayDrillHosts") -> None:
        self._hosts = hosts
        self._handle: _DrillActorHandle | None = None
        self._stopped = False

    async def start(self, plan: DrillPlan) -> DrillStatus:
        """Copies the twins and lets them live; see `DrillHost.start`."""
        if self._handle is not None or self._stopped:
            raise ConflictError("This drill has been started before; make another host.", field="drill_id")
        self._handle = self._hosts.take()
        await self._handle.prepare()
        return await self._ask("start", _START_S, plan)  # type: ignore[no-any-return] # unpickled

    async def change(self, parts: Sequence[ScenarioPart] | None, speed: float | None) -> DrillStatus:
        """Lets something else happen, or at another pace, from now on; see `DrillHost.change`."""
        return await self._ask("change", _ANSWER_S, parts, speed)  # type: ignore[no-any-return] # unpickled

    async def status(self) -> DrillStatus:
        """How far it has come."""
        return await self._ask("status", _ANSWER_S)  # type: ignore[no-any-return] # unpickled

    async def story(self) -> DrillStory:
        """What happened, until now."""
        return await self._ask("story", _ANSWER_S)  # type: ignore[no-any-return] # unpickled

    async def stop(self) -> None:
        """Ends it, whatever it does. Repeating it changes nothing."""
        self._stopped = True
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with suppress(TwinError):
            await handle.ask("stop", _GOODBYE_S)
        await handle.end()

    async def _ask(self, method: str, timeout_s: float, *arguments: object) -> Any:
        if self._handle is None:
            raise UnavailableError("This drill does not live.", field="drill_id")
        return await self._handle.ask(method, timeout_s, *arguments)


class RayDrillHosts:
    """Makes hosts in processes of their own, one of which may wait ready; implements `DrillHosts`."""

    def __init__(self) -> None:
        self._spare: _DrillActorHandle | None = None

    def make(self) -> DrillHost:
        """A host that has not started."""
        return RayDrillHost(self)

    async def warm(self) -> None:
        """Prepares a process, so that the next drill starts at once; see `DrillHosts.warm`."""
        if self._spare is None or self._spare.has_died:
            self._spare = _DrillActorHandle()
        await self._spare.prepare()

    async def close(self) -> None:
        """Ends a process that waits."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await spare.end()

    def take(self) -> _DrillActorHandle:
        """The process that waits, or a new one."""
        spare, self._spare = self._spare, None
        return _DrillActorHandle() if spare is None or spare.has_died else spare


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
