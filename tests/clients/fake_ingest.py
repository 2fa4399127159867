"""An ingest service in memory: idempotent like the real one, and it fails where a test wants it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio

from batterytwin.errors import Reason, TwinError
from batterytwin.readings_proto import batch_from_proto
from batterytwin.v1 import ingest_service_pb2 as pb
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceServicer, add_IngestServiceServicer_to_server
from batterytwin.v1.reading_pb2 import IngestCounts, RejectedRow
from tests.clients.statuses import abort_with


@dataclass
class FakeIngest(IngestServiceServicer):
    """Stores rows by (battery, sample time).

    Attributes:
        credit: batches that a stream may have on their way.
        fail_before: called with the count of batches seen so far, before a batch is stored; may return an error.
        fail_after: the same, after the batch is stored and before it is acknowledged.
        gate: acknowledgements wait for it.
        refuse_rows: called with a request; may return the reason for which all of its rows are refused.
    """

    credit: int = 4
    fail_before: Callable[[int], TwinError | None] = lambda _: None
    fail_after: Callable[[int], TwinError | None] = lambda _: None
    gate: asyncio.Event | None = None
    refuse_rows: Callable[[pb.StreamReadingsRequest], Reason | None] = lambda _: None
    stored: dict[tuple[str, int], float] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)
    seen_batches: int = 0
    streams: int = 0
    tokens: list[str] = field(default_factory=list)
    waiting: int = 0
    most_waiting: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)

    async def IngestReadings(  # noqa: N802 - gRPC's name
        self, request: pb.IngestReadingsRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> pb.IngestReadingsResponse:
        self.seen_batches += 1
        if error := self.fail_before(self.seen_batches):
            await abort_with(context, error)
        return pb.IngestReadingsResponse(counts=self._store(request))

    async def StreamReadings(  # noqa: N802 - gRPC's name
        self,
        request_iterator: AsyncIterator[pb.StreamReadingsRequest],
        context: grpc.aio.ServicerContext[object, object],
    ) -> AsyncIterator[pb.StreamReadingsResponse]:
        self.streams += 1
        self.waiting = 0
        self.tokens.append(str(dict(context.invocation_metadata() or ()).get("authorization", "")))
        yield pb.StreamReadingsResponse(max_inflight_batch_count=self.credit)
        received: asyncio.Queue[pb.StreamReadingsRequest | None] = asyncio.Queue()
        receiver = asyncio.create_task(self._receive(request_iterator, received))
        try:
            expected = 0
            while (request := await received.get()) is not None:
                expected += 1
                assert request.sequence == expected
                self.seen_batches += 1
                if error := self.fail_before(self.seen_batches):
                    await abort_with(context, error)
                if self.gate is not None:
                    await self.gate.wait()
                reason = self.refuse_rows(request)
                counts = self._store(request) if reason is None else _all_rejected(request)
                if error := self.fail_after(self.seen_batches):
                    await abort_with(context, error)
                self.waiting -= 1
                yield pb.StreamReadingsResponse(
                    acked_sequence=request.sequence,
                    max_inflight_batch_count=self.credit,
                    counts=counts,
                    rejected_rows=[RejectedRow(battery_id="B0", reason=reason, remedy="mend it")] if reason else [],
                )
        finally:
            receiver.cancel()

    async def _receive(
        self, requests: AsyncIterator[pb.StreamReadingsRequest], queue: asyncio.Queue[pb.StreamReadingsRequest | None]
    ) -> None:
        async for request in requests:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
            if self.waiting == self.credit:
                self.full.set()
            queue.put_nowait(request)
        queue.put_nowait(None)

    def _store(self, request: pb.StreamReadingsRequest | pb.IngestReadingsRequest) -> IngestCounts:
        counts = IngestCounts()
        readings = batch_from_proto(request).readings
        for row, battery in enumerate(readings.battery_ids):
            key = (battery, int(readings.sample_time_unix_ns[row]))
            if key in self.stored:
                counts.duplicate_count += 1
            else:
                self.stored[key] = float(readings.voltage_v[row]) if readings.voltage_v is not None else float("nan")
                self.order.append(key)
                counts.accepted_count += 1
        return counts


def _all_rejected(request: pb.StreamReadingsRequest) -> IngestCounts:
    return IngestCounts(rejected_count=len(request.readings.battery_ids))


@asynccontextmanager
async def serve(service: FakeIngest, port: int = 0, max_request_bytes: int = 4_000_000) -> AsyncIterator[str]:
    """Runs the service on a free port (or the given one) and yields its address."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", max_request_bytes)])
    add_IngestServiceServicer_to_server(service, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
