"""Reads show what was acknowledged, only to who may see it; watches fold and never lag behind the truth."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from batterytwin.access import Role
from batterytwin.v1 import auth_service_pb2, twin_pb2, twin_service_pb2
from batterytwin.v1.auth_service_pb2_grpc import AuthServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from tests.fixtures.server import Metadata, RunningServer, bearer
from tests.twin_server.calls import blocks, columns, now_ns, reason_of, request
from twin_server.access_admin import add_user

S01 = blocks("AAA-U1-S01")


class Reader:
    """Sends as an admin, reads as whoever is asked for."""

    def __init__(self, server: RunningServer, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.twins = TwinServiceStub(channel)
        self.channel = channel

    async def send(self, battery_ids: list[str], time_ns: int, **values: float) -> None:
        message = request(columns(battery_ids, time_ns, **values))
        await IngestServiceStub(self.channel).IngestReadings(message, metadata=self.server.admin, timeout=20)

    async def list(self, **fields: Any) -> twin_service_pb2.ListTwinsResponse:
        message = twin_service_pb2.ListTwinsRequest(**fields)
        return await self.twins.ListTwins(message, metadata=self.server.admin, timeout=20)

    async def viewer_of(self, location_id: str) -> Metadata:
        await add_user(self.server.store, "viewer", Role.VIEWER, [location_id], password="only for looking")
        login = auth_service_pb2.LoginRequest(username="viewer", password="only for looking")
        return bearer((await AuthServiceStub(self.channel).Login(login)).session.access_token)


@pytest_asyncio.fixture
async def reader(running_server: RunningServer) -> AsyncIterator[Reader]:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        yield Reader(running_server, channel)


async def next_of(
    call: "grpc.aio.UnaryStreamCall[Any, twin_service_pb2.WatchTwinsResponse]",
) -> twin_service_pb2.WatchTwinsResponse:
    response = await asyncio.wait_for(call.read(), 20)
    assert isinstance(response, twin_service_pb2.WatchTwinsResponse)
    return response


async def test_a_snapshot_is_never_older_than_the_last_acknowledgement(reader: Reader) -> None:
    for second in range(3):
        time_ns = now_ns(second - 60)
        await reader.send(S01, time_ns)
        snapshot = await reader.twins.GetFleetSnapshot(
            twin_service_pb2.GetFleetSnapshotRequest(), metadata=reader.server.admin
        )
        twins = snapshot.twins
        assert len(twins.battery_ids) == 96
        assert list(twins.battery_ids[:24]) == S01
        assert set(twins.as_of_unix_ns[:24]) == {time_ns}
        assert set(twins.as_of_unix_ns[24:]) == {0}
        assert all(math.isnan(value) for value in twins.soc[24:])
        assert set(twins.qualities[24:]) == {twin_pb2.QUALITY_NO_DATA}
        assert snapshot.model_version


async def test_a_viewer_sees_the_assigned_site_and_nothing_else(reader: Reader) -> None:
    viewer = await reader.viewer_of("BBB")
    snapshot = await reader.twins.GetFleetSnapshot(twin_service_pb2.GetFleetSnapshotRequest(), metadata=viewer)
    assert {battery_id[:3] for battery_id in snapshot.twins.battery_ids} == {"BBB"}
    refusals = []
    for name in (S01[0], "AAA-U1-S01-B99"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reader.twins.GetTwin(twin_service_pb2.GetTwinRequest(battery_id=name), metadata=viewer)
        refusals.append((caught.value.code(), reason_of(caught.value)))
    for name in ("AAA", "XXX"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reader.twins.GetFleetSnapshot(
                twin_service_pb2.GetFleetSnapshotRequest(location_id=name), metadata=viewer
            )
        refusals.append((caught.value.code(), reason_of(caught.value)))
    assert refusals[0] == refusals[1] == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_BATTERY")
    assert refusals[2] == refusals[3] == (grpc.StatusCode.PERMISSION_DENIED, "LOCATION_NOT_ALLOWED")


async def test_pages_join_to_the_whole_list_in_every_order(reader: Reader) -> None:
    for number, battery_id in enumerate(S01):
        await reader.send([battery_id], now_ns(-60), temperature_c=20.0 + number % 7)
    for order in range(6):
        whole = [twin.battery_id for twin in (await reader.list(order=order, page_size=1_000)).twins]
        assert len(whole) == len(set(whole)) == 96
        joined: list[str] = []
        token = ""
        while True:
            page = await reader.list(order=order, page_size=17, page_token=token)
            assert page.total_count == 96
            joined += [twin.battery_id for twin in page.twins]
            if not (token := page.next_page_token):
                break
        assert joined == whole
    hottest = (await reader.list(order=twin_service_pb2.TWIN_ORDER_TEMPERATURE, page_size=24)).twins
    temperatures = [twin.temperature_c for twin in hottest]
    assert temperatures == sorted(temperatures, reverse=True)


async def test_filters_select_and_page_tokens_belong_to_their_request(reader: Reader) -> None:
    await reader.send(S01, now_ns())
    live = await reader.list(qualities=[twin_pb2.QUALITY_LIVE], page_size=5)
    assert live.total_count == 24
    assert (await reader.list(string_id="AAA-U1-S02")).total_count == 24
    assert (await reader.list(location_id="BBB", string_id="AAA-U1-S02")).total_count == 0
    assert (await reader.list(with_alerts_only=True)).total_count == 0
    for fields in (
        {"page_token": live.next_page_token},
        {"qualities": [twin_pb2.QUALITY_LIVE], "page_token": "bm9uc2Vuc2U"},
        {"page_token": "\u0e01"},
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await reader.list(**fields)
        assert reason_of(caught.value) == "INVALID_PAGE_TOKEN"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await reader.list(order=77)
    assert reason_of(caught.value) == "INVALID_ARGUMENT"


async def test_a_watch_begins_with_a_snapshot_and_folds_what_changes_meanwhile(reader: Reader) -> None:
    watch = reader.twins.WatchTwins(
        twin_service_pb2.WatchTwinsRequest(location_id="AAA", min_interval_s=0.3), metadata=reader.server.admin
    )
    first = await next_of(watch)
    assert first.snapshot
    assert len(first.twins.battery_ids) == 48
    start_ns = now_ns(-60)
    await reader.send(blocks("BBB-U1-S01"), start_ns)
    last = {}
    for second in range(6):
        for battery_id in S01[:3]:
            last[battery_id] = start_ns + second * 1_000_000_000
            await reader.send([battery_id], last[battery_id])
    seen: dict[str, int] = {}
    messages = 0
    while seen != last:
        change = await next_of(watch)
        messages += 1
        assert not change.snapshot
        assert len(set(change.twins.battery_ids)) == len(change.twins.battery_ids)
        seen |= dict(zip(change.twins.battery_ids, change.twins.as_of_unix_ns, strict=True))
    assert messages < 18
    watch.cancel()


async def test_a_watch_of_some_batteries_hears_of_those_alone(reader: Reader) -> None:
    watch = reader.twins.WatchTwins(
        twin_service_pb2.WatchTwinsRequest(battery_ids=[S01[4], S01[2]], min_interval_s=0.05),
        metadata=reader.server.admin,
    )
    assert list((await next_of(watch)).twins.battery_ids) == [S01[2], S01[4]]
    await reader.send([S01[0], S01[4]], now_ns())
    assert list((await next_of(watch)).twins.battery_ids) == [S01[4]]
    watch.cancel()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"location_id": "XXX"}, "UNKNOWN_LOCATION"),
        ({"battery_ids": ["nope"]}, "UNKNOWN_BATTERY"),
        ({"min_interval_s": 61.0}, "INVALID_ARGUMENT"),
        ({"min_interval_s": math.nan}, "INVALID_ARGUMENT"),
    ],
)
async def test_a_watch_of_what_does_not_exist_is_refused(reader: Reader, fields: dict[str, Any], reason: str) -> None:
    message = twin_service_pb2.WatchTwinsRequest(**fields)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(reader.twins.WatchTwins(message, metadata=reader.server.admin).read(), 20)
    assert reason_of(caught.value) == reason
