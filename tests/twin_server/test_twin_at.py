"""Twins at past instants, asked for from outside."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg
import pytest

from batterytwin.errors import InvalidArgumentError, Reason, UnknownBatteryError
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from clients.async_client import AsyncTwinClient
from clients.past import TwinSource
from clients.types import Quality
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import columns, now_ns, request

ONE = "AAA-U1-S01-B01"


async def feed(server: RunningServer, *minutes_ago: float) -> None:
    async with grpc.aio.insecure_channel(server.target) as channel:
        for minutes in minutes_ago:
            batch = columns([ONE], now_ns(-60.0 * minutes), 13.0 + minutes / 100.0, 0.05)
            await IngestServiceStub(channel).IngestReadings(request(batch), metadata=server.gateway("AAA"))


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


async def test_a_twin_is_told_as_it_was_with_the_age_that_it_had(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as server, AsyncTwinClient(server.target, server.admin_token) as client:
        await feed(server, 60, 40, 39)
        begun = datetime.now(UTC)
        now = await client.get_twin(ONE)
        past = await client.get_twin_at(ONE, begun, deadline_s=60.0)  # its process begins with this call
        assert past.source is TwinSource.REPLAYED
        assert past.twin.as_of == now.as_of
        for told, present in ((past.twin.soc, now.soc), (past.twin.r0_ohm, now.r0_ohm)):
            assert told is not None
            assert present is not None
            assert told.value == present.value
            assert told.sigma == pytest.approx(present.sigma, rel=1e-3)  # it grows with age
        before = await client.get_twin_at(ONE, begun - timedelta(minutes=39.9))
        assert before.twin.voltage_v == pytest.approx(13.4)
        assert before.twin.age_s == pytest.approx(6.0, abs=3.0)
        assert before.twin.quality is Quality.LIVE
        silent = await client.get_twin_at(ONE, begun - timedelta(minutes=45))
        assert silent.twin.quality is Quality.NO_DATA
        assert silent.twin.voltage_v == pytest.approx(13.6)
        assert silent.replayed_row_count == 1
        await feed(server, 50)
        assert (await client.get_twin_at(ONE, begun - timedelta(minutes=45))).twin.voltage_v == pytest.approx(13.5)
        assert (await client.get_twin_at(ONE, begun - timedelta(minutes=45))).revision == 1
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE filter_version SET version = 'earlier-ekf'")
        stored = await client.get_twin_at(ONE, begun - timedelta(minutes=39.9))
        assert (stored.source, stored.twin.model_version) == (TwinSource.STORED, "earlier-ekf")
        assert stored.twin.soc is not None


async def test_what_cannot_be_told_says_why(running_server: RunningServer) -> None:
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        await feed(running_server, 5)
        await client.get_twin_at(ONE, ago(1), deadline_s=60.0)  # its process begins with this call
        with pytest.raises(UnknownBatteryError):
            await client.get_twin_at("XXX", ago(1))
        with pytest.raises(InvalidArgumentError, match="ahead") as ahead:
            await client.get_twin_at(ONE, ago(-5))
        assert ahead.value.reason is Reason.TIME_IN_FUTURE
        with pytest.raises(InvalidArgumentError, match="no reading"):
            await client.get_twin_at(ONE, ago(10))
        with pytest.raises(InvalidArgumentError, match="time zone"):
            await client.get_twin_at(ONE, datetime(2026, 1, 1))  # noqa: DTZ001 # that is the point
