"""An ingest service that keeps what gateways send, in a server of its own on a free port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import numpy as np

from batterytwin.errors import UnauthenticatedError
from batterytwin.readings import ReadingBatch
from batterytwin.readings_proto import batch_from_proto
from batterytwin.v1 import ingest_service_pb2 as pb
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceServicer, add_IngestServiceServicer_to_server
from batterytwin.v1.reading_pb2 import IngestCounts
from tests.clients.statuses import abort_with


@dataclass
class IngestRecorder(IngestServiceServicer):
    """Acknowledges every batch at once.

    Attributes:
        batches: all batches by the token that came with them, in order of arrival.
        refused: tokens that are not accepted.
        credit: batches that a stream may have on their way.
        received: set at every batch.
    """

    batches: dict[str, list[ReadingBatch]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    credit: int = 8
    received: asyncio.Event = field(default_factory=asyncio.Event)

    async def IngestReadings(  # noqa: N802 - gRPC's name
        self, request: pb.IngestReadingsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.IngestReadingsResponse:
        raise AssertionError(f"gateways stream, but {context.peer()} sent {request.ByteSize()} bytes alone")

    async def StreamReadings(  # noqa: N802 - gRPC's name
        self,
        request_iterator: AsyncIterator[pb.StreamReadingsRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[pb.StreamReadingsResponse]:
        metadata = dict(context.invocation_metadata() or ())
        token = str(metadata["authorization"]).removeprefix("Bearer ")
        if token in self.refused:
            await abort_with(context, UnauthenticatedError("no such token"))
        yield pb.StreamReadingsResponse(max_inflight_batch_count=self.credit)
        async for request in request_iterator:
            batch = batch_from_proto(request)
            self.batches.setdefault(token, []).append(batch)
            self.received.set()
            yield pb.StreamReadingsResponse(
                acked_sequence=request.sequence,
                max_inflight_batch_count=self.credit,
                counts=IngestCounts(accepted_count=len(batch.readings)),
            )

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until a condition holds after some batch."""
        async with asyncio.timeout(30):
            while not condition():
                self.received.clear()
                await self.received.wait()

    async def until_batches(self, count: int) -> None:
        """Waits until that many batches have come in all."""
        await self.until(lambda: sum(len(batches) for batches in self.batches.values()) >= count)

    async def until_sampled(self, token: str, string_id: str, time_s: float) -> None:
        """Waits until a string has been sampled after a time, s since 1970 UTC."""
        await self.until(lambda: bool(self.string_times_s(token, string_id).max(initial=0) > time_s))

    def rows(self, token: str) -> dict[str, list[tuple[int, float]]]:
        """Sample time (ns) and voltage (V) of every reading of each battery, in order of arrival."""
        rows: dict[str, list[tuple[int, float]]] = {}
        for batch in self.batches.get(token, []):
            columns = batch.readings
            assert columns.voltage_v is not None
            times, volts = columns.sample_time_unix_ns.tolist(), columns.voltage_v.tolist()
            for battery_id, time_ns, volt in zip(columns.battery_ids, times, volts, strict=True):
                rows.setdefault(battery_id, []).append((time_ns, volt))
        return rows

    def string_times_s(self, token: str, string_id: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Sample times of a string, s since 1970 UTC, in order of arrival."""
        times = [
            time_ns
            for batch in self.batches.get(token, [])
            if batch.string_readings is not None
            for name, time_ns in zip(
                batch.string_readings.string_ids, batch.string_readings.sample_time_unix_ns.tolist(), strict=True
            )
            if name == string_id
        ]
        return np.array(times) / 1e9


@asynccontextmanager
async def serve(recorder: IngestRecorder, port: int = 0) -> AsyncIterator[int]:
    """Serves a recorder on loopback; gives the port."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_IngestServiceServicer_to_server(recorder, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(grace=0)
