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
        life: accumulators of its life at the same watermark, likewise; empty = not kept.
    """

    battery_key: int
    watermark_us: int
    layout: str
    state: bytes
    life: bytes = b""


@dataclass(frozen=True, slots=True)
class LoggedInput:
    """An input with its place in the log of its twin: by watermark, then by number.

    Attributes:
        seq: counts the inputs of the twin from 1, in the order in which it was told of them.
        watermark_us: sample time after whose rows it stands, microseconds since 1970 UTC; 0 = before all.
        content: the input.
    """

    seq: int
    watermark_us: int
    content: TwinInput


@dataclass(frozen=True, slots=True)
class Revision:
    """The past of one twin, computed anew because something that belongs there came late.

    Attributes:
        battery_key: database key of the battery.
        from_us: sample time from which its estimates changed; snapshots from there on hold no longer.
    """

    battery_key: int
    from_us: int


def _no_rows() -> Rows:
    return np.empty(0, TELEMETRY_DTYPE)


@dataclass(frozen=True, slots=True)
class ShardCommit:
    """Everything that one commit makes durable, all or nothing.

    Attributes:
        rows: new rows of `reading`, `TELEMETRY_DTYPE`, any order.
        late: rows older than their twin's watermark, which have become part of its past, with the estimates after them;
            kept apart from `reading`; a row that is already there is skipped.
        alerts: changes of alerts that these rows caused, oldest first; one that is already there is skipped.
        snapshots: states to restore from later.
        inputs: inputs that twins have taken; a battery's numbers follow on without a gap.
        too_late: rows so old that they are stored and not applied.
        revisions: twins whose past has changed, each once; their snapshots from then on are superseded.
        revised: rows stored before this commit, with the status and estimates that they have in the new past.
        receive_time_us: when the server received what the commit holds, microseconds since 1970 UTC; rows carry it too.
    """

    receive_time_us: int
    rows: Rows = field(default_factory=_no_rows)
    late: Rows = field(default_factory=_no_rows)
    alerts: Sequence[AlertTransition] = ()
    snapshots: Sequence[TwinSnapshot] = ()
    inputs: Sequence[LoggedInput] = ()
    too_late: Rows = field(default_factory=_no_rows)
    revisions: Sequence[Revision] = ()
    revised: Rows = field(default_factory=_no_rows)


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

    def load_snapshots(
        self, battery_keys: Sequence[int], layout: str, before_us: Mapping[int, int] | None = None
    ) -> dict[int, TwinSnapshot]:
        """Newest sound snapshot of this layout that holds, for each battery that has one.

        Damaged ones are passed over, logged, and marked so that the server can tell of them.

        Args:
            battery_keys: which batteries.
            layout: name of the layout.
            before_us: only snapshots with a watermark before this, by battery key; None = no matter.
        """

    def read_tail(self, watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:
        """Log of rows newer than each battery's watermark (`{battery_key: watermark_us}`).

        Late rows that were applied stand in their place; every row carries the judgement of the newest revision.
        Without `told`, estimates and times of receipt may be missing: a replay makes its own.

        Returns:
            `TELEMETRY_DTYPE`, sorted by battery and sample time.
        """

    def find_rows(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], Rows]:
        """Rows that are stored already, whether in time, late or too late.

        Args:
            battery_keys: shape `(n_pairs,)`.
            sample_times_us: shape `(n_pairs,)`.

        Returns:
            Which pairs are stored, shape `(n_pairs,)`, and what was measured then: `TELEMETRY_DTYPE` of the same shape,
            of which only the measured columns of stored pairs count.
        """

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:
        """Inputs after those that each battery has taken (`{battery_key: seq}`), by battery and place in its log."""

    def stored_inputs(self, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those (battery, source) pairs that are stored already."""

    def commit(self, commit: ShardCommit) -> None:
        """Makes a commit durable (fsync) before it returns; on any error nothing of it is stored."""

    def close(self) -> None:
        """Gives the connection back. The lease stays until someone takes over."""
