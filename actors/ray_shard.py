"""A shard as an actor of Ray: its process, the line to it, and a process kept ready for the case that it dies."""

import asyncio
import gc
import importlib
import pickle
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.heap import trim_heap
from actors.placement import check_memory
from actors.ray_runtime import ray
from actors.shard_line import ShardLine
from batterytwin.errors import ConflictError, ShardUnavailableError, TwinError
from batterytwin.events import TwinInput
from batterytwin.telemetry import LIVE_DTYPE, Rows

_RETRY_AFTER_S: Final = 1.0
_HEALTH: Final = "health"
_ACTOR_OPTIONS: Final[dict[str, Any]] = {
    "num_cpus": 0,
    "max_restarts": 0,  # a spare takes its place
    "max_task_retries": 0,  # whether a write happened is known only to the store
    "concurrency_groups": {_HEALTH: 1},
}
_PING_TIMEOUT_S: Final = 2.0


class _ShardActor:
    """Hands over to a `ShardProcess`, which is imported where it runs: who drives a fleet loads no compiler.

    Before `begin` it is a spare: it has loaded everything and holds nothing.
    """

    def __init__(self) -> None:
        self._module = importlib.import_module("actors.shard_process")
        self._process: Any = None

    def begin(self, *arguments: object) -> None:
        """Makes it a shard."""
        self._process = self._module.ShardProcess(*arguments)

    def restore(self) -> bytes:
        live = self._process.restore()
        gc.collect()
        gc.freeze()  # what is there now stays, and is not looked through again while rows wait
        trim_heap()
        return live  # type: ignore[no-any-return] # imported by name

    def apply_inputs(self, inputs: Sequence[TwinInput]) -> bytes:
        return self._process.apply_inputs(inputs)  # type: ignore[no-any-return] # as above

    def life_inputs(self, twins: NDArray[np.int32] | None) -> bytes:
        return self._process.life_inputs(twins)  # type: ignore[no-any-return] # as above

    def state_hashes(self) -> bytes:
        return self._process.state_hashes()  # type: ignore[no-any-return] # as above

    def finish(self) -> bytes:
        return self._process.finish()  # type: ignore[no-any-return] # as above

    def ping(self) -> bool:
        return self._process is not None and self._process.ping()


class ShardSpares:
    """Processes for shards, one of them kept ready: to start one takes three seconds, to take one over none.

    Args:
        after_s: time after which a new spare is started, when the machine is less busy than while a shard begins; also
            the time between two looks at whether it still lives.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._actor_class = ray.remote(**_ACTOR_OPTIONS)(_ShardActor)
        self._spare: Any = None
        self._keeper: asyncio.Task[None] | None = None

    def take(self) -> Any:
        """An actor without twins: the spare where there is one."""
        self._stop_keeping()
        spare, self._spare = self._spare, None
        return self._actor_class.remote() if spare is None else spare

    def keep_one(self, put_off: int = 1) -> None:
        """Sees to it that there will be a spare where memory can hold one. Call it when the shards are whole.

        Args:
            put_off: how many times the usual time until the first one; the start of a server has more to do.
        """
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(put_off * self._after_s), name="spare shard")

    async def _keep(self, first_after_s: float) -> None:
        await asyncio.sleep(first_after_s)
        while True:
            if self._spare is not None and await _has_died(self._spare):
                self._spare = None
            if self._spare is None:
                with suppress(ConflictError):
                    check_memory(1, 0)
                    self._spare = self._actor_class.remote()
            await asyncio.sleep(self._after_s)

    def _stop_keeping(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    def end(self) -> None:
        """Ends the spare."""
        self._stop_keeping()
        if self._spare is not None:
            ray.kill(self._spare)
            self._spare = None


async def _has_died(actor: Any) -> bool:
    """Whether Ray knows that its process has ended; one that is busy or just starts has not."""
    try:
        await asyncio.wait_for(_ping(actor), _PING_TIMEOUT_S)
    except ray.exceptions.ActorDiedError:
        return True
    except (ray.exceptions.RayError, TimeoutError):
        return False
    return False


def _ping(actor: Any) -> Any:
    return actor.ping.options(concurrency_group=_HEALTH).remote()


class RayShard:
    """A shard as its fleet sees it: the actor, and the line to its process.

    Args:
        spares: where its actors come from.
        path: where its process listens for rows.
        arguments: of its `ShardProcess`, after the path.
    """

    def __init__(self, spares: ShardSpares, path: Path, arguments: Sequence[object]) -> None:
        self._spares = spares
        self._path = path
        self._arguments = arguments
        self._line = ShardLine()
        self._actor = self._begun()
        self._dead: Any = None

    def _begun(self) -> Any:
        actor = self._spares.take()
        actor.begin.remote(self._path, *self._arguments)
        return actor

    async def restore(self) -> Rows:
        """Brings its twins back unless they are there; returns their present. One that has died begins anew.

        Raises:
            ShardUnavailableError: it has died; try again.
            TwinError: as `ShardProcess.restore`.
        """
        if self._actor is self._dead:
            self._line.close()
            self._actor = self._begun()
        present = np.frombuffer(await self.ask("restore"), LIVE_DTYPE)
        if not self._line.is_open:
            self._line = await ShardLine.connect(self._path)
        return present

    async def apply(self, rows: bytes, receive_time_us: int) -> Any:
        """Applies rows in the shard; returns the fields of a `ShardResult`."""
        return _opened(await self._line.ask(rows, receive_time_us))

    async def ask(self, method: str, *arguments: object) -> Any:
        """Calls a method of the actor.

        Raises:
            ShardUnavailableError: it has died.
            TwinError: what it answers with.
        """
        actor = self._actor
        try:
            answer = await getattr(actor, method).remote(*arguments)
        except ray.exceptions.RayActorError as error:
            if isinstance(error, ray.exceptions.ActorDiedError):
                self._dead = actor
            raise ShardUnavailableError(
                "The shard died and is being restored; send again.", retry_after_s=_RETRY_AFTER_S
            ) from error
        except ray.exceptions.RayError as error:
            raise TwinError(f"A shard failed: {error}") from error
        return _opened(answer)

    async def finish(self) -> None:
        """Stores a snapshot of every twin. Not waited for are twins that are being restored: the log has them all.

        Raises:
            ShardUnavailableError: it has died.
            TwinError: a snapshot cannot be stored.
        """
        if self._line.is_open:
            await self.ask("finish")

    async def ping(self) -> bool:
        """Whether it answers now and holds its twins."""
        try:
            return bool(await asyncio.wait_for(_ping(self._actor), _PING_TIMEOUT_S)) and self._line.is_open
        except (ray.exceptions.RayError, TimeoutError):
            return False

    def end(self) -> None:
        """Kills it; what is acknowledged is stored."""
        self._line.close()
        ray.kill(self._actor)


def _opened(answer: bytes) -> Any:
    content = pickle.loads(answer)  # noqa: S301 # from our own shard
    if isinstance(content, TwinError):
        raise content
    return content
