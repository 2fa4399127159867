"""Start, readiness, overload and stop: the server always says what it can do, and keeps what it has acknowledged."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from batterytwin.errors import ConflictError, InvalidArgumentError
from batterytwin.telemetry import Rows
from batterytwin.v1 import auth_service_pb2, fleet_service_pb2, twin_service_pb2
from batterytwin.v1.auth_service_pb2_grpc import AuthServiceStub
from batterytwin.v1.fleet_service_pb2_grpc import FleetServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, reason_of, request, retry_after_s
from tests.twin_server.scripted_fleet import ScriptedFleet
from twin_server.server import SERVICE_NAMES

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
S01 = blocks("AAA-U1-S01")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - what is waited for is seen from outside alone
            await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def health_of(channel: grpc.aio.Channel, name: str = "") -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=20)).status)


async def snapshot_of(server: RunningServer) -> twin_service_pb2.GetFleetSnapshotResponse:
    async with grpc.aio.insecure_channel(server.target) as channel:
        message = twin_service_pb2.GetFleetSnapshotRequest()
        return await TwinServiceStub(channel).GetFleetSnapshot(message, metadata=server.admin, timeout=20)


def test_a_blocking_client_is_served_as_well(threaded_server: RunningServer) -> None:
    with grpc.insecure_channel(threaded_server.target) as channel:
        stub = TwinServiceStub(channel)
        message = twin_service_pb2.GetTwinRequest(battery_id=S01[0])
        answer = stub.GetTwin(message, metadata=threaded_server.admin, timeout=20)
        assert answer.twin.battery_id == S01[0]


async def test_every_service_is_healthy_and_listed_by_reflection(running_server: RunningServer) -> None:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        for name in ("", *SERVICE_NAMES):
            assert await health_of(channel, name) == SERVING
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type] # typed for threads
        async for answer in stub.ServerReflectionInfo(iter([asked])):
            names = {service.name for service in answer.list_services_response.service}
            assert names >= {*SERVICE_NAMES, "grpc.health.v1.Health"}


async def test_while_the_database_is_away_reads_go_on_and_writes_are_told_to_come_back(
    running_server: RunningServer, postgres_url: str
) -> None:
    name = running_server.database_url.rsplit("/", 1)[1].split("?")[0]
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        ingest = IngestServiceStub(channel)
        gateway = running_server.gateway("AAA")
        await ingest.IngestReadings(request(columns(S01, now_ns(-60))), metadata=gateway, timeout=20)
        await snapshot_of(running_server)  # so that the server knows the reader, whom it could not look up later
        with psycopg.connect(postgres_url, autocommit=True) as operator:
            operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            operator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            message = request(columns(S01, now_ns()))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ingest.IngestReadings(message, metadata=gateway, timeout=20)
            assert (caught.value.code(), reason_of(caught.value)) == (
                grpc.StatusCode.UNAVAILABLE,
                "DATABASE_UNAVAILABLE",
            )
            assert retry_after_s(caught.value)

            async def not_serving() -> bool:
                return await health_of(channel) == NOT_SERVING

            await until(not_serving)
            status = await FleetServiceStub(channel).GetStatus(fleet_service_pb2.GetStatusRequest(), timeout=20)
            assert not status.ready
            assert "database" in status.not_ready_reasons[0]
            assert (await snapshot_of(running_server)).twins.as_of_unix_ns[0] > 0
            operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

        async def accepted() -> bool:
            try:
                answer = await ingest.IngestReadings(message, metadata=gateway, timeout=20)
            except grpc.aio.AioRpcError:
                return False
            return answer.counts.accepted_count + answer.counts.duplicate_count == len(S01)

        async def serving() -> bool:
            return await health_of(channel) == SERVING

        await until(accepted)
        await until(serving)


async def test_a_restart_brings_every_acknowledged_value_back(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            for minute in range(5, 0, -1):
                message = request(columns(S01, now_ns(-60.0 * minute), 13.4 + 0.01 * minute))
                await IngestServiceStub(channel).IngestReadings(message, metadata=server.gateway("AAA"), timeout=20)
        before = (await snapshot_of(server)).twins
    async with serve(database_url, tmp_path) as server:
        after = (await snapshot_of(server)).twins
    for name in ("as_of_unix_ns", "voltage_v", "soc", "soh_capacity", "r0_ohm", "innovation_v"):
        assert list(getattr(before, name))[:24] == list(getattr(after, name))[:24]


async def test_a_damaged_snapshot_is_told_of_and_costs_nothing(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as server, grpc.aio.insecure_channel(server.target) as channel:
        message = request(columns(S01, now_ns(-60)))
        await IngestServiceStub(channel).IngestReadings(message, metadata=server.gateway("AAA"), timeout=20)
        before = (await snapshot_of(server)).twins
    with psycopg.connect(database_url, autocommit=True) as connection:
        damage = "UPDATE twin_snapshot SET state = substring(state for 100) WHERE battery_key IN (1, 2)"
        assert connection.execute(damage).rowcount == 2
    async with serve(database_url, tmp_path) as server, grpc.aio.insecure_channel(server.target) as channel:
        after = (await snapshot_of(server)).twins
        status = await FleetServiceStub(channel).GetStatus(fleet_service_pb2.GetStatusRequest(), timeout=20)
    assert status.damaged_snapshots == 2
    assert (list(after.soc)[:24], list(after.as_of_unix_ns)) == (list(before.soc)[:24], list(before.as_of_unix_ns))


async def test_until_twins_are_restored_callers_are_told_to_come_back(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    refused: list[grpc.StatusCode] = []

    class SlowFleet(ScriptedFleet):
        async def start(self) -> list[Rows]:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                assert await health_of(channel) == NOT_SERVING
                status = await FleetServiceStub(channel).GetStatus(fleet_service_pb2.GetStatusRequest(), timeout=20)
                assert list(status.not_ready_reasons) == ["twins are being restored"]
                login = auth_service_pb2.LoginRequest(username="admin", password="x")
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await AuthServiceStub(channel).Login(login, timeout=20)
                assert retry_after_s(caught.value)
                refused.append(caught.value.code())
            return await super().start()

    async with (
        serve(database_url, tmp_path, make_fleet=SlowFleet, port=port) as server,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        assert await health_of(channel) == SERVING
    assert refused == [grpc.StatusCode.UNAVAILABLE]


async def test_a_second_server_on_the_port_fails_and_says_so(running_server: RunningServer, tmp_path: Path) -> None:
    port = int(running_server.target.rsplit(":", 1)[1])
    with pytest.raises(ConflictError, match="port"):
        async with serve(running_server.database_url, tmp_path, make_fleet=ScriptedFleet, port=port):
            pass
    assert (await snapshot_of(running_server)).model_version


async def test_a_public_address_needs_tls(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="TLS"):
        async with serve(database_url, tmp_path, make_fleet=ScriptedFleet, host="0.0.0.0"):
            pass


async def test_too_many_calls_are_refused_politely_and_watchers_never_shut_gateways_out(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serve(database_url, tmp_path, make_fleet=ScriptedFleet, max_concurrent_calls=8) as server,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        stub = TwinServiceStub(channel)
        watches = [stub.WatchTwins(twin_service_pb2.WatchTwinsRequest(), metadata=server.admin) for _ in range(8)]
        for watch in watches:
            assert await asyncio.wait_for(watch.read(), 20) is not grpc.aio.EOF
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetTwin(twin_service_pb2.GetTwinRequest(battery_id=S01[0]), metadata=server.admin)
        assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_FULL")
        assert retry_after_s(caught.value)
        message = request(columns(S01, now_ns()))
        answer = await IngestServiceStub(channel).IngestReadings(message, metadata=server.gateway("AAA"), timeout=20)
        assert answer.counts.accepted_count == 24
        for watch in watches:
            watch.cancel()

        async def room() -> bool:
            try:
                await stub.GetTwin(twin_service_pb2.GetTwinRequest(battery_id=S01[0]), metadata=server.admin)
            except grpc.aio.AioRpcError:
                return False
            return True

        await until(room)


async def test_watchers_hear_that_the_server_stops(database_url: str, tmp_path: Path) -> None:
    async with (
        serve(database_url, tmp_path, make_fleet=ScriptedFleet) as server,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        watch = TwinServiceStub(channel).WatchTwins(twin_service_pb2.WatchTwinsRequest(), metadata=server.admin)
        await asyncio.wait_for(watch.read(), 20)
        stopping = asyncio.create_task(server.server.stop(10.0))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(watch.read(), 20)
        assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        await stopping
