"""Small batches that name themselves by their sample time."""

import asyncio
from collections.abc import Callable
from itertools import count

import numpy as np

from batterytwin.readings import ReadingBatch, ReadingColumns


def batch(second: int, rows: int = 3) -> ReadingBatch:
    """Rows of batteries B0, B1, ... all sampled in one second."""
    times = np.full(rows, second * 1_000_000_000, np.int64)
    return ReadingBatch(
        ReadingColumns([f"B{n}" for n in range(rows)], times, voltage_v=np.full(rows, 13.6, np.float32))
    )


def expected(batches: int, rows: int = 3) -> list[tuple[str, int]]:
    """Keys of the rows of batches 0, 1, ... in order."""
    return [(f"B{n}", second * 1_000_000_000) for second in range(batches) for n in range(rows)]


async def eventually(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Waits until a condition holds.

    Raises:
        TimeoutError: it did not.
    """
    async with asyncio.timeout(timeout_s):
        for _ in count():
            if condition():
                return
            await asyncio.sleep(0.01)
