"""The way in for a stream of measurements: ordered, acknowledged, and never losing a batch to a broken connection."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import grpc.aio

from batterytwin.errors import BufferUnavailableError, InvalidArgumentError, Reason, TwinError
from batterytwin.readings import ReadingBatch
from clients.backoff import Backoff
from clients.channel import GATEWAY_KEEPALIVE_S, Tls, open_aio_channel
from clients.errors import PERMANENT_ERRORS
from clients.gateway_batch import PackedBatch, pack
from clients.gateway_counters import GatewayCounters
from clients.gateway_disk import DiskQueue, WhenFull
from clients.gateway_health import GatewayHealth
from clients.gateway_lane import Changes, Lane
from clients.gateway_queue import GatewayQueue, MemoryQueue
from clients.gateway_refused import why_set_aside
from clients.gateway_stream import GatewayStream
from clients.ingest import IngestResult

__all__ = ["GatewayClient", "GatewayHealth", "WhenFull"]

_LOG = logging.getLogger(__name__)

_GOODBYE_S: Final = 1.0
_HEALTH_INTERVAL_S: Final = 60.0
_DEFAULT_LIMIT_BYTES: Final = 1024 * 1024 * 1024
_REASONS_OF_A_BATCH: Final = (Reason.BATCH_TOO_LARGE, Reason.EMPTY_BATCH, Reason.COLUMN_LENGTH_MISMATCH)
"""What is wrong with one batch alone; other errors that come back concern the gateway as a whole."""

_FAULTS_OF_ONE_BATCH: Final = 5
"""Where the server fails inside so often in a row, the batch in front is taken for the cause."""

_REFUSED_AGAIN_S: Final = 30.0
"""Pause after the server has refused the gateway itself, for example its token, s."""


class GatewayClient:
    """Streams batches of readings to the server, as a sensor gateway does.

    Use it as an asynchronous context manager; leaving it normally waits until everything is acknowledged:

        async with GatewayClient("localhost:50051", token, buffer=Path("gateway.buffer")) as gateway:
            await gateway.send(batch)
        print(gateway.counters.accepted)

    A batch is kept until the server has acknowledged it, which means durable and applied. When the connection breaks
    or the server is full, the client comes back by itself (exponential back-off with jitter, never sooner than the
    server asked for) and sends again whatever was not acknowledged; the server recognises what it already has.

    Without a buffer, batches are kept in memory, at most `max_unacked` of them and fewer where the server grants less;
    `send` waits while that many are on their way. With one, `send` returns as soon as the batch is on disk, whether or
    not there is a server; a gateway that is killed goes on where it was when it is started again on the same file.
    Sends under way at the same time share a commit and keep the order of their calls. After a long absence the backlog
    travels on a stream of its own beside the live one (see `docs/client.md`).

    Args:
        target: address of the server, `host:port`.
        token: gateway token of the location (or access token of a user who may write).
        tls: encryption; None = none, for a server on the same machine.
        max_unacked: batches on their way or held in memory at most, >= 1.
        buffer: file for what is not acknowledged, one for each gateway; None = memory.
        buffer_limit_bytes: size of the batches in it at most, > 0.
        when_full: what becomes of new batches at that limit.
    """

    def __init__(
        self,
        target: str,
        token: str,
        *,
        tls: Tls | None = None,
        max_unacked: int = 64,
        buffer: Path | None = None,
        buffer_limit_bytes: int = _DEFAULT_LIMIT_BYTES,
        when_full: WhenFull = WhenFull.WAIT,
    ) -> None:
        if max_unacked < 1:
            raise InvalidArgumentError("At least one batch must be held.", field="max_unacked", value=max_unacked)
        if buffer_limit_bytes < 1:
            raise InvalidArgumentError(
                "A buffer needs some room.", field="buffer_limit_bytes", value=buffer_limit_bytes
            )
        self.counters = GatewayCounters()
        self._target = target
        self._token = token
        self._tls = tls
        self._changes = Changes()
        self._queue: GatewayQueue = (
            MemoryQueue(self._changes, max_unacked)
            if buffer is None
            else DiskQueue(
                buffer,
                limit_bytes=buffer_limit_bytes,
                when_full=when_full,
                changes=self._changes,
                lane_batches=max_unacked,
                counters=self.counters,
            )
        )
        self._backoff = Backoff()
        self._faults = 0  # of the server in a row, with nothing acknowledged in between
        self._refusal: TwinError | None = None  # of the gateway as a whole, while it lasts
        self._refused_until_us = 0  # newest sample of what was refused for the server's clock
        self._helpers: set[asyncio.Task[None]] = set()
        self._careful = 0  # batches to send one at a time, since one of them is suspected
        self._connected = False
        self._last_error = ""
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._teller: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._queue.open()
        with suppress(BufferUnavailableError):  # a disk that is full now
            await self._queue.take_back(Reason.TIME_IN_FUTURE)
        self._task = asyncio.create_task(self._run(), name=f"gateway to {self._target}")
        self._teller = asyncio.create_task(self._tell_health(), name=f"health of the gateway to {self._target}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.drain()
                await self._say_goodbye()
        finally:
            tasks = [task for task in (self._task, self._teller, *self._helpers) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._queue.close()
            self._task = None

    @property
    def unacked_batches(self) -> int:
        """Batches sent or waiting to be sent that the server has not acknowledged."""
        return self._queue.content.batches

    @property
    def refusal(self) -> TwinError | None:
        """Why the server refuses this gateway, for example its token; None = it does not. `drain` raises it."""
        return self._refusal

    def health(self) -> GatewayHealth:
        """How the gateway stands now; a line of it goes to the log every minute while it is not healthy."""
        content, counters = self._queue.content, self.counters
        now_us = time.time_ns() // 1_000
        return GatewayHealth(
            connected=self._connected,
            buffered_batches=content.batches,
            buffered_rows=content.rows,
            buffered_bytes=content.size_bytes,
            oldest_age_s=max(0.0, (now_us - (content.oldest_taken_us or now_us)) / 1e6),
            reconnects=counters.reconnects,
            resent_batches=counters.resent_batches,
            dropped_batches=counters.dropped_batches,
            rejected_rows=counters.rejected,
            rejected_age_s=(now_us - counters.last_rejected_us) / 1e6 if counters.last_rejected_us else math.inf,
            last_error=self._last_error,
        )

    async def send(self, batch: ReadingBatch) -> None:
        """Takes a batch over. With a buffer it returns when the batch is on disk, without one when it may be sent.

        Raises:
            InvalidArgumentError: the batch is larger than a server takes (reason BATCH_TOO_LARGE), or the server found
                the stream not understandable.
            BufferUnavailableError: the batch was not taken, because the disk is full or cannot be written; others are
                taken again as soon as that has passed.
            UnauthenticatedError: the server does not accept the token. With a buffer `drain` raises it: the batch is
                safe on disk, and the gateway goes on asking.
            PermissionDeniedError: the token does not allow to write here; likewise.
        """
        packed = pack(batch)
        await self._wait_until(self._queue.has_room)
        await self._queue.put(packed)
        self.counters.sent_rows += packed.rows
        self.counters.sent_batches += 1

    async def drain(self, left: int = 0) -> None:
        """Waits until every batch is acknowledged. Wrap it in `asyncio.timeout` where it must not wait for ever.

        Args:
            left: so many batches may be left; for senders that outrun the server.

        Raises:
            TwinError: as `send`.
        """
        await self._wait_until(lambda: self._refusal is not None or self._queue.content.batches <= left)
        if self._refusal is not None and self._queue.content.batches > left:
            raise self._refusal

    async def send_refused_again(self) -> int:
        """Queues the batches again that were set aside in the buffer, once what was wrong has been mended.

        Rows that the server has stored before are counted as `duplicate`. Batches that were refused for the server's
        clock alone go again by themselves, as soon as it takes rows as late as theirs.

        Returns:
            How many batches.

        Raises:
            BufferUnavailableError: the file cannot be written; nothing has changed.
        """
        return await self._queue.take_back(None)

    async def _say_goodbye(self) -> None:
        """Ends the stream in order, so that the server need not take it for a broken one."""
        self._closing = True
        self._changes.wake()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_GOODBYE_S)

    async def _run(self) -> None:
        try:
            async with open_aio_channel(self._target, self._tls, keepalive_s=GATEWAY_KEEPALIVE_S) as channel:
                while True:
                    error = await self._stream_until_refused(channel)
                    if error is None:
                        return
                    delay_s = self._backoff.next_s(error.retry_after_s)
                    if self._refusal is not None:
                        delay_s += _REFUSED_AGAIN_S
                    self._last_error = error.message
                    _LOG.warning(
                        "gateway to %s: %s; %d batches unacknowledged, again in %.1f s",
                        self._target,
                        error,
                        self.unacked_batches,
                        delay_s,
                    )
                    self.counters.reconnects += 1
                    await asyncio.sleep(delay_s)
        finally:
            self._connected = False
            self._changes.wake()

    async def _stream_until_refused(self, channel: grpc.aio.Channel) -> TwinError | None:
        """Like `_stream_until_broken`; where batches are safe on disk, even a refusal for good is only waited for."""
        try:
            return await self._stream_until_broken(channel)
        except PERMANENT_ERRORS as error:
            if not self._queue.is_lasting:
                raise
            self._refusal = error
            self._changes.wake()
            return error

    async def _stream_until_broken(self, channel: grpc.aio.Channel) -> TwinError | None:
        """Streams until the connection ends; returns why, None = the gateway is closing.

        Raises:
            TwinError: it would end like this every time.
        """
        lanes = await self._queue.start_lanes(self._careful)
        streams = [GatewayStream(lane, self._changes, lambda: self._closing, self._on_ack) for lane in lanes]
        calls = {asyncio.create_task(stream.run(channel, self._target, self._token)): stream.lane for stream in streams}
        feeders = {asyncio.create_task(self._queue.feed(lane)) for lane in lanes}
        try:
            return await self._first_failure(calls, feeders)
        finally:
            self._connected = False
            self.counters.resent_batches += sum(lane.written for lane in lanes)
            for task in (*calls, *feeders):
                task.cancel()
            await asyncio.gather(*calls, *feeders, return_exceptions=True)

    async def _first_failure(
        self, calls: dict[asyncio.Task[None], Lane], feeders: set[asyncio.Task[None]]
    ) -> TwinError | None:
        """Waits until a call fails (or reading the buffer does), or all have ended well."""
        pending = {*calls, *feeders}
        while pending & calls.keys():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                try:
                    task.result()
                except TwinError as error:
                    if self._closing:
                        return None
                    self._faults += error.reason is Reason.INTERNAL
                    await self._blame_batch(calls.get(task), error)
                    return error
        return None

    async def _blame_batch(self, lane: Lane | None, error: TwinError) -> None:
        """Finds the batch that no server will take and lets go of it; raises other errors that would come back."""
        is_fault = error.reason is Reason.INTERNAL and self._faults >= _FAULTS_OF_ONE_BATCH and self._queue.is_lasting
        if lane is None or not lane.written or not (error.reason in _REASONS_OF_A_BATCH or is_fault):
            if isinstance(error, PERMANENT_ERRORS):
                raise error
            return
        if lane.written > 1:
            self._careful = lane.written  # send them again, one by one, to see which it is
            return
        with suppress(BufferUnavailableError):  # the disk is full: come back to it
            await self._queue.refuse(lane.batches[0], error)
            self._careful = max(0, self._careful - 1)
            self._faults = 0

    def _on_ack(self, acked: list[PackedBatch], result: IngestResult | None, credit: int) -> None:
        self._connected = True
        refused = why_set_aside(result) if result is not None and result.rejected else ""
        self._queue.acknowledge(acked, credit, refused)
        if result is not None and acked:
            self._backoff.reset()
            self._faults, self._refusal = 0, None
            self._careful = max(0, self._careful - len(acked))
            self._note_refused(acked, refused, result)
            self.counters.add(len(acked), result)

    def _note_refused(self, acked: list[PackedBatch], refused: str, result: IngestResult) -> None:
        """Tells of refused rows, and sends those again that came too early for the server's clock."""
        newest_us = max(batch.last_sample_us for batch in acked)
        if refused:
            if not self.health().rejected_age_s < _HEALTH_INTERVAL_S:
                _LOG.error("gateway to %s: %d rows refused, the first: %s", self._target, result.rejected, refused)
            if refused.startswith(Reason.TIME_IN_FUTURE) and newest_us <= time.time_ns() // 1_000:
                self._refused_until_us = max(self._refused_until_us, newest_us)
        elif self._refused_until_us and newest_us >= self._refused_until_us:
            self._refused_until_us = 0
            helper = asyncio.create_task(self._send_early_again(), name=f"early rows of the gateway to {self._target}")
            self._helpers.add(helper)
            helper.add_done_callback(self._helpers.discard)

    async def _send_early_again(self) -> None:
        with suppress(BufferUnavailableError):  # the next start does it
            await self._queue.take_back(Reason.TIME_IN_FUTURE)

    async def _tell_health(self) -> None:
        while True:
            await asyncio.sleep(_HEALTH_INTERVAL_S)
            health = self.health()
            if not health.is_healthy:
                _LOG.warning("gateway to %s: %s", self._target, health)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        if self._task is None:
            raise RuntimeError("A gateway client works inside `async with` only.")
        task = self._task
        await self._changes.wait_until(lambda: task.done() or condition())
        if task.done():
            task.result()
            raise RuntimeError("The gateway has ended.")
