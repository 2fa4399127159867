"""A gateway's queue on disk: what was taken survives the process, and a long backlog travels beside live batches."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from batterytwin.errors import InvalidArgumentError, Reason, TwinError
from clients.gateway_batch import PackedBatch
from clients.gateway_buffer import BufferContent, DiskBuffer
from clients.gateway_counters import GatewayCounters
from clients.gateway_lane import Changes, Lane

_LOG = logging.getLogger(__name__)

IN_ORDER_ROWS: Final = 100_000
"""A backlog up to this size goes ahead of live batches in one stream: a server takes it in about a second, and its
twins then need no second look at anything. A longer one has a stream of its own, and live batches do not wait."""

BACKLOG_ROWS_IN_FLIGHT: Final = 5_000
"""Rows of a backlog's stream on their way at once: what a live batch may have to wait for at the server."""

_LONGEST_COMMIT_BATCHES: Final = 256
_LARGEST_COMMIT_BYTES: Final = 2 * 1024 * 1024  # or one batch
_LANE_BYTES: Final = 8 * 1024 * 1024
_ACKS_GATHERED_S: Final = 0.2  # acknowledged batches leave the file together; those of a killed process go twice
_RETRY_S: Final = 1.0

_T = TypeVar("_T")


class WhenFull(Enum):
    """What becomes of new batches at the limit of a disk buffer."""

    WAIT = "wait"
    """`send` waits until acknowledged batches have made room. Nothing that was taken is ever given up."""

    DROP_OLDEST = "drop-oldest"
    """The oldest batches are given up, counted and logged: for a gateway whose newest readings matter most."""


class DiskQueue:
    """Keeps batches in a `DiskBuffer`, in a thread of its own, and supplies lanes from it.

    Batches handed over while a commit is under way share the next one.

    Args:
        path: file of the buffer.
        limit_bytes: size of the batches in it, at most.
        when_full: what to do at that limit.
        changes: woken when there is something to send or to take note of.
        lane_batches: batches that a lane holds in memory.
        counters: what is dropped or set aside is counted here.
    """

    is_lasting = True

    def __init__(
        self,
        path: Path,
        *,
        limit_bytes: int,
        when_full: WhenFull,
        changes: Changes,
        lane_batches: int,
        counters: GatewayCounters,
    ) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._when_full = when_full
        self._changes = changes
        self._lane_batches = lane_batches
        self._counters = counters
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gateway buffer")
        self._buffer: DiskBuffer | None = None
        self._waiting: deque[tuple[PackedBatch, asyncio.Future[None]]] = deque()
        self._acked: list[PackedBatch] = []
        self._refused: dict[int, str] = {}  # why rows were refused, by number of the acknowledged batch
        self._newest_number = 0
        self._live = Lane(deque())
        self._live_is_read = False
        self._work_to_do = asyncio.Event()
        self._closing = False
        self._failing = False
        self._worker: asyncio.Task[None] | None = None

    @property
    def content(self) -> BufferContent:
        """What the file holds."""
        return self._open_buffer.content

    async def open(self) -> None:
        """Opens the file.

        Raises:
            TwinError: as `DiskBuffer`.
        """
        try:
            self._buffer = await self._in_thread(lambda: DiskBuffer(self._path))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        self._newest_number = self._buffer.newest_number
        self._worker = asyncio.create_task(self._work(), name=f"gateway buffer {self._path.name}")

    def has_room(self) -> bool:
        """Always: `put` itself waits for room on disk, and the server's credit does not matter to it."""
        return True

    async def put(self, batch: PackedBatch) -> None:
        """Takes a batch over; returns when it is on disk. If it is cancelled, the batch may be taken or not.

        Raises:
            InvalidArgumentError: the batch alone is larger than the buffer may be.
            BufferUnavailableError: it was not taken, for example because the disk is full.
        """
        if self._worker is None or self._closing:
            raise RuntimeError("The buffer is not open.")
        if len(batch.request) > self._limit_bytes:
            raise InvalidArgumentError(
                f"A batch of {len(batch.request)} bytes does not fit a buffer of {self._limit_bytes}. "
                "Give it more room, or send smaller batches.",
                reason=Reason.BATCH_TOO_LARGE,
                field="buffer_limit_bytes",
                value=self._limit_bytes,
            )
        taken = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, taken))
        self._work_to_do.set()
        try:
            await asyncio.wait((taken, self._worker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not taken.done():
                taken.cancel()
        if taken.cancelled():
            self._worker.result()
            raise RuntimeError("The gateway was left while it was sending.")
        taken.result()

    async def start_lanes(self, careful: int) -> list[Lane]:
        """One lane, or two where the backlog is long: the backlog's, then the one of what comes from now on."""
        await self._commit([])  # what is acknowledged must not be read again
        if self.content.rows <= IN_ORDER_ROWS:
            self._live = Lane(deque(), careful=careful)
            return [self._live]
        backlog = Lane(deque(), last_number=self._newest_number, most_rows=BACKLOG_ROWS_IN_FLIGHT, careful=careful)
        self._live = Lane(deque(), behind=backlog, careful=careful)
        self._live.loaded_number = self._newest_number
        return [backlog, self._live]

    async def feed(self, lane: Lane) -> None:
        """Reads batches ahead of a lane's stream, until its end.

        Raises:
            BufferUnavailableError: the file cannot be read.
        """
        while lane.last_number is None or lane.loaded_number < lane.last_number:
            await self._changes.wait_until(lambda: lane.loaded_number < self._newest_number and self._has_place(lane))
            last = min(self._newest_number, lane.last_number or self._newest_number)
            self._live_is_read = self._live_is_read or lane is self._live
            try:
                read = await self._in_thread(
                    self._open_buffer.read, lane.loaded_number + 1, last, self._lane_batches, _LANE_BYTES
                )
            finally:
                if lane is self._live:
                    self._live_is_read = False
            lane.batches.extend(read)
            lane.loaded_number = read[-1].number if read else last  # none: all of them were dropped
            self._note_damage()
            self._changes.wake()

    def acknowledge(self, batches: Sequence[PackedBatch], credit: int, refused: str = "") -> None:  # noqa: ARG002 - disk is what bounds this
        """Lets go of batches, a moment later; those of which rows were refused are set aside in the file."""
        if batches and not self._acked:
            asyncio.get_running_loop().call_later(_ACKS_GATHERED_S, self._work_to_do.set)
        self._acked.extend(batches)
        if refused:
            self._refused |= {batch.number: refused for batch in batches}

    async def refuse(self, batch: PackedBatch, error: TwinError) -> None:
        """Sets a batch aside in the file, so that the others may go.

        Raises:
            BufferUnavailableError: the file cannot be written.
        """
        await self._in_thread(self._open_buffer.refuse, batch.number, f"{error.reason}: {error.message}")
        self._counters.refused_batches += 1

    async def take_back(self, reason: Reason | None) -> int:
        """Queues batches again that were set aside.

        Raises:
            BufferUnavailableError: the file cannot be written.
        """
        await self._commit([])  # what is just being set aside belongs to it
        count = await self._in_thread(self._open_buffer.take_back, reason)
        if count:
            self._newest_number = self._open_buffer.newest_number
            self._changes.wake()
        return count

    async def close(self) -> None:
        """Writes down what is acknowledged and closes the file."""
        self._closing = True
        self._work_to_do.set()
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        if self._buffer is not None:
            await self._in_thread(self._buffer.close)
        self._thread.shutdown(wait=False)

    @property
    def _open_buffer(self) -> DiskBuffer:
        if self._buffer is None:
            raise RuntimeError("The buffer is not open.")
        return self._buffer

    def _has_place(self, lane: Lane) -> bool:
        held = lane.batches
        return len(held) <= self._lane_batches // 2 and sum(len(batch.request) for batch in held) < _LANE_BYTES

    async def _work(self) -> None:
        while True:
            await self._work_to_do.wait()
            self._work_to_do.clear()
            while await self._commit(self._fitting()):
                pass
            if self._closing:
                return

    def _fitting(self) -> list[tuple[PackedBatch, "asyncio.Future[None]"]]:
        """Batches to take in with the next commit."""
        fitting: list[tuple[PackedBatch, asyncio.Future[None]]] = []
        room, size = self._limit_bytes, 0
        if self._when_full is WhenFull.WAIT:
            room -= self.content.size_bytes - sum(len(batch.request) for batch in self._acked)
        while self._waiting and len(fitting) < _LONGEST_COMMIT_BATCHES:
            batch, taken = self._waiting[0]
            if not taken.cancelled():
                room -= len(batch.request)
                size += len(batch.request)
                if room < 0 or (fitting and size > _LARGEST_COMMIT_BYTES):
                    break
                fitting.append((batch, taken))
            self._waiting.popleft()
        return fitting

    async def _commit(self, new: list[tuple[PackedBatch, "asyncio.Future[None]"]]) -> bool:
        """Takes batches in and lets go of acknowledged ones; returns whether anything was done."""
        acked, self._acked = self._acked, []
        refused, self._refused = self._refused, {}
        if not new and not acked:
            return False
        size_bytes = self.content.size_bytes + sum(len(batch.request) for batch, _ in new)
        excess_bytes = max(0, size_bytes - sum(len(batch.request) for batch in acked) - self._limit_bytes)
        try:
            numbered, dropped = await self._in_thread(
                self._open_buffer.commit, [b for b, _ in new], _runs(acked), excess_bytes, list(refused.items())
            )
        except TwinError as error:
            self._note_failure(error)
            self._acked = acked + self._acked
            self._refused = refused | self._refused
            asyncio.get_running_loop().call_later(_RETRY_S, self._work_to_do.set)
            for _, taken in new:
                if not taken.done():
                    taken.set_exception(error)
            if new and acked:
                return await self._commit([])  # a full disk must not keep what it holds
            return False
        self._note_failure(None)
        self._counters.refused_batches += len(refused)
        self._note_dropped(dropped)
        self._note_damage()
        if numbered:
            self._newest_number = numbered[-1].number
            self._push_live(numbered)
        for _, taken in new:
            if not taken.done():
                taken.set_result(None)
        self._changes.wake()
        return True

    def _push_live(self, numbered: list[PackedBatch]) -> None:
        """Spares live batches the way over the disk where their lane is up to date."""
        lane = self._live
        if not self._live_is_read and lane.loaded_number == numbered[0].number - 1 and self._has_place(lane):
            lane.batches.extend(numbered)
            lane.loaded_number = numbered[-1].number

    def _note_failure(self, error: TwinError | None) -> None:
        """Tells of the first failure and of its end: a disk may be full for days, and may be the log's as well."""
        if error is not None and not self._failing:
            _LOG.error("%s Nothing is taken until that has passed.", error)
        elif error is None and self._failing:
            _LOG.warning("The buffer %s can be used again.", self._path)
        self._failing = error is not None

    def _note_dropped(self, dropped: BufferContent) -> None:
        if dropped.batches:
            if not self._counters.dropped_batches:
                _LOG.error("%s is full: the oldest batches are dropped from now on", self._path)
            self._counters.dropped_batches += dropped.batches
            self._counters.dropped_rows += dropped.rows

    def _note_damage(self) -> None:
        self._counters.damaged_files = len(self._open_buffer.set_aside)

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _runs(batches: Sequence[PackedBatch]) -> list[tuple[int, int]]:
    """First and last number of each run of numbers without a hole."""
    runs: list[tuple[int, int]] = []
    for number in sorted({batch.number for batch in batches}):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
