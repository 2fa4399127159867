"""The C library's heap: what a burst of large batches took goes back to the system once they have stopped coming.

Arrays of up to 32 MB come to lie in the heap, where one small thing that outlives a batch keeps all its memory: 70 MB
of a shard and 120 MB of the server after minutes of full load. Memory of its own for every large array (mallopt) would
cost a batch of 1,944 rows as much time again as its work.
"""

import ctypes
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_WORTH_ROWS: Final = 100_000
"""Rows that are worth a look through the heap, which takes some ten milliseconds."""
_QUIET_S: Final = 2.0


def trim_heap() -> None:
    """Gives free memory back to the system, wherever it lies; where the C library cannot, nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class HeapTrimmer:
    """Trims the heap of its process after bursts of rows. Rows may be noted in another thread than that which looks.

    Args:
        trim: gives memory back.
        clock_s: monotonic time, s.
    """

    def __init__(self, trim: Callable[[], None] = trim_heap, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._trim = trim
        self._clock_s = clock_s
        self._rows = 0
        self._noted_s = 0.0
        self._again = False

    def note(self, row_count: int) -> None:
        """Notes rows that have been worked on."""
        self._rows += row_count
        self._noted_s = self._clock_s()

    def look(self) -> None:
        """Trims when many rows have come since it last did and none for two seconds, and once more at the next look.

        The watch over strings and predictions go on after the last row, and leave behind what they took.
        """
        if self._clock_s() - self._noted_s < _QUIET_S:
            return
        is_worth = self._rows >= _WORTH_ROWS
        if is_worth or self._again:
            self._again = is_worth
            self._rows = 0
            self._trim()
