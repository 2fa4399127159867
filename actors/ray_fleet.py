"""The fleet on Ray: a private local Ray, and one actor a shard. The only module that knows Ray.

Ray starts, watches and restarts the shards; rows go to them over a line of their own (`actors.shard_line`).
"""

import asyncio
import gc
import importlib
import itertools
import logging
import os
import pickle
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.fleet import ShardResult, TwinSpec
from actors.heap import trim_heap
from actors.life_inputs import N_LIFE_INPUTS
from actors.limits import AlertLimits, PlausibilityLimits
from actors.placement import check_memory
from actors.ray_folder import make_ray_folder, remove_ray_folder
from actors.shard_line import ShardLine
from batterytwin.errors import ShardUnavailableError, StoreUnavailableError, TwinError
from batterytwin.events import TwinInput
from batterytwin.telemetry import LIVE_DTYPE, Rows
from storage.shard_store import ShardStore

# Ray reads these when it is imported. The token keeps other users of the machine from running code in our actors;
# without "cluster" Ray listens on the loopback address alone.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")

import ray
from ray.exceptions import RayActorError, RayError

_log = logging.getLogger(__name__)

_OBJECT_STORE_BYTES: Final = 80 * 2**20
_ENVIRONMENT: Final = {
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # Serve looks ten times a second whether its one replica lives, which takes 2.7 % of a core with what answers it
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "1",
}
_SYSTEM_CONFIG: Final = {
    # nobody reads these, and they cost a fifth of each call
    "task_events_report_interval_ms": 0,
    "event_stats": False,
    "enable_metrics_collection": False,
    # it would kill shards for the appetite of others
    "memory_monitor_refresh_ms": 0,
    # it would let shards stand behind everything else on the machine, drills nearly beside them
    "worker_niceness": 0,
}
_RETRY_AFTER_S: Final = 1.0
_POLL_S: Final = 0.05
_HEALTH: Final = "health"
_ACTOR_OPTIONS: Final[dict[str, Any]] = {
    "num_cpus": 0,
    "max_restarts": -1,
    "max_task_retries": 0,  # whether a write happened is known only to the store
    "concurrency_groups": {_HEALTH: 1},
}
_PING_TIMEOUT_S: Final = 2.0
_folders: Final[list[Path]] = []
_line_numbers: Final = itertools.count()


def start_ray(core_count: int) -> None:
    """Starts a private Ray on this machine: loopback only, token required, nothing shared with other instances.

    It ends with this process, however that ends. Install signal handlers after this call: Ray installs its own.

    Args:
        core_count: cores that Ray may plan with.

    Raises:
        TwinError: Ray did not start.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)  # its notes to developers are not for users
    folder = make_ray_folder()
    try:
        with _environment(_ENVIRONMENT):
            ray.init(
                address="local",
                num_cpus=core_count,
                object_store_memory=_OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                namespace=folder.name,
                _temp_dir=str(folder),
                _node_ip_address="127.0.0.1",
                _system_config=_SYSTEM_CONFIG,
            )
    except (RayError, RuntimeError, OSError, ValueError) as error:
        stop_ray()
        remove_ray_folder(folder)
        raise TwinError(f"Ray did not start: {error}") from error
    _folders.append(folder)
    _end_what_nobody_needs()


def _end_what_nobody_needs() -> None:
    """Ends processes that Ray starts whatever one asks for: 50 MB each, and together 1.1 % of a core while idle.

    One carries lines of log to the driver, who wants none (`log_to_driver`), the other would start more machines. Ray
    has methods for it, but not in its public part: where they have gone, the processes stay.
    """
    node = getattr(ray._private.worker, "_global_node", None)
    for name in ("kill_log_monitor", "kill_monitor"):
        if (end := getattr(node, name, None)) is not None:
            end(check_alive=False)


def stop_ray() -> None:
    """Ends the private Ray and removes what it left. Repeating it changes nothing."""
    ray.shutdown(wait_for_processes=True)
    while _folders:
        remove_ray_folder(_folders.pop())


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment for what is started within; as it was afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _ShardActor:
    """Hands over to a `ShardProcess`, which is imported where it runs: who drives a fleet loads no compiler."""

    def __init__(self, *arguments: object) -> None:
        self._process = importlib.import_module("actors.shard_process").ShardProcess(*arguments)

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
        return self._process.ping()  # type: ignore[no-any-return] # as above


class RayFleet:
    """Twins in shards that are Ray actors; implements `Fleet`. Needs `start_ray` first.

    A shard that dies is started again by Ray and comes back empty; `wait_restored` brings its twins back.

    Args:
        specs_by_shard: twins of each shard.
        store_factory: makes the store of one shard, in the shard's process; must be picklable.
        snapshot_interval_s: time after which a commit carries snapshots.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
    """

    def __init__(
        self,
        specs_by_shard: Sequence[Sequence[TwinSpec]],
        store_factory: Callable[[], ShardStore],
        snapshot_interval_s: float,
        alerts: AlertLimits | None = None,
        plausibility: PlausibilityLimits | None = None,
    ) -> None:
        self._specs = [tuple(specs) for specs in specs_by_shard]
        self._arguments = (store_factory, snapshot_interval_s, alerts, plausibility)
        self._actor_class = ray.remote(**_ACTOR_OPTIONS)(_ShardActor)
        self._shards: list[_RayShard] = []

    @property
    def shard_specs(self) -> Sequence[Sequence[TwinSpec]]:
        """Twins of each shard, in the order of their positions."""
        return self._specs

    async def start(self) -> list[Rows]:
        """Starts and restores every shard; see `Fleet.start`.

        Raises:
            ConflictError: the machine's memory cannot hold so many actors; none was started.
        """
        check_memory(len(self._specs), sum(map(len, self._specs)))
        self._shards = [self._make_shard(specs) for specs in self._specs]
        try:
            return list(await asyncio.gather(*(shard.restore() for shard in self._shards)))
        except TwinError:
            self._end_shards()
            raise

    async def add_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        """Starts one more shard and returns the present of its twins."""
        self._shards.append(self._make_shard(specs))
        self._specs.append(tuple(specs))
        return await self._shards[-1].restore()

    async def apply(self, shard: int, rows: Rows, receive_time_us: int) -> ShardResult:
        """Applies rows and makes them durable; see `Fleet.apply`."""
        return _result(await self._shards[shard].apply(rows.tobytes(), receive_time_us))

    async def apply_inputs(self, shard: int, inputs: Sequence[TwinInput]) -> ShardResult:
        """Applies inputs and makes them durable; see `Fleet.apply_inputs`. They are rare: a call of Ray's will do."""
        return _result(await self._shards[shard].ask("apply_inputs", tuple(inputs)))

    async def wait_restored(self, shard: int) -> Rows:
        """Waits until a shard that died is back with its state; returns the present of all its twins."""
        while True:
            try:
                return await self._shards[shard].restore()
            except (ShardUnavailableError, StoreUnavailableError):
                await asyncio.sleep(_POLL_S)

    async def ready(self) -> list[bool]:
        """Whether each shard answers now and holds its twins; asked beside the work that it may be doing."""
        return list(await asyncio.gather(*(shard.ping() for shard in self._shards)))

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """What is known of the lives of a shard's twins; see `Fleet.life_inputs`."""
        return np.frombuffer(await self._shards[shard].ask("life_inputs", twins), np.float64).reshape(-1, N_LIFE_INPUTS)

    async def state_hashes(self) -> dict[int, str]:
        """SHA-256 of the state of each twin by battery key."""
        hashes: dict[int, str] = {}
        for shard in self._shards:
            hashes |= await shard.ask("state_hashes")
        return hashes

    async def stop(self) -> None:
        """Stores a snapshot of every twin, then ends the shards. Repeating it changes nothing.

        Where a snapshot cannot be stored the next start takes longer and loses nothing: the log has everything.
        """
        answers = await asyncio.gather(*(shard.ask("finish") for shard in self._shards), return_exceptions=True)
        self._end_shards()
        for answer in answers:
            if isinstance(answer, TwinError):
                _log.warning("a shard ends without a snapshot: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer

    def _make_shard(self, specs: Sequence[TwinSpec]) -> "_RayShard":
        path = _folders[-1] / f"line-{next(_line_numbers)}"
        return _RayShard(self._actor_class.remote(path, tuple(specs), *self._arguments), path)

    def _end_shards(self) -> None:
        for shard in self._shards:
            shard.end()
        self._shards = []


class _RayShard:
    """A shard as its fleet sees it: the actor, and the line to its process."""

    def __init__(self, actor: Any, path: Path) -> None:
        self._actor = actor
        self._path = path
        self._line = ShardLine()

    async def restore(self) -> Rows:
        present = np.frombuffer(await self.ask("restore"), LIVE_DTYPE)
        if not self._line.is_open:
            self._line = await ShardLine.connect(self._path)
        return present

    async def apply(self, rows: bytes, receive_time_us: int) -> Any:
        return _opened(await self._line.ask(rows, receive_time_us))

    async def ask(self, method: str, *arguments: object) -> Any:
        try:
            answer = await getattr(self._actor, method).remote(*arguments)
        except RayActorError as error:
            raise ShardUnavailableError(
                "The shard died and is being restored; send again.", retry_after_s=_RETRY_AFTER_S
            ) from error
        except RayError as error:
            raise TwinError(f"A shard failed: {error}") from error
        return _opened(answer)

    async def ping(self) -> bool:
        question = self._actor.ping.options(concurrency_group=_HEALTH).remote()
        try:
            return bool(await asyncio.wait_for(question, _PING_TIMEOUT_S)) and self._line.is_open
        except (RayError, TimeoutError):
            return False

    def end(self) -> None:
        self._line.close()
        ray.kill(self._actor)


def _result(fields: Any) -> ShardResult:
    outcome, twins, live, alerts = fields
    return ShardResult(
        np.frombuffer(outcome, np.uint8), np.frombuffer(twins, np.int32), np.frombuffer(live, LIVE_DTYPE), alerts
    )


def _opened(answer: bytes) -> Any:
    content = pickle.loads(answer)  # noqa: S301 # from our own shard
    if isinstance(content, TwinError):
        raise content
    return content
