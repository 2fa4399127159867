"""What a server refuses is told and kept, and it goes again when the cause is mended."""

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import pytest

from batterytwin.errors import Reason, TwinError, UnauthenticatedError
from batterytwin.v1.ingest_service_pb2 import StreamReadingsRequest
from clients import gateway
from clients.gateway import GatewayClient
from clients.gateway_batch import pack
from clients.gateway_buffer import DiskBuffer
from tests.clients.batches import batch, eventually, expected
from tests.clients.fake_ingest import FakeIngest, serve


def _refused(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    try:
        return [reason for (reason,) in db.execute("SELECT reason FROM refused ORDER BY number")]
    finally:
        db.close()


async def _drained(target: str, buffer: Path, batches: int) -> GatewayClient:
    async with GatewayClient(target, "t", buffer=buffer) as client:
        for second in range(batches):
            await client.send(batch(second))
        await client.drain()
    return client


async def test_refused_rows_are_told_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "clients")
    async with serve(FakeIngest(refuse_rows=lambda _: Reason.UNKNOWN_BATTERY)) as target:
        client = await _drained(target, tmp_path / "b", batches=5)
    assert not client.health().is_healthy
    assert "15 rows refused" in str(client.health())
    assert "3 rows refused, the first: UNKNOWN_BATTERY: B0" in caplog.text
    assert caplog.text.count("the first: UNKNOWN_BATTERY") == 1
    assert client.counters.refused_batches == 5
    assert [reason.partition(":")[0] for reason in _refused(tmp_path / "b")] == ["UNKNOWN_BATTERY"] * 5


async def test_what_was_refused_goes_again_once_the_cause_is_mended(tmp_path: Path) -> None:
    service = FakeIngest(refuse_rows=lambda _: Reason.UNKNOWN_BATTERY)
    async with serve(service) as target:
        await _drained(target, tmp_path / "b", batches=4)
        service.refuse_rows = lambda _: None
        async with GatewayClient(target, "t", buffer=tmp_path / "b") as client:
            assert await client.send_refused_again() == 4
            await client.drain()
            assert await client.send_refused_again() == 0
    assert service.order == expected(4)
    assert _refused(tmp_path / "b") == []


async def test_rows_ahead_of_the_servers_clock_go_again_by_themselves(tmp_path: Path) -> None:
    """A server comes back after a power cut with its clock behind, and has it set a moment later."""
    clock_s = 2

    def ahead(request: StreamReadingsRequest) -> Reason | None:
        is_ahead = request.readings.sample_time_unix_ns[0] > clock_s * 10**9
        return Reason.TIME_IN_FUTURE if is_ahead else None

    service = FakeIngest(refuse_rows=ahead)
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as client:
        for second in range(6):
            await client.send(batch(second))
        await client.drain()
        clock_s = 100
        await client.send(batch(6))
        await eventually(lambda: len(service.stored) == 21)
    assert sorted(service.stored) == sorted(expected(7))
    assert _refused(tmp_path / "b") == []


async def test_rows_ahead_of_the_gateways_own_clock_do_not_go_in_circles(tmp_path: Path) -> None:
    future_s = int(time.time()) + 3_600
    service = FakeIngest(refuse_rows=lambda _: Reason.TIME_IN_FUTURE)
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as client:
        await client.send(batch(future_s))
        await client.drain()
        service.refuse_rows = lambda _: None
        await client.send(batch(future_s + 1))
        await client.drain()
        await asyncio.sleep(0.3)
    assert service.seen_batches == 2


async def test_a_batch_at_which_the_server_fails_inside_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.backoff._LONGEST_S", 0.05)
    fault = TwinError("Something went wrong inside the server.")
    service = FakeIngest()
    failing = 1
    seen: list[int] = []

    def note(request: StreamReadingsRequest) -> None:
        seen.append(request.readings.sample_time_unix_ns[0] // 10**9)

    service.refuse_rows = note
    service.fail_after = lambda _: fault if seen[-1] == failing else None
    async with serve(service) as target:
        client = await _drained(target, tmp_path / "b", batches=4)
    assert client.counters.refused_batches == 1
    assert seen.count(failing) >= gateway._FAULTS_OF_ONE_BATCH
    assert {second for _, second in service.stored} >= {0, 2 * 10**9, 3 * 10**9}
    assert _refused(tmp_path / "b") == ["INTERNAL: Something went wrong inside the server."]


async def test_a_refused_token_costs_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_REFUSED_AGAIN_S", 0.0)
    refusal: TwinError | None = UnauthenticatedError("no such token", reason=Reason.TOKEN_INVALID)
    service = FakeIngest(fail_before=lambda _: refusal)
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as client:
        await client.send(batch(0))
        with pytest.raises(UnauthenticatedError, match="no such token"):
            await asyncio.wait_for(client.drain(), 10)
        await client.send(batch(1))  # is safe on disk
        assert "no such token" in client.health().last_error
        assert isinstance(client.refusal, UnauthenticatedError)
        refusal = None
        await eventually(lambda: not client.unacked_batches)
        assert client.refusal is None
    assert service.order == expected(2)


def test_what_is_set_aside_outlives_the_buffers_it_was_in(tmp_path: Path) -> None:
    for life in range(2):
        buffer = DiskBuffer(tmp_path / "b")
        taken, _ = buffer.commit([pack(batch(life))])
        buffer.refuse(taken[0].number, f"life {life}")
        buffer.close()
    assert _refused(tmp_path / "b") == ["life 0", "life 1"]


def test_what_is_damaged_is_not_sent_again(tmp_path: Path) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    taken, _ = buffer.commit([pack(batch(0)), pack(batch(1))])
    buffer.refuse(taken[0].number, "DAMAGED")
    buffer.refuse(taken[1].number, "UNKNOWN_BATTERY: B0")
    assert buffer.take_back(Reason.TIME_IN_FUTURE) == 0
    assert buffer.take_back(None) == 1
    (again,) = buffer.read(0, 99, 9, 10**6)
    assert (again.request, again.rows, again.last_sample_us) == (taken[1].request, 3, 1_000_000)
    assert buffer.content.batches == 1
    buffer.close()
    assert _refused(tmp_path / "b") == ["DAMAGED"]


def test_what_is_set_aside_is_bounded_in_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(pack(batch(0)).request)
    monkeypatch.setattr("clients.gateway_refused.MOST_BYTES", 3 * size)
    buffer = DiskBuffer(tmp_path / "b")
    taken, _ = buffer.commit([pack(batch(n)) for n in range(9)])
    buffer.commit([], [(1, 9)], set_aside=[(each.number, f"reason {each.number}") for each in taken])
    assert buffer.content.batches == 0
    buffer.close()
    assert _refused(tmp_path / "b") == ["reason 7", "reason 8", "reason 9"]
