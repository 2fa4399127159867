"""A gateway loses nothing, sends in order, keeps within its credit, and says why when it has to give up."""

import asyncio
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.errors import (
    InvalidArgumentError,
    OverloadedError,
    PermissionDeniedError,
    Reason,
    TwinError,
    UnauthenticatedError,
    UnavailableError,
)
from clients.backoff import Backoff
from clients.gateway import GatewayClient
from tests.clients.batches import batch, expected
from tests.clients.fake_ingest import FakeIngest, serve
from tests.clients.silence import silenceable_proxy


def fail_at(*numbers: int, error: TwinError) -> Callable[[int], TwinError | None]:
    return lambda seen: error if seen in numbers else None


async def send_for_ever(target: str) -> None:
    async with GatewayClient(target, "t") as gateway:
        for second in count():
            await gateway.send(batch(second))


async def test_batches_arrive_once_and_in_order() -> None:
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "secret") as gateway:
        for second in range(20):
            await gateway.send(batch(second))
    assert service.order == expected(20)
    assert service.tokens == ["Bearer secret"]
    counters = gateway.counters
    assert (counters.sent_rows, counters.accepted, counters.duplicate, counters.acked_batches) == (60, 60, 0, 20)


@settings(max_examples=6)
@given(before=st.sets(st.integers(1, 12), max_size=2), after=st.sets(st.integers(1, 12), max_size=2))
def test_whatever_breaks_is_sent_again(before: set[int], after: set[int]) -> None:
    broken = UnavailableError("restarting")
    service = FakeIngest(fail_before=fail_at(*before, error=broken), fail_after=fail_at(*after, error=broken))

    async def story() -> GatewayClient:
        async with serve(service) as target, GatewayClient(target, "t") as gateway:
            for second in range(10):
                await gateway.send(batch(second))
        return gateway

    counters = asyncio.run(story()).counters
    assert service.order == expected(10)
    assert counters.accepted + counters.duplicate == counters.sent_rows == 30
    assert counters.acked_batches == 10
    assert counters.reconnects == service.streams - 1


async def test_a_server_that_comes_back_on_its_port_gets_the_rest() -> None:
    service = FakeIngest()
    async with serve(service) as target:
        gateway = await GatewayClient(target, "t").__aenter__()
        await gateway.send(batch(0))
        await gateway.drain()
    for second in range(1, 4):
        await gateway.send(batch(second))
    async with serve(service, int(target.rpartition(":")[2])):
        await gateway.__aexit__(None, None, None)
    assert service.order == expected(4)


async def test_sending_waits_for_credit_and_memory_is_bounded() -> None:
    service = FakeIngest(credit=3, gate=asyncio.Event())
    assert service.gate is not None
    service.gate.set()
    async with serve(service) as target, GatewayClient(target, "t") as gateway:

        async def send_all() -> None:
            for second in range(1, 10):
                await gateway.send(batch(second))

        await gateway.send(batch(0))
        await gateway.drain()
        service.gate.clear()
        sender = asyncio.create_task(send_all())
        await service.full.wait()
        assert gateway.unacked_batches == 3
        assert not sender.done()
        service.gate.set()
        await sender
    assert service.most_waiting <= 3
    assert service.order == expected(10)


async def test_the_client_may_hold_less_than_the_server_grants() -> None:
    service = FakeIngest(credit=50)
    async with serve(service) as target, GatewayClient(target, "t", max_unacked=2) as gateway:
        for second in range(10):
            await gateway.send(batch(second))
            assert gateway.unacked_batches <= 2
    assert service.most_waiting <= 2


@pytest.mark.parametrize(
    "error",
    [
        UnauthenticatedError("no such token", reason=Reason.TOKEN_INVALID),
        PermissionDeniedError("another site", reason=Reason.LOCATION_NOT_ALLOWED),
        InvalidArgumentError("columns differ", reason=Reason.COLUMN_LENGTH_MISMATCH, field="readings.voltage_v"),
    ],
)
async def test_an_error_that_would_come_back_ends_the_gateway(error: TwinError) -> None:
    service = FakeIngest(fail_before=lambda _: error)
    async with serve(service) as target:
        with pytest.raises(type(error), match=error.message) as caught:
            await send_for_ever(target)
    assert (caught.value.reason, caught.value.field) == (error.reason, error.field)
    assert service.streams == 1


async def test_a_full_server_is_tried_again() -> None:
    full = OverloadedError("full", retry_after_s=0.05)
    service = FakeIngest(fail_before=fail_at(1, 2, error=full))
    async with serve(service) as target, GatewayClient(target, "t") as gateway:
        await gateway.send(batch(0))
    assert service.order == expected(1)
    assert gateway.counters.reconnects == 2


async def test_a_batch_too_large_for_any_server_is_refused_before_it_is_sent() -> None:
    service = FakeIngest()
    async with serve(service) as target, GatewayClient(target, "t") as gateway:
        with pytest.raises(InvalidArgumentError) as caught:
            await gateway.send(batch(0, rows=400_000))
        await gateway.send(batch(0))
    assert caught.value.reason is Reason.BATCH_TOO_LARGE
    assert service.order == expected(1)


async def test_leaving_by_an_error_does_not_wait_for_a_server_that_is_away() -> None:
    with pytest.raises(ZeroDivisionError):
        async with GatewayClient("127.0.0.1:1", "t"):
            raise ZeroDivisionError


async def test_a_server_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.gateway.GATEWAY_KEEPALIVE_S", 0.6)
    service = FakeIngest()
    async with serve(service) as target, silenceable_proxy(target) as (proxy, silence):
        async with GatewayClient(proxy, "t") as gateway:
            await gateway.send(batch(0))
            await gateway.drain()
            silence.set()  # as a paused process or a cut cable: the connection stands, and nothing comes back
            await gateway.send(batch(1))
        assert gateway.counters.reconnects >= 1
    assert service.order == expected(2)


async def test_a_gateway_works_inside_its_context_only() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await GatewayClient("127.0.0.1:1", "t").send(batch(0))


@given(st.lists(st.none() | st.floats(0, 60), min_size=1, max_size=20))
def test_back_off_grows_and_never_undercuts_the_server(asked: list[float | None]) -> None:
    backoff, longest = Backoff(), 0.2
    for retry_after_s in asked:
        delay_s = backoff.next_s(retry_after_s)
        assert 0.0 < delay_s - (retry_after_s or 0.0) <= longest + 1e-9
        longest = min(10.0, longest * 2)
    backoff.reset()
    assert backoff.next_s() <= 0.2


def test_gateways_that_lose_one_server_come_back_spread_over_time() -> None:
    delays_s = sorted(Backoff().next_s(1.0) for _ in range(200))
    assert delays_s[-1] - delays_s[0] > 0.1
    assert len({round(delay_s, 2) for delay_s in delays_s}) > 10


async def test_a_batch_too_large_for_this_server_ends_the_gateway_with_the_reason() -> None:
    service = FakeIngest()
    async with serve(service, max_request_bytes=1_000) as target:
        with pytest.raises(InvalidArgumentError) as caught:
            async with GatewayClient(target, "t") as gateway:
                await gateway.send(batch(0, rows=1_000))
    assert caught.value.reason is Reason.BATCH_TOO_LARGE
