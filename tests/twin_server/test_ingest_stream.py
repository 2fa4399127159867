"""Streams: order is checked, acknowledgements come in order, credit bounds what is under way, half-close drains."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from actors.fleet import TwinSpec
from batterytwin.readings import ReadingBatch
from batterytwin.readings_proto import batch_to_stream_request
from batterytwin.v1 import ingest_service_pb2
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, reason_of, request, retry_after_s
from tests.twin_server.scripted_fleet import ScriptedFleet

S01 = blocks("AAA-U1-S01")

Call = grpc.aio.StreamStreamCall[ingest_service_pb2.StreamReadingsRequest, ingest_service_pb2.StreamReadingsResponse]


def numbered(sequence: int, second: int, start_ns: int) -> ingest_service_pb2.StreamReadingsRequest:
    return batch_to_stream_request(ReadingBatch(columns(S01, start_ns + second * 1_000_000_000)), sequence)


def open_stream(server: RunningServer, channel: grpc.aio.Channel) -> "Call":
    return IngestServiceStub(channel).StreamReadings(metadata=server.gateway("AAA"))


async def read(call: "Call") -> ingest_service_pb2.StreamReadingsResponse:
    response = await asyncio.wait_for(call.read(), 20)
    assert response is not grpc.aio.EOF
    assert isinstance(response, ingest_service_pb2.StreamReadingsResponse)
    return response


async def failure_of(call: "Call") -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(call.read(), 20)
    return caught.value


@pytest.fixture
async def held(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[RunningServer, ScriptedFleet]]:
    """A server whose shards answer when told to, with a credit of 3 and room for 96 rows a shard."""
    fleets: list[ScriptedFleet] = []

    def make(shards: list[list[TwinSpec]]) -> ScriptedFleet:
        fleets.append(ScriptedFleet(shards))
        return fleets[0]

    async with serve(database_url, tmp_path, make_fleet=make, stream_credit=3, max_waiting_rows=1_000) as server:
        yield server, fleets[0]


async def test_batches_are_acknowledged_in_order_and_half_close_drains(running_server: RunningServer) -> None:
    start_ns = now_ns(-60)
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        call = open_stream(running_server, channel)
        first = await read(call)
        assert first.acked_sequence == 0
        assert first.max_inflight_batch_count >= 1
        for sequence in range(5, 15):
            await call.write(numbered(sequence, sequence, start_ns))
        await call.done_writing()
        answers = [await read(call) for _ in range(10)]
        assert [answer.acked_sequence for answer in answers] == list(range(5, 15))
        assert {answer.counts.accepted_count for answer in answers} == {24}
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("wrong", [3, 1, 0, -5])
async def test_a_gap_or_a_repeat_ends_the_stream_after_the_batches_before_it(
    running_server: RunningServer, wrong: int
) -> None:
    start_ns = now_ns(-60)
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        call = open_stream(running_server, channel)
        await read(call)
        await call.write(numbered(1, 1, start_ns))
        await call.write(numbered(wrong, 2, start_ns))
        assert (await read(call)).acked_sequence == 1
        assert reason_of(await failure_of(call)) == "SEQUENCE_OUT_OF_ORDER"


async def test_a_bad_batch_ends_the_stream_with_its_reason(running_server: RunningServer) -> None:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        call = open_stream(running_server, channel)
        await read(call)
        await call.write(ingest_service_pb2.StreamReadingsRequest(sequence=1))
        assert reason_of(await failure_of(call)) == "EMPTY_BATCH"


async def test_no_more_than_the_credit_is_taken_and_nothing_is_acknowledged_early(
    held: tuple[RunningServer, ScriptedFleet],
) -> None:
    server, fleet = held
    fleet.hold.clear()
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = open_stream(server, channel)
        assert (await read(call)).max_inflight_batch_count == 3
        start_ns = now_ns(-60)
        for sequence in range(1, 7):
            await call.write(numbered(sequence, sequence, start_ns))
        reading = asyncio.ensure_future(call.read())
        await asyncio.sleep(0.1)
        assert not reading.done()
        fleet.hold.set()
        first: Any = await asyncio.wait_for(reading, 20)
        answers = [first, *[await read(call) for _ in range(5)]]
        assert [answer.acked_sequence for answer in answers] == [1, 2, 3, 4, 5, 6]
        await call.done_writing()
        times = [time for _, time in fleet.applied[0]]
        assert times == sorted(times)
        largest = max(rows for _, rows in fleet.calls)
        assert largest <= 3 * len(S01)


async def test_a_full_server_tells_when_to_come_back_and_then_takes_everything(
    held: tuple[RunningServer, ScriptedFleet],
) -> None:
    server, fleet = held
    fleet.hold.clear()
    async with grpc.aio.insecure_channel(server.target) as channel:
        stub = IngestServiceStub(channel)
        start_ns = now_ns(-600)
        messages = [request(columns(S01, start_ns + second * 1_000_000_000)) for second in range(60)]
        calls = [asyncio.ensure_future(stub.IngestReadings(messages[0], metadata=server.gateway("AAA"), timeout=60))]
        await fleet.reached.wait()  # now one batch is under way, and the 59 others exceed the room for waiting rows
        calls += [
            asyncio.ensure_future(stub.IngestReadings(message, metadata=server.gateway("AAA"), timeout=60))
            for message in messages[1:]
        ]
        # nothing is applied while the fleet is held, so the first call that ends is a refusal
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        fleet.hold.set()
        refused = []
        for message, answer in zip(messages, await asyncio.gather(*calls, return_exceptions=True), strict=True):
            if isinstance(answer, grpc.aio.AioRpcError):
                assert (answer.code(), reason_of(answer)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_FULL")
                assert retry_after_s(answer)
                refused.append(message)
        assert refused
        for message in refused:
            await stub.IngestReadings(message, metadata=server.gateway("AAA"), timeout=60)
        assert len(set(fleet.applied[0])) == len(fleet.applied[0]) == 60 * len(S01)


async def test_stopping_acknowledges_what_is_under_way_and_says_goodbye(
    held: tuple[RunningServer, ScriptedFleet],
) -> None:
    server, fleet = held
    fleet.hold.clear()
    async with grpc.aio.insecure_channel(server.target) as channel:
        call = open_stream(server, channel)
        await read(call)
        await call.write(numbered(1, 1, now_ns(-60)))
        await fleet.reached.wait()
        stopping = asyncio.create_task(server.server.stop(10.0))
        await asyncio.sleep(0.1)
        fleet.hold.set()
        assert (await read(call)).acked_sequence == 1
        error = await failure_of(call)
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        await stopping
