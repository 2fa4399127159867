"""One call of `StreamReadings`: writes a lane's batches in order, within its credit, and hears what became of them."""

import asyncio
import itertools
from collections.abc import Callable

import grpc.aio

from batterytwin.errors import UnavailableError
from batterytwin.v1.ingest_service_pb2 import StreamReadingsResponse
from clients.channel import token_metadata
from clients.errors import as_told
from clients.gateway_batch import PackedBatch
from clients.gateway_lane import Changes, Lane
from clients.ingest import IngestResult
from clients.ingest_calls import aio_stream_call
from clients.ingest_proto import result_from_proto

_Call = grpc.aio.StreamStreamCall[bytes, StreamReadingsResponse]


class GatewayStream:
    """Streams a lane.

    Args:
        lane: what to send.
        changes: woken when the lane has changed.
        is_closing: whether to end the stream in order.
        on_ack: told what was acknowledged, what became of its rows, and the server's credit in batches.
    """

    def __init__(
        self,
        lane: Lane,
        changes: Changes,
        is_closing: Callable[[], bool],
        on_ack: Callable[[list[PackedBatch], IngestResult | None, int], None],
    ) -> None:
        self.lane = lane
        self._changes = changes
        self._is_closing = is_closing
        self._on_ack = on_ack

    async def run(self, channel: grpc.aio.Channel, target: str, token: str) -> None:
        """Streams until the lane is finished or the gateway closes.

        Raises:
            TwinError: the call ended before; what is unacknowledged stays in the lane.
        """
        # the batches are serialized already, once for however many streams it takes
        call = aio_stream_call(channel)(metadata=token_metadata(token))
        reader = asyncio.create_task(self._read_answers(call))
        writer = asyncio.create_task(self._write_batches(call))
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
            await reader
        except grpc.aio.AioRpcError as broken:
            raise as_told(broken, target) from broken
        finally:
            call.cancel()
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)
        if not self._is_done():
            raise UnavailableError(f"The server at {target} ended the stream.")

    def _is_done(self) -> bool:
        return self._is_closing() or self.lane.is_finished

    async def _write_batches(self, call: _Call) -> None:
        """Writes batches in order, numbered from 1 in each stream."""
        for sequence in itertools.count(1):
            await self._changes.wait_until(lambda: self._is_done() or self.lane.may_write())
            try:
                if self._is_done():
                    await call.done_writing()
                    return
                await call.write(self.lane.take().numbered(sequence))
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                return  # the call is over; the reader hears why

    async def _read_answers(self, call: _Call) -> None:
        acked_sequence = 0
        async for answer in call:
            credit = max(1, answer.max_inflight_batch_count)
            if answer.acked_sequence > acked_sequence:
                acked = self.lane.acknowledge(answer.acked_sequence - acked_sequence, credit)
                acked_sequence = answer.acked_sequence
                self._on_ack(acked, result_from_proto(answer), credit)
            else:
                self.lane.grant(credit)
                self._on_ack([], None, credit)
            self._changes.wake()
