"""A gateway with a disk buffer: what `send` has taken arrives, whatever is killed, full, damaged or away meanwhile."""

import asyncio
import logging
import re
import signal
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.errors import BufferUnavailableError, ConflictError, InvalidArgumentError, UnavailableError
from clients import gateway_disk
from clients.gateway import GatewayClient, WhenFull
from clients.gateway_batch import pack
from clients.gateway_buffer import DiskBuffer
from tests.clients.batches import batch, expected
from tests.clients.fake_ingest import FakeIngest, serve

NOWHERE = "127.0.0.1:1"
HOUR_S = 3_600
ROOT = Path(__file__).parents[2]


async def leave_behind(buffer: Path, seconds: list[int]) -> None:
    """A gateway that ends while its server is away."""
    gateway = await GatewayClient(NOWHERE, "t", buffer=buffer).__aenter__()
    await asyncio.gather(*(gateway.send(batch(second)) for second in seconds))
    await gateway.__aexit__(KeyboardInterrupt, None, None)


async def test_without_a_server_batches_are_taken_and_the_next_gateway_sends_them(tmp_path: Path) -> None:
    buffer = tmp_path / "b"
    await leave_behind(buffer, list(range(100)))
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=buffer) as gateway:
        assert gateway.health().buffered_rows == 300
        await gateway.send(batch(100))
    assert service.order == expected(101)
    assert (gateway.counters.accepted, gateway.counters.duplicate, gateway.counters.acked_batches) == (303, 0, 101)
    empty = DiskBuffer(buffer)
    assert empty.content.batches == 0
    empty.close()


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.sets(st.integers(1, 12), max_size=2), after=st.sets(st.integers(1, 12), max_size=2))
def test_lost_acknowledgements_make_duplicates_only(
    tmp_path_factory: pytest.TempPathFactory, before: set[int], after: set[int]
) -> None:
    broken = UnavailableError("restarting")
    service = FakeIngest(
        fail_before=lambda seen: broken if seen in before else None,
        fail_after=lambda seen: broken if seen in after else None,
    )

    async def story() -> GatewayClient:
        buffer = tmp_path_factory.mktemp("gateway") / "b"
        async with serve(service) as target, GatewayClient(target, "t", buffer=buffer) as gateway:
            for second in range(10):
                await gateway.send(batch(second))
        return gateway

    counters = asyncio.run(story()).counters
    assert service.order == expected(10)
    assert counters.accepted + counters.duplicate == counters.sent_rows == 30
    assert counters.acked_batches == 10


def feed_and_kill(buffer: Path, after: int) -> list[int]:
    """Runs a gateway, kills it in the middle of a commit or close to one; returns what it was told is taken."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.clients.gateway_child", str(buffer), NOWHERE],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert child.stdout is not None
    told = [int(child.stdout.readline()) for _ in range(after)]
    child.send_signal(signal.SIGKILL)
    told += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return told


@pytest.mark.parametrize("killed_after", [1, 200])
async def test_a_killed_gateway_loses_nothing_that_it_was_told_is_taken(tmp_path: Path, killed_after: int) -> None:
    buffer = tmp_path / "b"
    told = await asyncio.to_thread(feed_and_kill, buffer, killed_after)
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=buffer) as gateway:
        await gateway.drain()
    assert gateway.counters.damaged_files == 0
    arrived = len(service.order) // 3
    assert service.order == expected(arrived)  # whole, in order, no hole
    assert max(told) < arrived <= max(told) + 4
    assert gateway.counters.duplicate == 0


def largest_hole_s(order: list[tuple[str, int]]) -> float:
    """By how much, at most, a row came after a newer one."""
    newest, hole = 0, 0
    for _, time_ns in order:
        newest = max(newest, time_ns)
        hole = max(hole, newest - time_ns)
    return hole / 1e9


async def test_a_long_backlog_lets_live_batches_pass_as_far_as_the_server_applies_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_disk, "IN_ORDER_ROWS", 100)
    monkeypatch.setattr(gateway_disk, "BACKLOG_ROWS_IN_FLIGHT", 6)
    await leave_behind(tmp_path / "b", [HOUR_S * hour for hour in range(100)])
    service = FakeIngest(credit=16)
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as gateway:
        for minute in range(5):
            await gateway.send(batch(100 * HOUR_S + 60 * minute))
        await gateway.drain()
        live = [batch(100 * HOUR_S + 60 * minute).readings.sample_time_unix_ns[0] for minute in range(5)]
    times = list(dict.fromkeys(time_ns for _, time_ns in service.order))
    assert len(service.order) == 105 * 3 == gateway.counters.accepted
    assert [t for t in times if t not in live] == [HOUR_S * hour * 10**9 for hour in range(100)]  # each in order
    assert [t for t in times if t in live] == live
    place = times.index(live[0])
    assert 77 <= place < 97  # not before what would be too old after it, and not after all of the rest
    assert largest_hole_s(service.order) <= 23 * HOUR_S + 300
    assert service.streams == 2


async def test_a_short_backlog_goes_first_in_one_stream(tmp_path: Path) -> None:
    await leave_behind(tmp_path / "b", [HOUR_S * hour for hour in range(100)])
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as gateway:
        await gateway.send(batch(100 * HOUR_S))
    assert largest_hole_s(service.order) == 0.0
    assert service.streams == 1


async def test_at_its_limit_a_buffer_waits_for_room(tmp_path: Path) -> None:
    service = FakeIngest(gate=asyncio.Event())
    assert service.gate is not None
    size = 2_000
    async with (
        serve(service) as target,
        GatewayClient(target, "t", buffer=tmp_path / "b", buffer_limit_bytes=size) as gateway,
    ):

        async def send_all() -> None:
            for second in range(200):
                await gateway.send(batch(second))

        sender = asyncio.create_task(send_all())
        for _ in count():
            if gateway.health().buffered_bytes + len(pack(batch(9_999)).request) > size:
                break
            await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gateway.send(batch(9_999)), 0.05)  # given up by the sender, so it is not sent
        assert not sender.done()
        assert gateway.health().buffered_bytes <= size
        service.gate.set()
        await sender
    assert service.order == expected(200)
    assert gateway.counters.dropped_batches == 0


async def test_at_its_limit_a_buffer_may_drop_the_oldest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    buffer = tmp_path / "b"
    gateway = await GatewayClient(
        NOWHERE, "t", buffer=buffer, buffer_limit_bytes=2_000, when_full=WhenFull.DROP_OLDEST
    ).__aenter__()
    for second in range(100):
        await gateway.send(batch(second))
    held = gateway.health()
    await gateway.__aexit__(KeyboardInterrupt, None, None)
    assert held.buffered_bytes <= 2_000
    assert held.dropped_batches == 100 - held.buffered_batches == gateway.counters.dropped_rows // 3
    assert "oldest batches are dropped" in caplog.text
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=buffer) as gateway:
        await gateway.drain()
    assert service.order == expected(100)[-3 * held.buffered_batches :]


async def test_a_batch_that_cannot_fit_is_refused(tmp_path: Path) -> None:
    gateway = await GatewayClient(NOWHERE, "t", buffer=tmp_path / "b", buffer_limit_bytes=100).__aenter__()
    with pytest.raises(InvalidArgumentError, match="does not fit") as caught:
        await gateway.send(batch(0, rows=100))
    assert caught.value.field == "buffer_limit_bytes"
    await gateway.__aexit__(KeyboardInterrupt, None, None)


async def test_a_full_disk_fails_the_send_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = True
    commit = DiskBuffer._commit

    def commit_if_there_is_space(self: DiskBuffer, *arguments: object) -> object:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        return commit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DiskBuffer, "_commit", commit_if_there_is_space)
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as gateway:
        for _ in range(3):
            with pytest.raises(BufferUnavailableError, match="disk is full"):
                await gateway.send(batch(0))
        full = False
        await gateway.send(batch(0))
        await gateway.send(batch(1))
    assert service.order == expected(2)
    assert gateway.counters.sent_batches == 2
    told = [record.message for record in caplog.records if record.name == "clients.gateway_disk"]
    assert ["taken until that has passed" in told[0], "can be used again" in told[1], len(told)] == [True, True, 2]


def names_set_aside(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if re.fullmatch(r"b\.damaged-[0-9TZ.]+", file.name)]


async def test_a_buffer_damaged_under_way_is_set_aside_and_the_gateway_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = False
    commit = DiskBuffer._commit

    def commit_unless_damaged(self: DiskBuffer, *arguments: object) -> object:
        nonlocal damaged
        if damaged:
            damaged = False
            raise sqlite3.DatabaseError("malformed: as told by the test")
        return commit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DiskBuffer, "_commit", commit_unless_damaged)
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as gateway:
        for second in range(5):
            await gateway.send(batch(second))
        await gateway.drain()
        damaged = True
        for second in range(5, 10):
            await gateway.send(batch(second))
    assert service.order == expected(10)
    assert gateway.counters.damaged_files == 1
    assert names_set_aside(tmp_path)


async def test_a_second_gateway_on_the_same_file_is_refused(tmp_path: Path) -> None:
    first = await GatewayClient(NOWHERE, "t", buffer=tmp_path / "b").__aenter__()
    with pytest.raises(ConflictError, match="in use by another gateway"):
        await GatewayClient(NOWHERE, "t", buffer=tmp_path / "b").__aenter__()
    await first.send(batch(0))
    await first.__aexit__(KeyboardInterrupt, None, None)


async def test_a_batch_that_no_server_takes_does_not_hold_up_the_others(tmp_path: Path) -> None:
    buffer = tmp_path / "b"
    gateway = await GatewayClient(NOWHERE, "t", buffer=buffer).__aenter__()
    for second in range(10):
        await gateway.send(batch(second, rows=1_000 if second == 5 else 3))
    await gateway.__aexit__(KeyboardInterrupt, None, None)
    service = FakeIngest()
    async with (
        serve(service, max_request_bytes=1_000) as target,
        GatewayClient(target, "t", buffer=buffer) as gateway,
    ):
        await gateway.drain()
    assert service.order == [row for row in expected(10) if row[1] != 5 * 10**9]
    assert gateway.counters.refused_batches == 1
    with sqlite3.connect(buffer) as db:
        ((reason,),) = db.execute("SELECT reason FROM refused").fetchall()
    db.close()
    assert reason.startswith("BATCH_TOO_LARGE")


async def test_an_unhealthy_gateway_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("clients.gateway._HEALTH_INTERVAL_S", 0.02)
    caplog.set_level(logging.WARNING, "clients.gateway")
    line = re.compile(r"not connected .*; 1 batches \(3 rows, \d+ bytes\) wait, the oldest for 0 s")
    gateway = await GatewayClient(NOWHERE, "t", buffer=tmp_path / "b").__aenter__()
    await gateway.send(batch(0))
    for _ in count():
        if line.search(caplog.text):
            break
        await asyncio.sleep(0.01)
    assert not gateway.health().is_healthy
    await gateway.__aexit__(KeyboardInterrupt, None, None)
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t", buffer=tmp_path / "b") as gateway:
        await gateway.drain()
        assert gateway.health().is_healthy
        assert gateway.health().oldest_age_s == 0.0
