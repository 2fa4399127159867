"""The store of a branch: it begins with copies of states, hands on what is committed, and keeps nothing of it."""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.shard_store import LoggedInput, ShardCommit, TwinSnapshot


class BranchStore:
    """Implements `ShardStore` for twins that nobody else owns and that are never restored again.

    Args:
        snapshots: states to begin with, by battery key.
        take: is handed every commit.
    """

    def __init__(self, snapshots: Mapping[int, TwinSnapshot], take: Callable[[ShardCommit], None]) -> None:
        self._snapshots = snapshots
        self._take = take

    def take_over(self, battery_keys: Sequence[int]) -> None:
        """Nothing to do: copies have no other owner."""

    def load_snapshots(
        self,
        battery_keys: Sequence[int],
        layout: str,
        before_us: Mapping[int, int] | None = None,  # noqa: ARG002 # there is one of each
    ) -> dict[int, TwinSnapshot]:
        """The copy of each battery that has one of this layout."""
        found = {key: self._snapshots[key] for key in battery_keys if key in self._snapshots}
        return {key: snapshot for key, snapshot in found.items() if snapshot.layout == layout}

    def read_tail(self, watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:  # noqa: ARG002 # as it is there
        """No rows: the copies hold everything."""
        return np.empty(0, TELEMETRY_DTYPE)

    def find_rows(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], Rows]:
        """None of these pairs: a plant never reads twice."""
        return np.zeros(len(sample_times_us), np.bool_), np.zeros(len(battery_keys), TELEMETRY_DTYPE)

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:  # noqa: ARG002 # the copies hold them
        """No inputs: the copies hold them."""
        return []

    def stored_inputs(self, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:  # noqa: ARG002 # new ones
        """None of these: each input of a branch is new."""
        return set()

    def commit(self, commit: ShardCommit) -> None:
        """Hands a commit on."""
        self._take(commit)

    def close(self) -> None:
        """Nothing to give back."""
