"""What a shard needs of a database: take twins over, restore them, and commit what it has applied."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertTransition
from batterytwin.events import TwinInput
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows


@dataclass(frozen=True, slots=True)
class TwinSnapshot:
    """State of one twin at its watermark.

    Attributes:
        battery_key: database key of the battery.
        watermark_us: newest row that the state contains, microseconds since 1970 UTC.
        layout: name of the state's layout and filter version; another layout cannot be restored.
        state: opaque bytes, stored with a SHA-256 that is checked on reading.
    """

    battery_key: int
    watermark_us: int
    layout: str
    state: bytes


@dataclass(frozen=True, slots=True)
class LoggedInput:
    """An input with its place in the log of its twin.

    Attributes:
        seq: counts the inputs of the twin from 1.
        watermark_us: newest row that the twin had applied before it, microseconds since 1970 UTC; 0 = none.
        content: the input.
    """

    seq: int
    watermark_us: int
    content: TwinInput


def _no_rows() -> Rows:
    return np.empty(0, TELEMETRY_DTYPE)


@dataclass(frozen=True, slots=True)
class ShardCommit:
    """Everything that one commit makes durable, all or nothing.

    Attributes:
        rows: new rows of `reading`, `TELEMETRY_DTYPE`, any order.
        late: rows older than their twin's watermark, kept apart; a row that is already there is skipped.
        alerts: changes of alerts that these rows caused, oldest first; one that is already there is skipped.
        snapshots: states to restore from later.
        inputs: inputs that twins have taken; a battery's numbers follow on without a gap.
        receive_time_us: when the server received what the commit holds, microseconds since 1970 UTC; rows carry it too.
    """

    receive_time_us: int
    rows: Rows = field(default_factory=_no_rows)
    late: Rows = field(default_factory=_no_rows)
    alerts: Sequence[AlertTransition] = ()
    snapshots: Sequence[TwinSnapshot] = ()
    inputs: Sequence[LoggedInput] = ()


class ShardStore(Protocol):
    """A store owned by one shard; blocking, one thread.

    Every method raises `StoreUnavailableError` while the database is away (a call after it reconnects), and
    `LeaseLostError` once another owner has taken one of the twins over.
    """

    def take_over(self, battery_keys: Sequence[int]) -> None:
        """Makes this store the only one that may commit for these batteries.

        Earlier owners of any of them are fenced first: their leases are revoked and their database sessions ended, so
        that no commit of theirs can follow this call.
        """

    def load_snapshots(self, battery_keys: Sequence[int], layout: str) -> dict[int, TwinSnapshot]:
        """Newest sound snapshot of this layout for each battery that has one. Damaged ones are skipped and logged."""

    def read_tail(self, watermarks_us: Mapping[int, int]) -> Rows:
        """Rows of `reading` newer than each battery's watermark (`{battery_key: watermark_us}`).

        Returns:
            `TELEMETRY_DTYPE`, sorted by battery and sample time.
        """

    def stored_mask(self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these (battery, sample time) pairs are stored already, as rows or late rows. Shape `(n_pairs,)`."""

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:
        """Inputs after those that each battery has taken (`{battery_key: seq}`), sorted by battery and number."""

    def stored_inputs(self, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those (battery, source) pairs that are stored already."""

    def commit(self, commit: ShardCommit) -> None:
        """Makes a commit durable (fsync) before it returns; on any error nothing of it is stored."""

    def close(self) -> None:
        """Gives the connection back. The lease stays until someone takes over."""
