"""A fleet without filter and database that fails when told to, for the laws of the path in front of the shards."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actors.fleet import ShardResult, TwinSpec
from actors.life_inputs import N_LIFE_INPUTS
from batterytwin.events import TwinInput
from batterytwin.telemetry import LIVE_DTYPE, Outcome, Rows


class ScriptedFleet:
    """Implements `Fleet`: keeps (shard, twin, sample time) of what was applied, in order of arrival.

    Attributes:
        applied: shard -> list of (twin, sample time) applied, each once.
        inputs: what came in beside rows, in order.
        calls: rows of every call that came through, with its shard.
        failures: errors to raise, one a call, before anything is applied or a shard is added.
        lost_answers: errors to raise, one a call, after the rows were applied.
        hold: calls wait here while it is cleared.
        reached: set once a call has come in.
        restored: shards that were brought back, in order.
    """

    def __init__(self, shard_specs: Sequence[Sequence[TwinSpec]]) -> None:
        self.shard_specs = shard_specs
        self.applied: dict[int, list[tuple[int, int]]] = {shard: [] for shard in range(len(shard_specs))}
        self.calls: list[tuple[int, int]] = []
        self.inputs: list[TwinInput] = []
        self.failures: list[Exception] = []
        self.lost_answers: list[Exception] = []
        self.poison: set[int] = set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.reached = asyncio.Event()
        self.restored: list[int] = []
        self.back = asyncio.Event()
        self.back.set()

    async def start(self) -> list[Rows]:
        return [np.zeros(len(specs), LIVE_DTYPE) for specs in self.shard_specs]

    async def add_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        self.reached.set()
        await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.shard_specs = [*self.shard_specs, specs]
        self.applied[len(self.applied)] = []
        return np.zeros(len(specs), LIVE_DTYPE)

    async def apply(self, shard: int, rows: Rows, receive_time_us: int) -> ShardResult:  # noqa: ARG002 - of the protocol
        self.reached.set()
        await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.poison & set(rows["sample_time_us"].tolist()):
            raise ValueError("a row that the shard cannot take")
        self.calls.append((shard, len(rows)))
        outcomes = np.empty(len(rows), np.uint8)
        for number, (twin, time_us) in enumerate(
            zip(rows["twin"].tolist(), rows["sample_time_us"].tolist(), strict=True)
        ):
            known = (twin, time_us) in self.applied[shard]
            outcomes[number] = Outcome.DUPLICATE if known else Outcome.APPLIED
            if not known:
                self.applied[shard].append((twin, time_us))
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        twins = np.unique(rows["twin"])
        return ShardResult(outcomes, twins, self._live(shard)[twins], ())

    async def apply_inputs(self, shard: int, inputs: Sequence[TwinInput]) -> ShardResult:
        self.reached.set()
        await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append((shard, -len(inputs)))
        self.inputs += inputs
        return ShardResult(np.zeros(len(inputs), np.uint8), np.zeros(0, np.int32), np.zeros(0, LIVE_DTYPE), ())

    async def wait_restored(self, shard: int) -> Rows:
        await self.back.wait()
        self.restored.append(shard)
        return self._live(shard)

    def _live(self, shard: int) -> Rows:
        live = np.zeros(len(self.shard_specs[shard]), LIVE_DTYPE)
        for twin, time_us in self.applied[shard]:
            live["as_of_us"][twin] = max(live["as_of_us"][twin], time_us)
        return live

    async def ready(self) -> list[bool]:
        return [True] * len(self.shard_specs)

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        return np.full((len(self.shard_specs[shard] if twins is None else twins), N_LIFE_INPUTS), np.nan)

    async def state_hashes(self) -> dict[int, str]:
        return {}

    async def stop(self) -> None:
        self.hold.set()
