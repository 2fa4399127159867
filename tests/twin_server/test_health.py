"""Alive and ready are different questions: a server without its database is alive, and nobody should restart it."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from tests.bench.server_process import ServerProcess
from tests.end_to_end.up_process import SMALL_FLEET
from tests.fixtures.postgres import database_of
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request
from tests.twin_server.scripted_fleet import ScriptedFleet
from tests.twin_server.test_server_life import NOT_SERVING, SERVING, health_of, until
from twin_server.readiness import DATABASE_PROBE_S, LIVENESS, PROBE_TIMEOUT_S
from twin_server.server import SERVICE_NAMES

S01 = blocks("AAA-U1-S01")
READINESS = ("", *SERVICE_NAMES)


async def healths(channel: grpc.aio.Channel) -> dict[str, int]:
    return {name: await health_of(channel, name) for name in (LIVENESS, *READINESS)}


def told(readiness: int) -> dict[str, int]:
    return {LIVENESS: int(SERVING)} | dict.fromkeys(READINESS, readiness)


def test_a_database_that_is_away_is_told_within_five_seconds() -> None:
    assert DATABASE_PROBE_S + PROBE_TIMEOUT_S < 5.0


async def test_a_database_that_hangs_takes_readiness_and_not_life(
    running_server: RunningServer, postgres_url: str
) -> None:
    name = running_server.database_url.rsplit("/", 1)[1].split("?")[0]
    with psycopg.connect(postgres_url, autocommit=True) as operator:
        found = operator.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name]).fetchall()
        # New sessions must hang as well, or the pool would simply open others.
        operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        async with grpc.aio.insecure_channel(running_server.target) as channel:

            async def not_ready() -> bool:
                return await health_of(channel) == NOT_SERVING

            async def ready() -> bool:
                return await health_of(channel) == SERVING

            try:
                for (pid,) in found:
                    os.kill(pid, signal.SIGSTOP)
                await until(not_ready)
                assert await healths(channel) == told(NOT_SERVING)
            finally:
                for (pid,) in found:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await until(ready)
            assert await healths(channel) == told(SERVING)


async def test_a_stop_takes_readiness_first_and_acknowledges_what_is_under_way(
    database_url: str, tmp_path: Path
) -> None:
    fleets: list[ScriptedFleet] = []

    def make_fleet(specs: object) -> ScriptedFleet:
        fleets.append(ScriptedFleet(specs))  # type: ignore[arg-type] # as serve() makes them
        return fleets[-1]

    async with (
        serve(database_url, tmp_path, make_fleet=make_fleet) as server,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        fleet = fleets[0]
        fleet.hold.clear()
        message = request(columns(S01, now_ns(-60)))
        call = IngestServiceStub(channel).IngestReadings(message, metadata=server.gateway("AAA"), timeout=20)
        await fleet.reached.wait()
        assert await healths(channel) == told(SERVING)
        watch = health_watch(channel)
        assert (await watch.read()).status == SERVING
        stopping = asyncio.create_task(server.server.stop(10.0))
        assert (await watch.read()).status == NOT_SERVING
        watch.cancel()
        assert not call.done()
        fleet.hold.set()
        assert (await call).counts.accepted_count == len(S01)
        await stopping


async def test_a_stop_does_not_wait_for_health_watches(database_url: str, tmp_path: Path) -> None:
    async with (
        serve(database_url, tmp_path, make_fleet=ScriptedFleet) as server,
        grpc.aio.insecure_channel(server.target) as channel,
    ):
        watch = health_watch(channel)
        assert (await watch.read()).status == SERVING
        async with asyncio.timeout(30):
            await server.server.stop(60.0)
        assert (await watch.read()).status == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch.read()
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def health_watch(channel: grpc.aio.Channel) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return stub.Watch(health_pb2.HealthCheckRequest(service=""))


@pytest.mark.slow
def test_a_start_waits_for_a_database_that_is_away(
    reachable_tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "not_there_yet"
    monkeypatch.setenv("DATABASE_URL", database_of(postgres_url, name))
    monkeypatch.setenv("BATTERYTWIN_IN_PROCESS", "true")
    fleet_file = reachable_tmp_path / "fleet.toml"
    fleet_file.write_text(SMALL_FLEET, encoding="utf-8")
    options = ("--no-simulator", "--no-dashboard", "--fleet-file", str(fleet_file))
    server = ServerProcess(reachable_tmp_path / "data", *options)
    log = reachable_tmp_path / "data.log"
    try:
        with psycopg.connect(postgres_url, autocommit=True) as operator:
            while "waiting for the database" not in log.read_text():
                assert server.is_running()
            operator.execute(f"CREATE DATABASE {name}")
        server.wait_for("ready")
    finally:
        server.stop()
        with psycopg.connect(postgres_url, autocommit=True) as operator:
            operator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
