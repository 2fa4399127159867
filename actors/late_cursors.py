"""Where the next late rows of a twin can begin without the database: its state after the last one, and the rows since.

Late rows seldom come alone: a gateway that was away sends hours of them in order, a jittery network one every few
samples. The first one of a twin is worked in from a stored snapshot; those after it from here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from batterytwin.telemetry import Rows

MOST_ROWS: Final = 96
"""Rows since the last late one that are kept; a twin that had none for longer is forgotten (about 10 kB a twin)."""


@dataclass(slots=True)
class LateCursor:
    """A twin after its last late row.

    Attributes:
        watermark_us: sample time of that row, us.
        state: bytes of the twin then.
        life: bytes of its accumulators of life.
        rows: rows applied since, oldest first, `TELEMETRY_DTYPE`.
    """

    watermark_us: int
    state: bytes
    life: bytes
    rows: list[Rows]


class LateCursors:
    """Cursors of the twins of one shard; changed only after a commit."""

    def __init__(self) -> None:
        self._of_twin: dict[int, LateCursor] = {}

    def __len__(self) -> int:
        return len(self._of_twin)

    def find(self, twin: int, time_us: int) -> LateCursor | None:
        """Cursor of a twin if it lies before this time, us."""
        cursor = self._of_twin.get(twin)
        return cursor if cursor is not None and cursor.watermark_us < time_us else None

    def replace(self, twins: list[int], cursors: dict[int, LateCursor]) -> None:
        """Puts new cursors in place of those of some twins.

        Args:
            twins: twins whose past has changed. One without a new cursor is forgotten: what came late may belong before
                the row at which its old one stands, and be missing there.
            cursors: by twin.
        """
        self.forget(twins)
        self._of_twin |= cursors

    def append(self, twins: np.ndarray, rows: Rows) -> None:
        """Notes rows that were applied in order.

        Args:
            twins: twin of each row, shape `(n_rows,)`.
            rows: `TELEMETRY_DTYPE`, shape `(n_rows,)`.
        """
        for twin in self._of_twin.keys() & set(np.unique(twins).tolist()):
            cursor = self._of_twin[twin]
            cursor.rows.append(rows[twins == twin])
            if sum(map(len, cursor.rows)) > MOST_ROWS:
                del self._of_twin[twin]

    def forget(self, twins: list[int] | None = None) -> None:
        """Forgets twins of which more is known than rows; None = all."""
        for twin in list(self._of_twin) if twins is None else twins:
            self._of_twin.pop(twin, None)
