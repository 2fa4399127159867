"""The fleet in this process: the same shards as on Ray, for tests and for small sites."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from actors.fleet import ShardResult, TwinSpec
from actors.limits import AlertLimits, PlausibilityLimits
from actors.shard import TwinShard
from batterytwin.errors import TwinError
from batterytwin.events import TwinInput
from batterytwin.telemetry import Rows
from storage.shard_store import ShardStore

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class _LocalShard:
    """A shard and the one thread that may touch it, so that the event loop never waits for the database."""

    def __init__(self, number: int, shard: TwinShard) -> None:
        self._shard = shard
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"shard-{number}")

    @property
    def is_owner(self) -> bool:
        return self._shard.is_owner

    async def call(self, work: Callable[[TwinShard], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._shard)

    def end(self) -> None:
        self._thread.shutdown(wait=True)


class LocalFleet:
    """Twins in shards of this process; implements `Fleet`.

    Args:
        specs_by_shard: twins of each shard.
        store_factory: makes the store of one shard, which that shard alone uses.
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
        self._store_factory = store_factory
        self._snapshot_interval_s = snapshot_interval_s
        self._alerts = alerts
        self._plausibility = plausibility
        self._shards: list[_LocalShard] = []

    @property
    def shard_specs(self) -> Sequence[Sequence[TwinSpec]]:
        """Twins of each shard, in the order of their positions."""
        return self._specs

    async def start(self) -> list[Rows]:
        """Restores every shard; see `Fleet.start`."""
        return [await self._start_shard(specs) for specs in self._specs]

    async def add_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        """Starts one more shard and returns the present of its twins."""
        present = await self._start_shard(specs)
        self._specs.append(tuple(specs))
        return present

    async def _start_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        store = await asyncio.to_thread(self._store_factory)
        shard = TwinShard(specs, store, self._snapshot_interval_s, self._alerts, self._plausibility)
        local = _LocalShard(len(self._shards), shard)
        try:
            present = await local.call(TwinShard.restore)
        except BaseException:
            await local.call(TwinShard.close)
            local.end()
            raise
        self._shards.append(local)
        return present

    async def apply(self, shard: int, rows: Rows, receive_time_us: int) -> ShardResult:
        """Applies rows and makes them durable; see `Fleet.apply`."""
        return await self._shards[shard].call(lambda twin_shard: twin_shard.apply(rows, receive_time_us))

    async def apply_inputs(self, shard: int, inputs: Sequence[TwinInput]) -> ShardResult:
        """Applies inputs and makes them durable; see `Fleet.apply_inputs`."""
        return await self._shards[shard].call(lambda twin_shard: twin_shard.apply_inputs(inputs))

    async def wait_restored(self, shard: int) -> Rows:
        """Present of all twins of a shard; one in this process cannot die alone."""
        return await self._shards[shard].call(TwinShard.live)

    async def ready(self) -> list[bool]:
        """Whether each shard answers now: after the start, until another owner takes its twins over."""
        return [shard.is_owner for shard in self._shards]

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """What is known of the lives of a shard's twins; see `Fleet.life_inputs`."""
        return await self._shards[shard].call(lambda twin_shard: twin_shard.life_inputs(twins))

    async def state_hashes(self) -> dict[int, str]:
        """SHA-256 of the state of each twin by battery key."""
        hashes: dict[int, str] = {}
        for shard in self._shards:
            hashes |= await shard.call(TwinShard.state_hashes)
        return hashes

    async def stop(self) -> None:
        """Stores a snapshot of every twin, then ends the shards. Repeating it changes nothing.

        Where a snapshot cannot be stored the next start takes longer and loses nothing: the log has everything.
        """
        shards, self._shards = self._shards, []
        for shard in shards:
            try:
                await shard.call(TwinShard.snapshot_now)
            except TwinError as error:
                _log.warning("a shard ends without a snapshot: %s", error)
            await shard.call(TwinShard.close)
            shard.end()
