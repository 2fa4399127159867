"""Messages that nobody means, under load: an answer in words, and nothing else happens."""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np

from batterytwin.errors import TwinError
from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.sync_client import TwinClient
from tests.chaos.arena import Arena
from tests.chaos.experiments import acked_rows, finish, loaded
from tests.chaos.messages import Method, all_methods, random_requests
from tests.chaos.report import Outcome
from tests.chaos.victims import pids, server_rss_mb

_NEVER = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
_MOST_EXAMPLES = 5
_CALLERS = 4
_LONGEST_S = 300.0
"""So long it may take to answer all of them."""


def random_messages(arena: Arena, count: int, seed: int) -> Outcome:
    """Random bytes, and messages that are too large, for every method: an error, never INTERNAL, never a crash (S2)."""
    outcome, before = Outcome("random messages", faults=count), acked_rows(arena)
    metadata = [("authorization", f"Bearer {arena.token}")]
    codes: dict[str, int] = {}
    with loaded(arena) as load, grpc.insecure_channel(arena.target) as channel:
        before_pids = pids(arena, "server") + pids(arena, "shard")
        rss = server_rss_mb(arena)
        requests = random_requests(all_methods(channel), count, seed)
        with ThreadPoolExecutor(_CALLERS) as callers:
            began = time.monotonic()
            while some := list(itertools.islice(requests, 200)):
                if time.monotonic() - began > _LONGEST_S:
                    break
                for (method, message), code in zip(
                    some, callers.map(lambda r: _code(r[0], r[1], metadata), some), strict=True
                ):
                    codes[code] = codes.get(code, 0) + 1
                    if code in _NEVER and len(outcome.violations) < _MOST_EXAMPLES:
                        outcome.require(False, f"{method.name} answers {code} to {message[:200].hex()}")
        outcome.recoveries_s.append(load.wait_acked_since(time.monotonic()))
        grown = server_rss_mb(arena) / rss - 1.0
    sent = sum(codes.values())
    outcome.require(sent == count, f"{sent:,} of {count:,} messages in {_LONGEST_S:.0f} s")
    after_pids = pids(arena, "server") + pids(arena, "shard")
    outcome.require(set(before_pids) == set(after_pids), "a process ended")
    outcome.require(grown <= 0.10, f"the server grew by {grown:.0%}")
    outcome.notes.append(f"answers {codes}; the server grew by {grown:.1%}")
    return finish(outcome, arena, load, before)


def _code(method: Method, message: bytes, metadata: Sequence[tuple[str, str]]) -> str:
    try:
        method.call(message, metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def million_samples(arena: Arena) -> Outcome:
    """A batch of a million samples is refused in words (S2)."""
    outcome = Outcome("10^6-sample batch", faults=1)
    names = ("BRK-U1-S01-B01",) * 1_000_000
    times_ns = np.arange(1_000_000, dtype=np.int64) + time.time_ns() - 10**12
    try:
        with TwinClient(arena.target, token=arena.token) as client:
            client.ingest(ReadingBatch(ReadingColumns(names, times_ns, np.full(1_000_000, 13.6, np.float32))))
        outcome.require(False, "it was taken")
    except TwinError as error:
        outcome.notes.append(f"{error.reason}: {error.message[:80]}")
        outcome.require(str(error.reason) in {"BATCH_TOO_LARGE", "SERVER_FULL"}, f"answered {error.reason}")
    outcome.judge(arena.check())
    return outcome
