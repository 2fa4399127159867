"""One ordered row of batches on their way to the server, and how far its stream may run ahead."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from clients.gateway_batch import PackedBatch

LONGEST_HOLE_US: Final = 23 * 3_600_000_000
"""A server applies rows up to 24 h older than the newest of their twin. So nothing is sent that is more than this newer
than a batch that still waits; the hour between is for clocks and for what is on its way."""


class Changes:
    """Wakes those who wait for a condition to hold."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Lets every waiting task look at its condition again."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until a condition holds that changes only with a call of `wake`."""
        while not condition():
            await self._event.wait()


class Lane:
    """Batches of one stream, oldest first; lives as long as a connection.

    Args:
        batches: what to send; those that are acknowledged leave it at the left.
        last_number: number of the last batch that will ever be in it; None = it goes on.
        most_rows: rows that may be on their way at once (one batch may be larger); None = what the server grants.
        behind: lane with older readings than this one.
        careful: batches to be sent one at a time before more may be on their way, since one of them is suspected.
    """

    def __init__(
        self,
        batches: deque[PackedBatch],
        *,
        last_number: int | None = None,
        most_rows: int | None = None,
        behind: "Lane | None" = None,
        careful: int = 0,
    ) -> None:
        self.batches = batches
        self.written = 0  # of the batches, those that are on their way
        self.loaded_number = 0  # newest batch that has been put here
        self.last_number = last_number
        self._written_rows = 0
        self._most_rows = most_rows
        self._behind = behind
        self._careful = careful
        self._in_flight = 0

    @property
    def is_finished(self) -> bool:
        """Whether everything that will ever be in it is acknowledged."""
        return self.last_number is not None and self.loaded_number >= self.last_number and not self.batches

    def may_write(self) -> bool:
        """Whether the next batch may be put on its way."""
        if self.written >= min(len(self.batches), self._in_flight):
            return False
        batch = self.batches[self.written]
        if self._most_rows is not None and self.written and self._written_rows + batch.rows > self._most_rows:
            return False
        return self._behind is None or self._behind.is_within_reach_of(batch)

    def is_within_reach_of(self, newer: PackedBatch) -> bool:
        """Whether the rest of this lane would still be applied after a batch of newer readings."""
        if self.is_finished:
            return True
        return bool(self.batches) and newer.last_sample_us - self.batches[0].first_sample_us <= LONGEST_HOLE_US

    def take(self) -> PackedBatch:
        """Puts the next batch on its way."""
        batch = self.batches[self.written]
        self.written += 1
        self._written_rows += batch.rows
        return batch

    def grant(self, credit: int) -> None:
        """Takes note of what the server grants, before it has acknowledged anything.

        One batch goes ahead of the others: gRPC forgets why a call ended when a write was under way, and a server that
        refuses this stream for good must be heard.
        """
        self._in_flight = min(self._in_flight or 1, credit)

    def acknowledge(self, count: int, credit: int) -> list[PackedBatch]:
        """Lets go of the oldest batches on their way; returns them."""
        acked = [self.batches.popleft() for _ in range(min(count, self.written))]
        self.written -= len(acked)
        self._written_rows -= sum(batch.rows for batch in acked)
        self._careful = max(0, self._careful - len(acked))
        self._in_flight = 1 if self._careful else credit
        return acked
