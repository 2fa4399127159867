"""Harm done to processes that stand beside the twins: who asks is answered again, and no reading waits for them."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import numpy as np
import psutil

from batterytwin.errors import TwinError
from clients.history import Metric
from clients.sync_client import TwinClient
from tests.chaos.arena import Arena
from tests.chaos.databases import close_days, keep_archive, kill_quietly
from tests.chaos.experiments import acked_rows, finish, loaded
from tests.chaos.load import SequenceLoad
from tests.chaos.report import Outcome

_BACK_S = 60.0
_SCORER_S = 180.0
_BURST_RATE_HZ = 100.0
_WORDS = {
    "archive reader": "storage.archive_worker",
    "past worker": "twin_server.past_worker",
    "scorer": "ray::ServeReplica",
}


def _ask_archive(arena: Arena, client: TwinClient) -> bool:
    ledger = arena.ledgers[0]
    start = datetime.fromtimestamp(ledger.base_us / 1e6, UTC)
    # another end each time, so that what was read ahead is of no use
    end = start + timedelta(days=1, microseconds=time.monotonic_ns() % 1_000_000)
    return len(client.query_history(ledger.battery_ids[0], start, end, metrics=[Metric.VOLTAGE_V])) > 0


def _ask_past(arena: Arena, client: TwinClient) -> bool:
    ledger = arena.ledgers[0]
    instant = datetime.fromtimestamp((ledger.base_us + ledger.period_us) / 1e6, UTC)
    return client.get_twin_at(ledger.battery_ids[0], instant, deadline_s=_BACK_S).twin.voltage_v is not None


def _ask_scorer(_: Arena, client: TwinClient) -> bool:
    return client.get_status().life_degraded_reason == ""


def _ask_for_spare(arena: Arena, _: TwinClient) -> bool:
    return len(arena.server.spares()) > 0


_QUESTIONS: dict[str, Callable[[Arena, TwinClient], bool]] = {
    "archive reader": _ask_archive,
    "past worker": _ask_past,
    "scorer": _ask_scorer,
    "spare shard": _ask_for_spare,
}


def helper_kills(arena: Arena, kind: str, times: int, seed: int) -> Outcome:
    """SIGKILL for a process that answers questions, or stands by, again and again under load (R2).

    Readings are acknowledged meanwhile as if nothing had happened; recovery is the time until somebody who asks, and
    asks again when told to, has an answer; for a spare until there is another one.
    """
    outcome, before, rng = Outcome(f"SIGKILL {kind}"), acked_rows(arena), np.random.default_rng(seed)
    ask = _QUESTIONS[kind]
    if kind == "archive reader":
        close_days(arena)
        keep_archive(arena)
    with loaded(arena) as load, TwinClient(arena.target, token=arena.token) as client:
        load.wait_acked_since(time.monotonic())
        outcome.require(_is_answered(lambda: ask(arena, client), _SCORER_S), f"the {kind} never answered")
        acks_s: list[float] = []
        while outcome.faults < times and not outcome.violations:
            time.sleep(float(rng.uniform(0.2, 1.0)))
            moment = time.monotonic()
            killed = _pids(arena, kind)
            for pid in killed:
                kill_quietly(pid)
            outcome.faults += bool(killed)
            outcome.require(bool(killed), f"no {kind} to kill")
            acks_s.append(load.wait_acked_since(moment))
            # by another process: what was known before is no answer
            is_back = _is_answered(lambda: ask(arena, client) and bool(_pids(arena, kind) - killed), _BACK_S)  # noqa: B023
            outcome.require(is_back, f"no answer of the {kind} in {_BACK_S:.0f} s")
            outcome.recoveries_s.append(time.monotonic() - moment)
    outcome.notes.append(f"readings were acknowledged within {max(acks_s, default=0.0):.2f} s of each kill")
    return finish(outcome, arena, load, before)


def _is_answered(ask: Callable[[], bool], timeout_s: float) -> bool:
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        with suppress(TwinError):
            if ask():
                return True
        time.sleep(0.1)
    return False


def _pids(arena: Arena, kind: str) -> set[int]:
    if kind == "spare shard":
        return {process.pid for process in arena.server.spares()}
    found = set()
    for process in arena.server.processes():
        with suppress(psutil.NoSuchProcess):
            if any(_WORDS[kind] in argument for argument in process.cmdline()):
                found.add(process.pid)
    return found


def keeper_kills(arena: Arena, times: int, seed: int) -> Outcome:
    """SIGKILL for the keeper of the archive wherever it just is: each row stays in the tables or in a file (R8)."""
    outcome, before, rng = Outcome("SIGKILL archive keeper"), acked_rows(arena), np.random.default_rng(seed)
    began = time.monotonic()
    keep_archive(arena)
    whole_s = time.monotonic() - began
    for number in range(times):
        with SequenceLoad(arena.target, arena.token, arena.ledgers, _BURST_RATE_HZ) as load:
            load.wait_acked_since(time.monotonic())
            time.sleep(0.3)
        if not number:
            close_days(arena)
        outcome.require(not load.failures, f"gateways: {load.failures}")
        told = keep_archive(arena, kill_after_s=float(rng.uniform(0.3, 1.3)) * whole_s)
        outcome.faults += not isinstance(told, dict)
    outcome.judge(arena.check())
    done = keep_archive(arena)
    outcome.require(isinstance(done, dict), f"told {done}")
    outcome.require(outcome.faults > 0, "it was never killed in time")
    outcome.notes.append(f"{outcome.faults} of {times} rounds were cut short; then {done}")
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
    return finish(outcome, arena, load, before)
