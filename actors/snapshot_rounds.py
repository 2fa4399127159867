"""Which twins have a snapshot coming: rounds in which every twin that has changed gets one, a part with each commit."""

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ROWS_BETWEEN_SNAPSHOTS: Final = 412
"""Of each twin, so that what snapshots weigh beside the rows is the same in any fleet. A shard that is killed under
full load reads so many again, for which it has two seconds.
"""
_FEWEST_ROWS_BETWEEN_SNAPSHOTS: Final = 400_000
MOST_SNAPSHOTS: Final = 2_048
"""Twins in one commit, 5 MB."""
_FEWEST_SNAPSHOTS: Final = 32
_ROWS_A_SNAPSHOT: Final = 40
"""Rows of a commit for each snapshot that it takes along, so that no commit keeps its callers waiting: each snapshot
takes a tenth of a millisecond, and all of a shard in one commit held that one up for 150 ms. A round
takes a tenth of the time between two at most."""


class SnapshotRounds:
    """What has changed since its last snapshot, and what the round under way has still to store.

    Args:
        twin_count: twins of the shard.
        interval_s: time after which a round begins.
    """

    def __init__(self, twin_count: int, interval_s: float) -> None:
        self.changed = np.zeros(twin_count, np.bool_)
        self._unsaved = np.zeros(twin_count, np.bool_)
        self._rows = 0
        self._rows_between = max(_FEWEST_ROWS_BETWEEN_SNAPSHOTS, _ROWS_BETWEEN_SNAPSHOTS * twin_count)
        self._interval_s = interval_s
        self.due_s = time.monotonic() + interval_s

    def due(self, row_count: int) -> list[int]:
        """Twins whose states the next commit takes along; begins a round when it is time.

        Args:
            row_count: rows of that commit.
        """
        if not self._unsaved.any():
            if time.monotonic() < self.due_s and self._rows < self._rows_between:
                return []
            self._unsaved |= self.changed
        most = min(max(row_count // _ROWS_A_SNAPSHOT, _FEWEST_SNAPSHOTS), MOST_SNAPSHOTS)
        return np.flatnonzero(self._unsaved)[:most].tolist()  # type: ignore[no-any-return] # NumPy's stubs

    def parts(self) -> list[list[int]]:
        """All twins that have changed, by commit."""
        changed = np.flatnonzero(self.changed).tolist()
        return [changed[start : start + MOST_SNAPSHOTS] for start in range(0, len(changed), MOST_SNAPSHOTS)]

    def note_commit(self, saved: list[int], touched: NDArray[np.int32], row_count: int) -> None:
        """Notes a commit: snapshots of some twins as they were before it, and the twins that it changed."""
        self._rows += row_count
        self.changed[saved] = self._unsaved[saved] = False
        self.changed[touched] = True
        if saved and not self._unsaved.any():  # else the next commit takes along what is left
            self._end()

    def note_all_saved(self) -> None:
        """Notes that every state is stored as it is."""
        self.changed[:] = self._unsaved[:] = False
        self._end()

    def _end(self) -> None:
        self._rows = 0
        self.due_s = time.monotonic() + self._interval_s
