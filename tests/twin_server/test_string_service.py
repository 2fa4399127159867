"""GetString over a real server: the blocks side by side, the sum rule, the autonomy, and who may ask."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio

from batterytwin.errors import UnknownStringError
from batterytwin.readings import StringReadingColumns
from batterytwin.telemetry import StringMode
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from clients.async_client import AsyncTwinClient
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request

STRING = "AAA-U1-S01"
LOWER, WARMER = 4, 9


@pytest_asyncio.fixture
async def client(running_server: RunningServer) -> AsyncIterator[AsyncTwinClient]:
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        yield client


async def send_frame(server: RunningServer, time_ns: int, *, current_a: float = 0.02) -> None:
    voltage_v = np.full(24, 13.6)
    temperature_c = np.full(24, 25.0)
    voltage_v[LOWER] -= 0.2
    temperature_c[WARMER] += 2.0
    voltage_v[WARMER] -= 2.0 * 6 * 0.0693 / 11.0  # what two kelvin do to a share of the float voltage
    readings = columns(blocks(STRING), time_ns, voltage_v.tolist(), math.nan, temperature_c.tolist())
    string = StringReadingColumns(
        [STRING],
        np.array([time_ns], np.int64),
        np.array([voltage_v.sum() + 0.5], np.float32),
        np.array([current_a], np.float32),
        np.array([StringMode.FLOAT], np.int32),
    )
    async with grpc.aio.insecure_channel(server.target) as channel:
        await IngestServiceStub(channel).IngestReadings(request(readings, string), metadata=server.admin, timeout=30)


async def test_blocks_are_compared_with_their_neighbours(
    running_server: RunningServer, client: AsyncTwinClient
) -> None:
    time_ns = now_ns(-5)
    await send_frame(running_server, time_ns)
    string = await client.get_string(STRING)
    assert string.as_of is not None
    assert round(string.as_of.timestamp() * 1e6) == time_ns // 1_000
    assert (string.location_id, string.system_id, string.mode) == ("AAA", "AAA-U1", StringMode.FLOAT)
    assert [block.twin.position for block in string.blocks] == list(range(1, 25))
    assert string.current_a == pytest.approx(0.02, abs=1e-3)
    assert string.sum_residual_v == pytest.approx(0.5, abs=0.01)
    assert string.set_point_v == pytest.approx(24 * 13.65, abs=0.01)
    deviations = [block.voltage_deviation_v for block in string.blocks]
    for position, deviation in enumerate(deviations):
        assert deviation == pytest.approx(-0.2 if position == LOWER else 0.0, abs=0.002)
    assert string.blocks[WARMER].temperature_deviation_k == pytest.approx(2.0, abs=0.01)
    assert string.diagnoses == ()


async def test_autonomy_follows_the_load(running_server: RunningServer, client: AsyncTwinClient) -> None:
    await send_frame(running_server, now_ns(-5))
    usual = (await client.get_string(STRING)).autonomy
    double = (await client.get_string(STRING, load_w=2.0 * usual.load_w)).autonomy if usual else None
    assert usual is not None
    assert double is not None
    assert not usual.present_load
    assert 0.0 <= usual.lower_s < usual.expected_s < usual.upper_s
    assert 2.0 * double.expected_s < usual.expected_s  # a quick discharge leaves charge inside
    assert usual.limiting_battery_id in blocks(STRING)


async def test_before_the_first_frame_nothing_is_known(client: AsyncTwinClient) -> None:
    string = await client.get_string(STRING)
    assert string.as_of is None
    assert string.block_sum_v is None
    assert string.autonomy is None
    assert all(block.voltage_deviation_v is None for block in string.blocks)


async def test_an_unknown_string_and_a_load_that_is_none(
    running_server: RunningServer, client: AsyncTwinClient
) -> None:
    with pytest.raises(UnknownStringError):
        await client.get_string("AAA-U9-S99")
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as other:
        for load_w in (0.0, -5.0, math.inf):
            with pytest.raises(Exception, match="load_w"):
                await other.get_string(STRING, load_w=load_w)


async def test_the_sum_rule_outlives_a_restart(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as server, AsyncTwinClient(server.target, server.admin_token) as client:
        await send_frame(server, now_ns(-20))
        await send_frame(server, now_ns(-5))
        before = await client.get_string(STRING)
    async with serve(database_url, tmp_path) as server, AsyncTwinClient(server.target, server.admin_token) as client:
        after = await client.get_string(STRING)
    assert after.as_of == before.as_of
    assert after.voltage_v == before.voltage_v
    assert after.sum_residual_v == pytest.approx(0.5, abs=0.01)
    assert (after.current_a, after.mode) == (before.current_a, before.mode)
