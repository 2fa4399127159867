"""`IngestService`: the way in for measurements."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.readings_wire import IngestRequest, request_reader
from batterytwin.v1 import ingest_service_pb2
from twin_server.drain import Drain
from twin_server.ingest_outcome_proto import outcome_to_counts, outcome_to_rejected_rows
from twin_server.ingest_router import IngestRouter, Submission
from twin_server.principal import Principal, current_principal
from twin_server.routing import FleetMap
from twin_server.visibility import visible_mask

_SERVICE: Final = ingest_service_pb2.DESCRIPTOR.services_by_name["IngestService"].full_name
_MOST_MASKS: Final = 256


class IngestServicer:
    """Stores and applies readings, one batch a call or many in a stream."""

    def __init__(self, router: IngestRouter, fleet_map: FleetMap, drain: Drain, stream_credit: int) -> None:
        self._router = router
        self._map = fleet_map
        self._drain = drain
        self._credit = stream_credit
        self._masks: dict[Principal, NDArray[np.bool_]] = {}

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serves the methods of `IngestService`, whose requests are read by `readings_wire`."""
        methods = {
            "IngestReadings": grpc.unary_unary_rpc_method_handler(
                self.IngestReadings,
                request_deserializer=request_reader(ingest_service_pb2.IngestReadingsRequest),
                response_serializer=ingest_service_pb2.IngestReadingsResponse.SerializeToString,
            ),
            "StreamReadings": grpc.stream_stream_rpc_method_handler(
                self.StreamReadings,
                request_deserializer=request_reader(ingest_service_pb2.StreamReadingsRequest),
                response_serializer=ingest_service_pb2.StreamReadingsResponse.SerializeToString,
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))

    async def IngestReadings(self, request: IngestRequest, context: Any) -> ingest_service_pb2.IngestReadingsResponse:
        """Stores and applies one batch, then answers."""
        outcome = await self._submit(request, self._writable()).outcome()
        return ingest_service_pb2.IngestReadingsResponse(
            counts=outcome_to_counts(outcome), rejected_rows=outcome_to_rejected_rows(outcome)
        )

    async def StreamReadings(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[ingest_service_pb2.StreamReadingsResponse]:
        """Stores and applies batches as they come, several under way at once, and acknowledges them in order."""
        yield ingest_service_pb2.StreamReadingsResponse(max_inflight_batch_count=self._credit)
        under_way: asyncio.Queue[tuple[int, Submission] | None] = asyncio.Queue()
        credit = asyncio.Semaphore(self._credit)
        reader = asyncio.create_task(self._read(aiter(request_iterator), under_way, credit))
        try:
            while (batch := await under_way.get()) is not None:
                sequence, submission = batch
                outcome = await submission.outcome()
                credit.release()
                yield ingest_service_pb2.StreamReadingsResponse(
                    acked_sequence=sequence,
                    max_inflight_batch_count=self._credit,
                    counts=outcome_to_counts(outcome),
                    rejected_rows=outcome_to_rejected_rows(outcome),
                )
            await reader  # raises what ended the reading, after everything before it is acknowledged
        finally:
            reader.cancel()

    async def _read(
        self,
        requests: AsyncIterator[IngestRequest],
        under_way: "asyncio.Queue[tuple[int, Submission] | None]",
        credit: asyncio.Semaphore,
    ) -> None:
        writable, last = self._writable(), None
        try:
            while True:
                with self._drain.interruptible():
                    await credit.acquire()  # a client beyond its credit is simply not read
                    request = await anext(requests, None)
                if request is None:
                    return
                _check_sequence(request.sequence, last)
                last = request.sequence
                under_way.put_nowait((last, self._submit(request, writable)))
        finally:
            under_way.put_nowait(None)

    def _submit(self, request: IngestRequest, writable: NDArray[np.bool_]) -> Submission:
        single = request.single()
        if single is not None and (quick := self._router.submit_single(single, writable)) is not None:
            return quick
        submission = self._router.submit(request.batch(), writable)
        request.remember_names()
        return submission

    def _writable(self) -> NDArray[np.bool_]:
        principal, location_count = current_principal(), len(self._map.locations)
        known = self._masks.get(principal)
        if known is None or len(known) != location_count:
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            known = self._masks[principal] = visible_mask(self._map, principal)
        return known


def _check_sequence(sequence: int, last: int | None) -> None:
    if sequence <= 0 or (last is not None and sequence != last + 1):
        expected = "a number above 0" if last is None else str(last + 1)
        raise InvalidArgumentError(
            f"Sequence {sequence} came where {expected} was due; reconnect and send again what is not acknowledged.",
            reason=Reason.SEQUENCE_OUT_OF_ORDER,
            field="sequence",
            value=sequence,
        )
