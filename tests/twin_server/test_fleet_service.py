"""Sites, sums and status; a grid that is registered while the server runs is as good as one that was there before."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import psycopg
import pytest
import pytest_asyncio

from batterytwin.v1 import fleet_pb2, twin_service_pb2
from batterytwin.v1 import fleet_service_pb2 as pb
from batterytwin.v1.fleet_service_pb2_grpc import FleetServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from tests.fixtures.server import RunningServer, bearer
from tests.twin_server.calls import blocks, columns, now_ns, reason_of, request

DATASHEET = 'model = "LAB-17"\nrated_capacity_ah = 17\ncells = 6\n'
PAST_NS = 1_500_000_000_000_000_000


class Office:
    def __init__(self, server: RunningServer, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.channel = channel
        self.fleet = FleetServiceStub(channel)

    async def send(self, battery_ids: list[str], time_ns: int, token: str = "", **values: Any) -> int:
        message = request(columns(battery_ids, time_ns, **values))
        metadata = bearer(token) if token else self.server.admin
        answer = await IngestServiceStub(self.channel).IngestReadings(message, metadata=metadata, timeout=20)
        return answer.counts.accepted_count

    async def register(self, **fields: Any) -> pb.RegisterGridResponse:
        wanted: dict[str, Any] = {
            "grid_id": "lab",
            "location_id": "LAB",
            "display_name": "Laboratory",
            "clock": fleet_pb2.LOCATION_CLOCK_FEED,
            "sample_period_s": 10.0,
            "datasheet_toml": DATASHEET,
            "battery_ids": ["LAB-1", "LAB-2"],
        } | fields
        message = pb.RegisterGridRequest(**wanted)
        return await self.fleet.RegisterGrid(message, metadata=self.server.admin, timeout=20)

    async def status(self) -> pb.GetStatusResponse:
        return await self.fleet.GetStatus(pb.GetStatusRequest(), timeout=20)


@pytest_asyncio.fixture
async def office(running_server: RunningServer) -> AsyncIterator[Office]:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        yield Office(running_server, channel)


async def test_locations_come_in_pages_with_everything_that_stands_in_them(office: Office) -> None:
    found: list[fleet_pb2.Location] = []
    token = ""
    while True:
        page = await office.fleet.ListLocations(
            pb.ListLocationsRequest(page_size=1, page_token=token), metadata=office.server.admin
        )
        found += page.locations
        if not (token := page.next_page_token):
            break
    assert [location.location_id for location in found] == ["AAA", "BBB"]
    strings = [string for system in found[0].systems for string in system.strings]
    assert [string.string_id for string in strings] == ["AAA-U1-S01", "AAA-U1-S02"]
    assert list(strings[0].battery_ids) == blocks("AAA-U1-S01")
    assert found[0].HasField("clock_time")


async def test_health_counts_every_battery_once(office: Office) -> None:
    await office.send(blocks("AAA-U1-S01"), now_ns(), temperature_c=31.0)
    await office.send(blocks("BBB-U1-S01")[:5], now_ns(-200))
    await office.send(blocks("BBB-U1-S02")[:2], now_ns(), voltage_v=400.0)
    health = await office.fleet.GetFleetHealth(pb.GetFleetHealthRequest(), metadata=office.server.admin)
    total = health.total
    assert (total.live_count, total.stale_count, total.suspect_count, total.no_data_count) == (24, 5, 2, 65)
    assert total.battery_count == 96
    assert total.healthy_count + total.ageing_count + total.end_of_life_count + total.unknown_count == 96
    assert [place.live_count for place in health.locations] == [24, 0]
    assert health.locations[0].max_temperature_c == pytest.approx(31.0)
    assert health.locations[1].oldest_age_s == pytest.approx(200, abs=30)


async def test_status_needs_no_login_here_and_counts_what_was_accepted(office: Office) -> None:
    before = await office.status()
    assert (before.twins_total, before.twins_live, before.oldest_age_s, before.readings_accepted) == (96, 0, -1.0, 0)
    assert before.ready, list(before.not_ready_reasons)
    assert (before.shards_total, before.shards_ready) == (2, 2)
    for site in ("AAA", "BBB"):
        for string in ("S01", "S02"):
            await office.send(blocks(f"{site}-U1-{string}"), now_ns())
    after = await office.status()
    assert (after.twins_live, after.readings_accepted) == (96, 96)
    assert 0.0 <= after.oldest_age_s < 60.0
    assert after.version


async def test_a_registered_grid_lives_by_its_own_clock_and_its_token_writes_there_alone(office: Office) -> None:
    registered = await office.register()
    assert registered.created
    token = registered.gateway_token
    assert registered.location.clock == fleet_pb2.LOCATION_CLOCK_FEED
    assert not registered.location.HasField("clock_time")

    assert await office.send(["LAB-1", "LAB-2"], PAST_NS, token, voltage_v=12.9) == 2
    assert await office.send(["AAA-U1-S01-B01"], now_ns(), token) == 0
    answer = await TwinServiceStub(office.channel).GetTwin(
        twin_service_pb2.GetTwinRequest(battery_id="LAB-2"), metadata=office.server.admin
    )
    twin = answer.twin
    assert (twin.age_s, twin.quality, twin.grid_id, twin.rated_capacity_ah) == (0.0, 1, "lab", 17.0)
    assert twin.as_of.ToNanoseconds() == PAST_NS
    assert (await office.status()).shards_total == 3


async def test_registering_again_changes_nothing_and_another_content_is_a_conflict(office: Office) -> None:
    await office.register()
    again = await office.register()
    assert (again.created, again.gateway_token) == (False, "")
    for fields in (
        {"battery_ids": ["LAB-1"]},
        {"sample_period_s": 20.0},
        {"datasheet_toml": DATASHEET.replace("17\n", "18\n")},
        {"location_id": "LAB2"},
        {"location_id": "AAA"},
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await office.register(**fields)
        assert reason_of(caught.value) == "ALREADY_EXISTS", fields
    assert (await office.status()).twins_total == 98


async def test_a_repetition_gives_a_token_where_none_was_ever_made(office: Office) -> None:
    first = await office.register()
    with psycopg.connect(office.server.database_url) as connection:
        connection.execute("DELETE FROM gateway_token WHERE location_id = 'LAB'")
    again = await office.register()
    assert not again.created
    assert again.gateway_token not in {"", first.gateway_token}
    assert await office.send(["LAB-1", "LAB-2"], PAST_NS, again.gateway_token, voltage_v=12.9) == 2
    assert (await office.register()).gateway_token == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"grid_id": ""},
        {"location_id": "a b"},
        {"location_id": "x" * 33},
        {"battery_ids": []},
        {"battery_ids": ["A", "A"]},
        {"battery_ids": ["A/B"]},
        {"battery_ids": [f"B{n}" for n in range(241)]},
        {"sample_period_s": 0.0},
        {"sample_period_s": float("nan")},
        {"datasheet_toml": "cells = "},
        {"datasheet_toml": 'model = "X"\ncells = 6\nrated_capacity_ah = -1'},
        {"clock": 0},
    ],
)
async def test_a_grid_that_makes_no_sense_is_refused(office: Office, fields: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await office.register(**fields)
    assert reason_of(caught.value) == "INVALID_ARGUMENT"
    assert (await office.status()).twins_total == 96


async def test_only_who_may_extend_the_fleet_registers_a_grid(office: Office) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await office.fleet.RegisterGrid(pb.RegisterGridRequest(), metadata=office.server.gateway("AAA"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
