"""What happens to the disk or in front of the server for a while does not end a gateway."""

import asyncio
import errno
import sqlite3
from pathlib import Path

import grpc.aio
import pytest

from clients.gateway import GatewayClient
from clients.gateway_buffer import DiskBuffer
from tests.clients.batches import batch, eventually, expected
from tests.clients.fake_ingest import FakeIngest, serve

NOWHERE = "127.0.0.1:1"


async def test_a_disk_that_is_full_while_a_batch_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = tmp_path / "b"
    client = await GatewayClient(NOWHERE, "t", buffer=buffer).__aenter__()
    for second in range(4):
        await client.send(batch(second, rows=1_000 if second == 1 else 3))
    await client.__aexit__(KeyboardInterrupt, None, None)
    refuse, asked, is_full = DiskBuffer.refuse, asyncio.Event(), True
    loop = asyncio.get_running_loop()

    def refuse_if_space(self: DiskBuffer, number: int, reason: str) -> None:
        if is_full:
            loop.call_soon_threadsafe(asked.set)
            raise self._file.unavailable(sqlite3.OperationalError("database or disk is full"))
        refuse(self, number, reason)

    monkeypatch.setattr(DiskBuffer, "refuse", refuse_if_space)
    service = FakeIngest()
    async with (
        serve(service, max_request_bytes=1_000) as target,
        GatewayClient(target, "t", buffer=buffer) as client,
    ):
        await asyncio.wait_for(asked.wait(), 10)
        await client.send(batch(4))
        is_full = False
        await asyncio.wait_for(client.drain(), 20)
    assert client.counters.refused_batches == 1
    assert service.order == [row for row in expected(5) if row[1] != 10**9]


@pytest.mark.parametrize("is_of_sqlite", [True, False])
async def test_a_file_system_that_turns_read_only_for_a_while(
    is_of_sqlite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, unlink, is_broken = DiskBuffer._commit, Path.unlink, False

    def commit_unless_broken(self: DiskBuffer, *arguments: object) -> object:
        if is_broken and is_of_sqlite:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        if is_broken:
            raise OSError(errno.EROFS, "Read-only file system")
        return commit(self, *arguments)  # type: ignore[arg-type]

    def unlink_unless_broken(self: Path, missing_ok: bool = False) -> None:
        if is_broken:
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(DiskBuffer, "_commit", commit_unless_broken)
    monkeypatch.setattr(Path, "unlink", unlink_unless_broken)
    service = FakeIngest(gate=asyncio.Event())
    assert service.gate is not None
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as client:
        await client.send(batch(0))
        is_broken = True
        service.gate.set()  # the acknowledgement comes while the disk cannot be written
        await asyncio.sleep(0.5)
        is_broken = False
        await client.send(batch(1))
        await asyncio.wait_for(client.drain(), 10)
    assert service.order == expected(2)


async def test_a_proxy_that_knows_no_route_while_the_server_is_away(tmp_path: Path) -> None:
    """It answers with HTTP 404, of which gRPC makes UNIMPLEMENTED."""
    other = grpc.aio.server()
    port = other.add_insecure_port("127.0.0.1:0")
    await other.start()
    async with GatewayClient(f"127.0.0.1:{port}", "t", buffer=tmp_path / "b") as client:
        await client.send(batch(0))
        await eventually(lambda: bool(client.health().last_error))
        await other.stop(None)
        await client.send(batch(1))
        service = FakeIngest()
        async with serve(service, port=port):
            await asyncio.wait_for(client.drain(), 20)
    assert service.order == expected(2)
