"""The experiments: each does harm under load and books what became of what was acknowledged."""

import os
import signal
import time
from contextlib import suppress

import numpy as np

from tests.chaos.arena import Arena
from tests.chaos.load import SequenceLoad, with_late_and_duplicate
from tests.chaos.proxy import Proxy
from tests.chaos.report import Outcome
from tests.chaos.victims import kill, pids

RATE_HZ = 20.0
"""Batches a second of each of the two gateways: 1,440 readings/s in all."""

RECOVERY_TIMEOUT_S = 90.0
_ENDS_THE_SERVER = {"gcs", "raylet"}
"""What nobody can start again while the server runs, so that it ends in order and its supervisor starts it anew."""
_END_S = 30.0


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


def recover(arena: Arena, load: SequenceLoad, since_s: float) -> float:
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
            if not kill(arena, kind, rng):
                outcome.require(time.monotonic() - moment < 1.0, f"no {kind} to kill")
                break
            outcome.faults += 1
            if kind in _ENDS_THE_SERVER:
                _watch_it_end(arena, outcome)
            outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    outcome.require(outcome.faults == times, f"{outcome.faults} of {times} faults could be injected")
    p95_s = outcome.recovery_s(0.95)
    outcome.require(p95_s is not None and p95_s <= p95_limit_s, f"recovery p95 {p95_s} s > {p95_limit_s} s")
    return finish(outcome, arena, load, before)


def idle_shard(arena: Arena) -> Outcome:
    """SIGKILL for a shard while nobody sends: the server notices by itself, and is ready again."""
    outcome, before = Outcome("SIGKILL idle shard", faults=1), acked_rows(arena)
    arena.server.wait_for("ready")
    shards = pids(arena, "shard")
    os.kill(shards[0], signal.SIGKILL)
    began = time.monotonic()
    while len(set(pids(arena, "shard")) - {shards[0]}) < len(shards) or arena.health("") != "SERVING":
        if time.monotonic() - began > RECOVERY_TIMEOUT_S:
            outcome.require(False, f"not ready {RECOVERY_TIMEOUT_S:.0f} s after it")
            break
        time.sleep(0.1)
    outcome.recoveries_s.append(time.monotonic() - began)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
    return finish(outcome, arena, load, before)


def _watch_it_end(arena: Arena, outcome: Outcome) -> None:
    """The server says that it is not ready, and ends by itself and in order."""
    words, began = set[str](), time.monotonic()
    while (code := arena.server.wait_for_end(0.1)) is None and time.monotonic() - began < _END_S:
        words.add(arena.health(""))
    outcome.require("NOT_SERVING" in words, f"readiness was {words}")
    outcome.require(code == 1, f"the server ended with {code}")
    outcome.notes.append(f"the server ended {time.monotonic() - began:.1f} s after the kill")


def pauses(arena: Arena, kind: str, pause_s: float) -> Outcome:
    """SIGSTOP for a shard or its database session; nobody may be told more than what is true meanwhile."""
    outcome, before = Outcome(f"SIGSTOP {kind}", faults=1), acked_rows(arena)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        pid = pids(arena, kind)[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(pause_s)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


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
                outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
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
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
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
