"""The experiments: each does harm under load and books what became of what was acknowledged."""

import itertools
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import grpc
import numpy as np
import psycopg

from batterytwin.errors import TwinError
from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.sync_client import TwinClient
from storage.embedded import EmbeddedPostgres
from tests.chaos.arena import Arena
from tests.chaos.load import SequenceLoad, with_late_and_duplicate
from tests.chaos.messages import Method, all_methods, random_requests
from tests.chaos.proxy import Proxy
from tests.chaos.report import Outcome

RATE_HZ = 20.0
"""Batches a second of each of the two gateways: 1,440 readings/s in all."""

RECOVERY_TIMEOUT_S = 90.0
_NEVER = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
_MOST_EXAMPLES = 5
_CALLERS = 4
_STAYS_DEAD = {"gcs", "raylet"}
"""What nobody starts again while the server runs: readings go on without them, shards could not come back."""


def loaded(arena: Arena, target: str | None = None) -> SequenceLoad:
    """The usual load."""
    return SequenceLoad(target or arena.target, arena.token, arena.ledgers, RATE_HZ)


def acked_rows(arena: Arena) -> int:
    """(battery, sequence) acknowledged so far."""
    return sum(len(ledger.acked()) * len(ledger.battery_ids) for ledger in arena.ledgers)


def finish(outcome: Outcome, arena: Arena, load: SequenceLoad, acked_before: int) -> Outcome:
    """After the load: everything is acknowledged, the server is ready again, and the checker is content."""
    outcome.require(not load.failures, f"gateways: {load.failures}")
    unacked = sum(batch.acked_s is None for ledger in arena.ledgers for batch in ledger.batches)
    outcome.require(unacked == 0, f"{unacked} batches were never acknowledged")
    arena.keep_up()
    arena.server.wait_for("ready", timeout_s=RECOVERY_TIMEOUT_S + time.monotonic() - arena.server.began)
    outcome.judge(arena.check())
    outcome.acked = acked_rows(arena) - acked_before
    return outcome


def _recover(arena: Arena, load: SequenceLoad, since_s: float) -> float:
    """Waits until everybody is served again, and restarts what ended meanwhile."""
    while time.monotonic() - since_s < RECOVERY_TIMEOUT_S:
        arena.keep_up()
        with suppress(TimeoutError):
            return load.wait_acked_since(since_s, timeout_s=time.monotonic() - since_s + 0.5)
        if load.failures:
            break
    raise TimeoutError(f"no recovery in {time.monotonic() - since_s:.0f} s; {load.failures}")


def kills(arena: Arena, kind: str, times: int, seed: int, p95_limit_s: float = RECOVERY_TIMEOUT_S) -> Outcome:
    """SIGKILL for a process of a class, again and again under load (R1, R2)."""
    outcome, before, rng = Outcome(f"SIGKILL {kind}"), acked_rows(arena), np.random.default_rng(seed)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        while outcome.faults < times:
            time.sleep(float(rng.uniform(0.2, 1.2)))
            moment = time.monotonic()
            if not arena.kill(kind, rng):
                outcome.require(time.monotonic() - moment < 1.0, f"no {kind} to kill")
                break
            outcome.faults += 1
            outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
            if kind in _STAYS_DEAD:
                arena.kill("server", rng)
                took_s = _recover(arena, load, time.monotonic())
                outcome.notes.append(f"then SIGKILL server: served again after {took_s:.1f} s")
    outcome.require(outcome.faults == times, f"{outcome.faults} of {times} faults could be injected")
    p95_s = outcome.recovery_s(0.95)
    outcome.require(p95_s is not None and p95_s <= p95_limit_s, f"recovery p95 {p95_s} s > {p95_limit_s} s")
    return finish(outcome, arena, load, before)


def pauses(arena: Arena, kind: str, pause_s: float) -> Outcome:
    """SIGSTOP for a shard or its database session; nobody may be told more than what is true meanwhile."""
    outcome, before = Outcome(f"SIGSTOP {kind}", faults=1), acked_rows(arena)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        pid = arena.pids(kind)[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(pause_s)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def database_away(arena: Arena, away_s: float) -> Outcome:
    """Fast stop of PostgreSQL for a while: nothing is acknowledged, the server lives and is not ready (R4, R22)."""
    outcome, before = Outcome("PostgreSQL away", faults=1), acked_rows(arena)
    postgres = EmbeddedPostgres(arena.data_dir)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        postgres.stop()
        moment = time.monotonic()
        try:
            time.sleep(max(6.0, away_s))
            early = [b for book in arena.ledgers for b in list(book.batches) if b.acked_s and b.acked_s > moment + 0.5]
            outcome.require(not early, f"{len(early)} batches acknowledged without a database")
            outcome.require(arena.health("liveness") == "SERVING", "alive is told as dead")
            outcome.require(arena.health("") == "NOT_SERVING", "ready without a database")
        finally:
            postgres.start()
        outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def database_read_only(arena: Arena, seconds: float) -> Outcome:
    """New sessions may not write; those that stand are ended (R4)."""
    outcome, before = Outcome("PostgreSQL read-only", faults=1), acked_rows(arena)
    url = arena.url
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        _read_only(url, "on")
        moment = time.monotonic()
        try:
            time.sleep(seconds)
            early = [b for book in arena.ledgers for b in list(book.batches) if b.acked_s and b.acked_s > moment + 0.5]
            outcome.require(not early, f"{len(early)} batches acknowledged by a read-only database")
        finally:
            _read_only(url, "off")
        outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def _read_only(url: str, value: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def lost_acks(arena: Arena, times: int, seed: int) -> Outcome:
    """The server commits, its answer is lost and the connection breaks: the effect is there once (R6)."""
    outcome, before, rng = Outcome("lost acknowledgement"), acked_rows(arena), np.random.default_rng(seed)
    with Proxy(arena.port) as proxy:
        with loaded(arena, f"127.0.0.1:{proxy.port}") as load:
            load.wait_acked_since(time.monotonic())
            for _ in range(times):
                time.sleep(float(rng.uniform(0.2, 0.6)))
                proxy.swallow_answers = True
                time.sleep(float(rng.uniform(0.1, 0.4)))
                proxy.cut()
                time.sleep(0.05)
                proxy.swallow_answers = False
                outcome.faults += 1
                outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
        outcome.require(load.duplicates > 0, "no acknowledgement was lost, so nothing was tried")
        outcome.notes.append(f"{load.duplicates} rows came twice and were taken once")
    return finish(outcome, arena, load, before)


def slow_network(arena: Arena, seconds: float) -> Outcome:
    """Half a second more each way between gateways and server."""
    outcome, before = Outcome("+500 ms to gateways", faults=1), acked_rows(arena)
    with Proxy(arena.port) as proxy, loaded(arena, f"127.0.0.1:{proxy.port}") as load:
        load.wait_acked_since(time.monotonic())
        proxy.delay_s = 0.5
        time.sleep(seconds)
        proxy.delay_s = 0.0
        outcome.recoveries_s.append(_recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def late_and_duplicate(arena: Arena, seconds: float, seed: int) -> Outcome:
    """5 % of the rows late and 5 % twice: all counted, the states those of the right order (R10)."""
    outcome, before = Outcome("5 % late and duplicate"), acked_rows(arena)
    plan = with_late_and_duplicate(seed)
    with SequenceLoad(arena.target, arena.token, arena.ledgers, 2.0, plan) as load:
        load.wait_acked_since(time.monotonic())
        time.sleep(seconds)
    outcome.faults = load.late + load.duplicates
    outcome.require(load.late > 0 and load.duplicates > 0, f"late {load.late}, duplicate {load.duplicates}")
    outcome.require(load.conflicts == 0, f"{load.conflicts} conflicts")
    return finish(outcome, arena, load, before)


def clock_ahead(arena: Arena) -> Outcome:
    """A gateway ten minutes ahead is refused row by row, and nothing of it is stored (R10)."""
    outcome = Outcome("gateway clock +10 min", faults=1)
    names = arena.ledgers[0].battery_ids
    ahead_ns = np.full(len(names), time.time_ns() + 600_000_000_000, np.int64)
    with TwinClient(arena.target, token=arena.token) as client:
        counts = client.ingest(ReadingBatch(ReadingColumns(names, ahead_ns, np.full(len(names), 13.6, np.float32))))
    outcome.require(counts.rejected == len(names), f"{counts.rejected} of {len(names)} rows refused")
    outcome.require({row.reason for row in counts.rejected_rows} == {"TIME_IN_FUTURE"}, f"{counts.rejected_rows[:1]}")
    outcome.judge(arena.check())
    return outcome


def random_messages(arena: Arena, count: int, seed: int) -> Outcome:
    """Random bytes, and messages that are too large, for every method: an error, never INTERNAL, never a crash (S2)."""
    outcome, before = Outcome("random messages", faults=count), acked_rows(arena)
    metadata = [("authorization", f"Bearer {arena.token}")]
    codes: dict[str, int] = {}
    with loaded(arena) as load, grpc.insecure_channel(arena.target) as channel:
        pids = set(arena.pids("server") + arena.pids("shard"))
        rss = arena.server_rss_mb()
        requests = random_requests(all_methods(channel), count, seed)
        with ThreadPoolExecutor(_CALLERS) as callers:
            while some := list(itertools.islice(requests, 200)):
                for (method, message), code in zip(
                    some, callers.map(lambda r: _code(r[0], r[1], metadata), some), strict=True
                ):
                    codes[code] = codes.get(code, 0) + 1
                    if code in _NEVER and len(outcome.violations) < _MOST_EXAMPLES:
                        outcome.require(False, f"{method.name} answers {code} to {message[:200].hex()}")
        outcome.recoveries_s.append(load.wait_acked_since(time.monotonic()))
        grown = arena.server_rss_mb() / rss - 1.0
    outcome.require(pids == set(arena.pids("server") + arena.pids("shard")), "a process ended")
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
