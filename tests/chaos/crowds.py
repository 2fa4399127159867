"""Callers that take without giving: watchers that do not read, streams that say nothing, too much load."""

import threading
import time
from contextlib import ExitStack
from typing import Any

import grpc
import numpy as np

from batterytwin.v1 import ingest_service_pb2, twin_service_pb2
from tests.chaos.arena import Arena
from tests.chaos.experiments import acked_rows, finish, loaded
from tests.chaos.load import SequenceLoad
from tests.chaos.report import Outcome
from tests.chaos.victims import server_rss_mb

_MOST_GROWTH = 0.10
_OVERLOAD_RATE_HZ = 400.0
_BACK_S = 30.0
_WINDOW_S = 3.0
_COARSE_S = 0.1  # acknowledgements are seen every 20 ms
_CONNECTIONS = 20


def _open(channel: grpc.Channel, service: Any, name: str, kind: str) -> Any:
    path = f"/{service.DESCRIPTOR.package}.{name.replace('.', '/')}"
    return getattr(channel, kind)(path, request_serializer=bytes, response_deserializer=bytes)


def silent_watchers(arena: Arena, count: int, seconds: float) -> Outcome:
    """Watchers that never read what they are told: its memory stays bounded, everybody else is served (R14)."""
    outcome, before = Outcome("watchers that do not read", faults=count), acked_rows(arena)
    metadata = [("authorization", f"Bearer {arena.token}")]
    with loaded(arena) as load, grpc.insecure_channel(arena.target) as channel:
        load.wait_acked_since(time.monotonic())
        watch = _open(channel, twin_service_pb2, "TwinService.WatchTwins", "unary_stream")
        calls = [watch(b"", metadata=metadata) for _ in range(count)]
        time.sleep(2.0)
        rss = server_rss_mb(arena)
        time.sleep(seconds)
        grown = server_rss_mb(arena) / rss - 1.0
        outcome.recoveries_s.append(load.wait_acked_since(time.monotonic()))
        for call in calls:
            call.cancel()
    outcome.require(grown <= _MOST_GROWTH, f"the server grew by {grown:.0%}")
    outcome.notes.append(f"the server grew by {grown:.1%} in {seconds:.0f} s")
    return finish(outcome, arena, load, before)


def idle_streams(arena: Arena, count: int) -> Outcome:
    """Streams that are opened and say nothing: refused in words beyond the limit, and nobody else feels it (S2)."""
    outcome, before = Outcome("streams that say nothing", faults=count), acked_rows(arena)
    metadata = [("authorization", f"Bearer {arena.token}")]
    codes: dict[str, int] = {}
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        rss = server_rss_mb(arena)
        with ExitStack() as channels:
            own = [("grpc.use_local_subchannel_pool", 1)]  # a connection each
            quiet, calls = _Quiet(), []
            for _ in range(_CONNECTIONS):
                channel = channels.enter_context(grpc.insecure_channel(arena.target, own))
                stream = _open(channel, ingest_service_pb2, "IngestService.StreamReadings", "stream_stream")
                calls += [stream(quiet, metadata=metadata) for _ in range(count // _CONNECTIONS)]
            time.sleep(5.0)
            outcome.recoveries_s.append(load.wait_acked_since(time.monotonic()))
            grown_mb = server_rss_mb(arena) - rss
            for call in calls:
                code = call.code().name if not call.is_active() else "open"
                codes[code] = codes.get(code, 0) + 1
            quiet.ended.set()
            for call in calls:
                call.cancel()
    outcome.require(codes.keys() <= {"open", "RESOURCE_EXHAUSTED"}, f"streams ended with {codes}")
    outcome.require(outcome.recoveries_s[0] < 5.0, "others waited")
    outcome.notes.append(f"{codes}; the server grew by {grown_mb:.0f} MB")
    return finish(outcome, arena, load, before)


class _Quiet:
    """Requests that never come."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def __iter__(self) -> "_Quiet":
        return self

    def __next__(self) -> bytes:
        self.ended.wait()
        raise StopIteration


def overload(arena: Arena, seconds: float) -> Outcome:
    """Ten times the load and more: memory stays, and the usual load is served as before soon after (R13)."""
    outcome, before = Outcome("overload", faults=1), acked_rows(arena)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        moment = time.monotonic()
        time.sleep(_WINDOW_S)
        usual_s = _p99_s(load, moment)
        rss = server_rss_mb(arena)
    sent_before = acked_rows(arena)
    began = time.monotonic()
    with SequenceLoad(arena.target, arena.token, arena.ledgers, _OVERLOAD_RATE_HZ) as load:
        time.sleep(seconds)
        grown = server_rss_mb(arena) / rss - 1.0
    rate = (acked_rows(arena) - sent_before) / (time.monotonic() - began)
    moment = time.monotonic()
    with loaded(arena) as load:
        outcome.recoveries_s.append(load.wait_acked_since(moment))
        while True:
            window = time.monotonic()
            time.sleep(_WINDOW_S)
            p99_s = _p99_s(load, window)
            if p99_s <= max(2.0 * usual_s, _COARSE_S) or time.monotonic() - moment > _BACK_S:
                break
    outcome.require(p99_s <= max(2.0 * usual_s, _COARSE_S), f"p99 {p99_s:.3f} s after it, {usual_s:.3f} s before")
    outcome.require(grown <= _MOST_GROWTH, f"the server grew by {grown:.0%}")
    outcome.require(outcome.recoveries_s[0] <= _BACK_S, f"back after {outcome.recoveries_s[0]:.0f} s")
    outcome.notes.append(f"{rate:,.0f} rows/s acknowledged; grown {grown:.1%}; p99 after it {1e3 * p99_s:.0f} ms")
    return finish(outcome, arena, load, before)


def _p99_s(load: SequenceLoad, since_s: float) -> float:
    return float(np.quantile(load.latencies_s(since_s), 0.99))
