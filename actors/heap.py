"""The C library's heap, kept from growing to the largest batches it has ever held.

Its own rule is to serve an array from the heap once a larger one has been given back. One small thing that outlives a
large batch then keeps the memory of the batch: 70 MB a shard and 120 MB of the server after some minutes of full load.
"""

import ctypes
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Numbers of options, from `malloc.h`."""

_LARGE_BYTES: Final = 1 << 20
"""Arrays from here on have memory of their own, which goes back to the system with them."""
_KEPT_BYTES: Final = 8 << 20
"""Free memory at the end of the heap that is kept for the next batch."""


def keep_heap_small() -> None:
    """Fixes the rule for this process; where the C library knows no such option nothing changes."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def trim_heap() -> None:
    """Gives free memory back to the system, wherever it lies. Takes milliseconds: after a start, not in between."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
