"""The fleet on Ray: one actor a shard; rows go to it over a line of its own (`actors.shard_line`)."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.fleet import ShardResult, TwinSpec
from actors.life_inputs import N_LIFE_INPUTS
from actors.limits import AlertLimits, PlausibilityLimits
from actors.placement import check_memory
from actors.ray_runtime import ray_folder
from actors.ray_shard import RayShard, ShardSpares
from batterytwin.errors import ShardUnavailableError, StoreUnavailableError, TwinError
from batterytwin.events import TwinInput
from batterytwin.telemetry import LIVE_DTYPE, Rows
from storage.shard_store import ShardStore

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.05
_SPARE_AFTER_S: Final = 5.0
_PUT_OFF_AT_START: Final = 6  # half a minute
_line_numbers: Final = itertools.count()


class RayFleet:
    """Twins in shards that are Ray actors; implements `Fleet`. Needs `start_ray` first.

    A shard that dies is lost with its twins; `wait_restored` brings them back in a process that was kept ready for it.

    Args:
        specs_by_shard: twins of each shard.
        store_factory: makes the store of one shard, in the shard's process; must be picklable.
        snapshot_interval_s: time after which a commit carries snapshots.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
        spare_after_s: time from the return of a shard to the start of the process that is kept ready.
    """

    def __init__(  # noqa: PLR0917 # as elsewhere
        self,
        specs_by_shard: Sequence[Sequence[TwinSpec]],
        store_factory: Callable[[], ShardStore],
        snapshot_interval_s: float,
        alerts: AlertLimits | None = None,
        plausibility: PlausibilityLimits | None = None,
        spare_after_s: float = _SPARE_AFTER_S,
    ) -> None:
        self._specs = [tuple(specs) for specs in specs_by_shard]
        self._arguments = (store_factory, snapshot_interval_s, alerts, plausibility)
        self._spares = ShardSpares(spare_after_s)
        self._shards: list[RayShard] = []

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
            presents = await asyncio.gather(*(shard.restore() for shard in self._shards))
        except TwinError:
            self._end_shards()
            raise
        self._spares.keep_one(_PUT_OFF_AT_START)
        return list(presents)

    async def add_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        """Starts one more shard and returns the present of its twins; see `Fleet.add_shard`."""
        shard = self._make_shard(specs)
        try:
            present = await shard.restore()
        except BaseException:  # also when nobody waits for it any more: no number may stand for a shard without twins
            shard.end()
            raise
        finally:
            self._spares.keep_one()  # it has taken the one that was kept ready
        self._shards.append(shard)
        self._specs.append(tuple(specs))
        return present

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
                present = await self._shards[shard].restore()
            except (ShardUnavailableError, StoreUnavailableError):
                await asyncio.sleep(_POLL_S)
            else:
                self._spares.keep_one()
                return present

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
        """Stores a snapshot of every twin that is there, then ends the shards. Repeating it changes nothing.

        Where a snapshot cannot be stored the next start takes longer and loses nothing: the log has everything.
        """
        answers = await asyncio.gather(*(shard.finish() for shard in self._shards), return_exceptions=True)
        self._end_shards()
        for answer in answers:
            if isinstance(answer, TwinError):
                _log.warning("a shard ends without a snapshot: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer

    def _make_shard(self, specs: Sequence[TwinSpec]) -> RayShard:
        path = ray_folder() / f"line-{next(_line_numbers)}"
        return RayShard(self._spares, path, (tuple(specs), *self._arguments))

    def _end_shards(self) -> None:
        self._spares.end()
        for shard in self._shards:
            shard.end()
        self._shards = []


def _result(fields: Any) -> ShardResult:
    outcome, twins, live, alerts = fields
    return ShardResult(
        np.frombuffer(outcome, np.uint8), np.frombuffer(twins, np.int32), np.frombuffer(live, LIVE_DTYPE), alerts
    )
