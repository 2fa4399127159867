"""What the server sees of the twins: shards that apply rows, whether in this process or as Ray actors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertTransition
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.events import TwinInput
from batterytwin.telemetry import Rows


@dataclass(frozen=True, slots=True)
class TwinSpec:
    """What a shard must know of a battery to hold its twin."""

    battery_key: int
    battery_id: str
    string_id: str
    datasheet: BatteryDatasheet
    installed_on: date
    sample_period_s: float


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of one batch of rows or inputs in one shard, after it is durable.

    Attributes:
        outcome: `Outcome` of each row or input of the batch, uint8, shape `(n_rows,)`.
        twins: positions of the twins that changed, int32, shape `(n_changed,)`, each once.
        live: their present, `LIVE_DTYPE`, shape `(n_changed,)`.
        alerts: changes of alerts that the batch caused, oldest first.
    """

    outcome: NDArray[np.uint8]
    twins: NDArray[np.int32]
    live: Rows
    alerts: tuple[AlertTransition, ...]


class Fleet(Protocol):
    """Twins in shards. `TwinSpec` k of shard s is addressed as twin k of shard s."""

    @property
    def shard_specs(self) -> Sequence[Sequence[TwinSpec]]:
        """Twins of each shard, in the order of their positions."""

    async def start(self) -> list[Rows]:
        """Starts every shard and restores its twins from the store.

        Returns:
            Present of the twins of each shard: `LIVE_DTYPE`, shape `(n_twins_of_shard,)`.

        Raises:
            TwinError: a shard could not be started; the message says why and what to do.
        """

    async def add_shard(self, specs: Sequence[TwinSpec]) -> Rows:
        """Starts one more shard (it gets the next number) and returns the present of its twins.

        Where it raises, or is cancelled, the fleet is as it was before. One call at a time.

        Raises:
            UnavailableError: the database is away, or the shard died while it started; try again.
            TwinError: the shard could not be started.
        """

    async def apply(self, shard: int, rows: Rows, receive_time_us: int) -> ShardResult:
        """Applies rows (`READING_DTYPE`, in order of arrival) and makes them durable; returns after the commit.

        At most one call per shard may be under way. Applying the same rows again gives DUPLICATE and changes nothing.

        Raises:
            ShardUnavailableError: the shard died or restarts; whether the rows were applied is unknown, so send again.
            StoreUnavailableError: the database is away; nothing was applied.
        """

    async def apply_inputs(self, shard: int, inputs: Sequence[TwinInput]) -> ShardResult:
        """Applies what is no reading and makes it durable: evidence after all rows so far, replacements at their time.

        Counts as a call for "at most one under way". An input whose (battery, source) is known gives DUPLICATE.

        Raises:
            InvalidArgumentError: the shard does not hold a battery; nothing was applied.
            ShardUnavailableError: as for `apply`.
            StoreUnavailableError: as for `apply`.
        """

    async def wait_restored(self, shard: int) -> Rows:
        """Waits until a shard that died is back with its state; returns the present of all its twins."""

    async def ready(self) -> list[bool]:
        """Whether each shard answers now."""

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """What is known of the lives of a shard's twins: `LifeInputs`, shape `(n_twins, N_LIFE_INPUTS)`.

        It may be asked beside rows and waits for those under way.

        Args:
            shard: number of the shard.
            twins: positions in the shard of those that are asked about; None = all.

        Raises:
            ShardUnavailableError: the shard died or restarts; ask again.
        """

    async def state_hashes(self) -> dict[int, str]:
        """SHA-256 of all that is held of each twin by battery key, for tests and audits."""

    async def stop(self) -> None:
        """Stores a snapshot of every twin, then ends the shards."""
