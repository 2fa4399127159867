"""Which twins a batch touches."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from actors.compiled import kernel
from actors.twin_record import READINGS
from batterytwin.errors import InvalidArgumentError
from batterytwin.telemetry import Rows


@kernel(numba.int64(READINGS, numba.int32[::1], numba.int32[::1], numba.int32[::1]))
def _assign_slots(rows: Any, slot_of_twin: Any, slots: Any, touched: Any) -> int:
    """Numbers twins by first appearance; returns how many there are, or -1 if a row names a twin that is not here."""
    count = 0
    for i in range(rows.shape[0]):
        twin = rows[i].twin
        if twin < 0 or twin >= slot_of_twin.shape[0]:
            count = -1
            break
        if slot_of_twin[twin] < 0:
            slot_of_twin[twin] = count
            touched[count] = twin
            count += 1
        slots[i] = slot_of_twin[twin]
    for k in range(touched.shape[0] if count < 0 else count):
        slot_of_twin[touched[k]] = -1
    return count


class TwinFinder:
    """Numbers the twins of a batch from 0, in order of appearance, without sorting.

    Args:
        twin_count: twins of the shard.
    """

    def __init__(self, twin_count: int) -> None:
        self._slot_of_twin = np.full(twin_count, -1, np.int32)

    def find(self, rows: Rows) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Finds the twins of a batch.

        Args:
            rows: `READING_DTYPE`, shape `(n_rows,)`.

        Returns:
            Positions of the touched twins, shape `(n_touched,)`, and for each row the place of its twin among them,
            shape `(n_rows,)`.

        Raises:
            InvalidArgumentError: a row names a twin that the shard does not have.
        """
        slots = np.empty(len(rows), np.int32)
        touched = np.zeros(min(len(rows), len(self._slot_of_twin)), np.int32)
        count = _assign_slots(rows, self._slot_of_twin, slots, touched)
        if count < 0:
            raise InvalidArgumentError(
                f"A row names a twin outside 0...{len(self._slot_of_twin) - 1}; send it to the shard that holds it.",
                field="twin",
            )
        return touched[:count], slots
