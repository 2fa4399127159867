"""Single batches: what is acknowledged is durable and applied; every bad input has its typed answer."""

import math
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio

from batterytwin.readings import StringReadingColumns
from batterytwin.v1 import ingest_service_pb2, reading_pb2, twin_pb2, twin_service_pb2
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from tests.fixtures.server import Metadata, RunningServer, bearer
from tests.twin_server.calls import blocks, columns, now_ns, reason_of, request

S01 = blocks("AAA-U1-S01")
METHOD = "/batterytwin.v1.IngestService/IngestReadings"


class Site:
    """A gateway of AAA, and an admin who looks."""

    def __init__(self, server: RunningServer, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.channel = channel

    async def send(
        self, message: ingest_service_pb2.IngestReadingsRequest, metadata: Metadata | None = None
    ) -> ingest_service_pb2.IngestReadingsResponse:
        metadata = self.server.gateway("AAA") if metadata is None else metadata
        return await IngestServiceStub(self.channel).IngestReadings(message, metadata=metadata, timeout=20)

    async def refused(
        self, message: ingest_service_pb2.IngestReadingsRequest, metadata: Metadata | None = None
    ) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.send(message, metadata)
        return caught.value

    async def twin(self, battery_id: str) -> "twin_service_pb2.GetTwinResponse":
        stub = TwinServiceStub(self.channel)
        return await stub.GetTwin(
            twin_service_pb2.GetTwinRequest(battery_id=battery_id), metadata=self.server.admin, timeout=20
        )


@pytest_asyncio.fixture
async def site(running_server: RunningServer) -> AsyncIterator[Site]:
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(running_server.target, options=options) as channel:
        yield Site(running_server, channel)


def counts(response: ingest_service_pb2.IngestReadingsResponse) -> tuple[int, int, int, int, int]:
    found = response.counts
    return (
        found.accepted_count,
        found.duplicate_count,
        found.late_count,
        found.rejected_count,
        found.suspect_count,
    )


async def test_an_acknowledged_reading_is_seen_at_once_and_sending_it_again_changes_nothing(site: Site) -> None:
    time_ns = now_ns()
    message = request(columns(S01, time_ns, voltage_v=13.512))
    assert counts(await site.send(message)) == (24, 0, 0, 0, 0)
    first = await site.twin(S01[0])
    assert first.twin.as_of.ToNanoseconds() == time_ns
    assert first.twin.voltage_v == pytest.approx(13.512)
    assert first.twin.quality == twin_pb2.QUALITY_LIVE
    assert first.twin.soc.sigma > 0
    assert counts(await site.send(message)) == (0, 24, 0, 0, 0)
    again = (await site.twin(S01[0])).twin
    assert (again.soc, again.r0_ohm) == (first.twin.soc, first.twin.r0_ohm)


async def test_rows_of_both_shards_and_a_late_one_are_counted(site: Site) -> None:
    time_ns = now_ns()
    ids = ["AAA-U1-S01-B01", "BBB-U1-S02-B24"]
    assert counts(await site.send(request(columns(ids, time_ns)), site.server.admin)) == (2, 0, 0, 0, 0)
    late = columns(ids, time_ns - 5_000_000_000)
    assert counts(await site.send(request(late), site.server.admin)) == (0, 0, 2, 0, 0)
    assert counts(await site.send(request(late), site.server.admin)) == (0, 2, 0, 0, 0)
    other = await site.send(request(columns(ids, time_ns - 5_000_000_000, voltage_v=13.1)), site.server.admin)
    assert (counts(other), other.counts.conflict_count) == ((0, 0, 0, 0, 0), 2)
    old = await site.send(request(columns(ids, time_ns - 90_000_000_000_000)), site.server.admin)
    assert (counts(old), old.counts.too_late_count) == ((0, 0, 0, 0, 0), 2)


async def test_bad_rows_are_named_and_good_rows_of_the_batch_are_kept(site: Site) -> None:
    ids = ["AAA-U1-S01-B01", "NO-SUCH-B01", "BBB-U1-S01-B01", *S01[1:8]]
    times = [now_ns()] * len(ids)
    times[4] = now_ns(300)
    times[5] = 0
    voltages = [13.5, 13.5, 13.5, math.inf, 13.5, 13.5, -12.88, 0.0, 400.0, math.nan]
    response = await site.send(request(columns(ids, times, voltages)))
    assert [(row.row_index, row.reason) for row in response.rejected_rows] == [
        (1, "UNKNOWN_BATTERY"),
        (2, "WRONG_LOCATION"),
        (3, "NOT_FINITE"),
        (4, "TIME_IN_FUTURE"),
        (5, "TIME_MISSING"),
    ]
    assert all(row.remedy for row in response.rejected_rows)
    # reversed polarity, 0 V and 400 V are finite: stored and marked, for they may be the failure that is looked for
    assert counts(response) == (5, 0, 0, 5, 3)
    assert (await site.twin(ids[6])).twin.quality == twin_pb2.QUALITY_SUSPECT
    assert (await site.twin(ids[9])).twin.temperature_c == pytest.approx(25.0)


async def test_the_strings_current_reaches_blocks_that_have_none(site: Site) -> None:
    time_ns = now_ns()
    strings = StringReadingColumns(
        ["AAA-U1-S01"],
        np.array([time_ns], np.int64),
        np.array([290.0], np.float32),
        np.array([-30.0], np.float32),
    )
    assert counts(await site.send(request(columns(S01, time_ns, 12.1, math.nan), strings))) == (24, 0, 0, 0, 0)
    assert (await site.twin(S01[7])).twin.current_a == pytest.approx(-30.0)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (ingest_service_pb2.IngestReadingsRequest(), "EMPTY_BATCH"),
        (
            ingest_service_pb2.IngestReadingsRequest(
                readings=reading_pb2.ReadingColumns(battery_ids=S01, sample_time_unix_ns=[1], voltage_v=[13.5])
            ),
            "COLUMN_LENGTH_MISMATCH",
        ),
        (
            ingest_service_pb2.IngestReadingsRequest(
                readings=reading_pb2.ReadingColumns(
                    battery_ids=S01[:2], sample_time_unix_ns=[1, 2], temperature_c=[25.0]
                )
            ),
            "COLUMN_LENGTH_MISMATCH",
        ),
        (
            ingest_service_pb2.IngestReadingsRequest(
                readings=reading_pb2.ReadingColumns(battery_ids=[""] * 200_001, sample_time_unix_ns=[0] * 200_001)
            ),
            "BATCH_TOO_LARGE",
        ),
    ],
)
async def test_a_batch_that_cannot_be_understood_is_refused_as_a_whole(
    site: Site, message: ingest_service_pb2.IngestReadingsRequest, reason: str
) -> None:
    error = await site.refused(message)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_garbage_bytes_are_an_invalid_argument_and_the_server_goes_on(site: Site) -> None:
    raw: Any = site.channel.unary_unary(METHOD)
    generator = np.random.default_rng(7)
    for size in (1, 17, 4_000):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await raw(b"\xff" + generator.bytes(size), metadata=site.server.gateway("AAA"), timeout=20)
        error = caught.value
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert counts(await site.send(request(columns(S01, now_ns())))) == (24, 0, 0, 0, 0)


async def test_a_message_of_5_mb_is_refused_and_the_server_goes_on(site: Site) -> None:
    message = ingest_service_pb2.IngestReadingsRequest(request_id="x" * 5_000_000)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await site.send(message)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert counts(await site.send(request(columns(S01, now_ns())))) == (24, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [((), "TOKEN_MISSING"), (bearer("bt_0123_wrong"), "TOKEN_INVALID"), (bearer("eyJ.garbage.x"), "TOKEN_INVALID")],
)
async def test_without_a_good_token_nothing_gets_in(site: Site, metadata: Metadata, reason: str) -> None:
    error = await site.refused(request(columns(S01, now_ns())), metadata)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, reason)
    assert not (await site.twin(S01[0])).twin.HasField("as_of")


async def test_a_gateway_of_another_site_changes_nothing_here(site: Site) -> None:
    response = await site.send(request(columns(S01, now_ns())), site.server.gateway("BBB"))
    assert counts(response) == (0, 0, 0, 24, 0)
    assert {row.reason for row in response.rejected_rows} == {"WRONG_LOCATION"}
    assert not (await site.twin(S01[0])).twin.HasField("as_of")
