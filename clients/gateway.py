"""The way in for a stream of measurements: ordered, acknowledged, and never losing a batch to a broken connection."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import grpc.aio

from batterytwin.errors import InvalidArgumentError, Reason, TwinError
from batterytwin.readings import ReadingBatch
from batterytwin.readings_proto import batch_to_stream_request
from batterytwin.v1.ingest_service_pb2 import StreamReadingsRequest, StreamReadingsResponse
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from clients.backoff import Backoff
from clients.channel import MAX_REQUEST_BYTES, Tls, open_aio_channel, token_metadata
from clients.errors import PERMANENT_ERRORS, error_from_rpc
from clients.gateway_counters import GatewayCounters
from clients.ingest_proto import result_from_proto

if TYPE_CHECKING:
    from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceAsyncStub

_LOG = logging.getLogger(__name__)

_GOODBYE_S: Final = 1.0

_Call = grpc.aio.StreamStreamCall[StreamReadingsRequest, StreamReadingsResponse]


class GatewayClient:
    """Streams batches of readings to the server, as a sensor gateway does.

    Use it as an asynchronous context manager; leaving it normally waits until everything is acknowledged:

        async with GatewayClient("localhost:50051", token) as gateway:
            await gateway.send(batch)
        print(gateway.counters.accepted)

    A batch is kept until the server has acknowledged it, which means durable and applied. When the connection breaks
    or the server is full, the client comes back by itself (exponential back-off with jitter, never sooner than the
    server asked for) and sends again whatever was not acknowledged; the server recognises what it already has. At most
    `max_unacked` batches are held, fewer where the server grants less; `send` waits while that many are on their way.

    Args:
        target: address of the server, `host:port`.
        token: gateway token of the location (or access token of a user who may write).
        tls: encryption; None = none, for a server on the same machine.
        max_unacked: batches held at most, >= 1.
    """

    def __init__(self, target: str, token: str, *, tls: Tls | None = None, max_unacked: int = 64) -> None:
        if max_unacked < 1:
            raise InvalidArgumentError("At least one batch must be held.", field="max_unacked", value=max_unacked)
        self.counters = GatewayCounters()
        self._target = target
        self._token = token
        self._tls = tls
        self._max_unacked = max_unacked
        self._unacked: deque[StreamReadingsRequest] = deque()
        self._written = 0  # of the unacknowledged, those written to the present stream
        self._credit = 0
        self._in_flight = 0  # batches that may be written to the present stream before an answer
        self._backoff = Backoff()
        self._closing = False
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name=f"gateway to {self._target}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.drain()
                await self._say_goodbye()
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
                self._task = None

    @property
    def unacked_batches(self) -> int:
        """Batches sent or waiting to be sent that the server has not acknowledged."""
        return len(self._unacked)

    async def send(self, batch: ReadingBatch) -> None:
        """Takes a batch over, and returns as soon as it may be on its way; waits while the server grants no credit.

        Raises:
            InvalidArgumentError: the batch is larger than a server takes (reason BATCH_TOO_LARGE), or the server found
                the stream not understandable.
            UnauthenticatedError: the server does not accept the token.
            PermissionDeniedError: the token does not allow to write here.
        """
        request = batch_to_stream_request(batch, 0)
        if request.ByteSize() > MAX_REQUEST_BYTES - 1024:
            raise InvalidArgumentError(
                f"A batch of {len(batch.readings)} rows takes {request.ByteSize()} bytes, more than the "
                f"{MAX_REQUEST_BYTES} that a server takes. Send it in parts.",
                reason=Reason.BATCH_TOO_LARGE,
                field="readings",
                value=len(batch.readings),
            )
        await self._wait_until(lambda: len(self._unacked) < min(self._max_unacked, self._credit))
        self._unacked.append(request)
        self.counters.sent_rows += len(batch.readings)
        self.counters.sent_batches += 1
        self._wake()

    async def drain(self) -> None:
        """Waits until every batch is acknowledged. Wrap it in `asyncio.timeout` where it must not wait for ever.

        Raises:
            TwinError: as `send`.
        """
        await self._wait_until(lambda: not self._unacked)

    async def _say_goodbye(self) -> None:
        """Ends the stream in order, so that the server need not take it for a broken one."""
        self._closing = True
        self._wake()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=_GOODBYE_S)

    async def _run(self) -> None:
        try:
            async with open_aio_channel(self._target, self._tls) as channel:
                stub = IngestServiceStub(channel)
                while True:
                    delay_s = await self._stream_until_broken(stub)
                    if self._closing:
                        return
                    self.counters.reconnects += 1
                    await asyncio.sleep(delay_s)
        finally:
            self._wake()

    async def _stream_until_broken(self, stub: "IngestServiceAsyncStub") -> float:
        """Streams until the connection ends; returns the time to wait before the next one, s."""
        self._written = self._in_flight = 0
        call = stub.StreamReadings(metadata=token_metadata(self._token))
        reader = asyncio.create_task(self._read_answers(call))
        writer = asyncio.create_task(self._write_requests(call))
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
            await reader
            error = TwinError("the server ended the stream")
        except grpc.aio.AioRpcError as broken:
            error = error_from_rpc(broken, self._target)
            if isinstance(error, PERMANENT_ERRORS):
                raise error from broken
        finally:
            call.cancel()
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
        if self._closing:
            return 0.0
        delay_s = self._backoff.next_s(error.retry_after_s)
        _LOG.warning(
            "gateway to %s: %s; %d batches unacknowledged, again in %.1f s",
            self._target,
            error,
            len(self._unacked),
            delay_s,
        )
        return delay_s

    async def _write_requests(self, call: _Call) -> None:
        """Writes batches in order, numbered from 1 in each stream, keeping within the credit."""
        for sequence in itertools.count(1):
            await self._wait_until(lambda: self._closing or self._written < min(len(self._unacked), self._in_flight))
            if self._closing:
                await call.done_writing()
                return
            request = self._unacked[self._written]
            request.sequence = sequence
            self._written += 1
            try:
                await call.write(request)
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                return  # the call is over; the reader hears why

    async def _read_answers(self, call: _Call) -> None:
        acked_sequence = 0
        async for answer in call:
            self._credit = max(1, answer.max_inflight_batch_count)
            # one batch goes ahead of the others: gRPC forgets why a call ended when a write was under way, and a
            # server that refuses this stream for good must be heard
            self._in_flight = self._in_flight or 1
            acked_batches = min(answer.acked_sequence - acked_sequence, self._written)
            if acked_batches > 0:
                acked_sequence = answer.acked_sequence
                for _ in range(acked_batches):
                    self._unacked.popleft()
                self._written -= acked_batches
                self._in_flight = self._credit
                self._backoff.reset()
                self.counters.add(acked_batches, result_from_proto(answer))
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while True:
            if self._task is None:
                raise RuntimeError("A gateway client works inside `async with` only.")
            if self._task.done():
                self._task.result()
            if condition():
                return
            await self._changed.wait()
