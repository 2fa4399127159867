"""Where a gateway keeps batches until they are acknowledged: what the client asks of it, and the one in memory."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from batterytwin.errors import Reason, TwinError
from clients.gateway_batch import PackedBatch
from clients.gateway_buffer import BufferContent
from clients.gateway_lane import Changes, Lane


class GatewayQueue(Protocol):
    """Batches in the order in which they were taken over."""

    is_lasting: bool
    """Whether what it holds outlives the process."""

    @property
    def content(self) -> BufferContent:
        """What it holds, with what is on its way."""

    async def open(self) -> None:
        """Makes it ready.

        Raises:
            TwinError: it cannot be; see `DiskBuffer`.
        """

    def has_room(self) -> bool:
        """Whether a batch may be taken over now, as far as the server's credit counts."""

    async def put(self, batch: PackedBatch) -> None:
        """Takes a batch over; returns when it is as safe as it will be.

        Raises:
            TwinError: it was not taken.
        """

    async def start_lanes(self, careful: int) -> list[Lane]:
        """Lanes of a new connection: all that is not acknowledged is in one of them, or comes to be by `feed`."""

    async def feed(self, lane: Lane) -> None:
        """Keeps a lane supplied, for ever.

        Raises:
            TwinError: batches cannot be read.
        """

    def acknowledge(self, batches: Sequence[PackedBatch], credit: int, refused: str = "") -> None:
        """Lets go of batches that are acknowledged, and takes note of the server's credit.

        Args:
            batches: acknowledged.
            credit: batches that the server grants.
            refused: why the server has refused rows of them; such batches are kept for people where there is a place.
        """

    async def refuse(self, batch: PackedBatch, error: TwinError) -> None:
        """Lets go of a batch that no server will ever take.

        Raises:
            TwinError: the error itself where there is no place for such batches.
        """

    async def take_back(self, reason: Reason | None) -> int:
        """Queues batches again that were set aside for a reason (None = any but damage); returns how many.

        Raises:
            TwinError: that cannot be done now.
        """

    async def close(self) -> None:
        """Gives up what it has open."""


class MemoryQueue:
    """Holds as many batches as the server grants; they are lost with the process.

    Args:
        changes: woken when there is something to send.
        most_batches: batches held at most.
    """

    is_lasting = False

    def __init__(self, changes: Changes, most_batches: int) -> None:
        self._changes = changes
        self._most_batches = most_batches
        self._batches: deque[PackedBatch] = deque()
        self._credit = 0
        self._rows = 0
        self._size_bytes = 0
        self._next_number = 1

    @property
    def content(self) -> BufferContent:
        """What it holds, with what is on its way."""
        oldest_us = self._batches[0].taken_us if self._batches else None
        return BufferContent(len(self._batches), self._rows, self._size_bytes, oldest_us)

    async def open(self) -> None:
        """Has nothing to make ready."""

    def has_room(self) -> bool:
        """Whether the server has granted a place."""
        return len(self._batches) < min(self._most_batches, self._credit)

    async def put(self, batch: PackedBatch) -> None:
        """Takes a batch over."""
        self._batches.append(replace(batch, number=self._next_number))
        self._next_number += 1
        self._rows += batch.rows
        self._size_bytes += len(batch.request)
        self._changes.wake()

    async def start_lanes(self, careful: int) -> list[Lane]:
        """One lane with everything."""
        return [Lane(self._batches, careful=careful)]

    async def feed(self, lane: Lane) -> None:
        """Has nothing to do: the lane holds the batches themselves."""

    def acknowledge(self, batches: Sequence[PackedBatch], credit: int, refused: str = "") -> None:  # noqa: ARG002 - the caller has them
        """Takes note; the lane has let go of the batches."""
        self._credit = credit
        for batch in batches:
            self._rows -= batch.rows
            self._size_bytes -= len(batch.request)

    async def refuse(self, batch: PackedBatch, error: TwinError) -> None:  # noqa: ARG002 - nowhere to put it
        """Gives the error to the caller, who has the batch."""
        raise error

    async def take_back(self, reason: Reason | None) -> int:  # noqa: ARG002 - there are none
        """Has set nothing aside."""
        return 0

    async def close(self) -> None:
        """Has nothing open."""
