"""Harm done to gateways: killed, on a full disk, with a clock that is wrong."""

import time
from collections.abc import Sequence

import numpy as np

from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.sync_client import TwinClient
from tests.chaos.arena import Arena
from tests.chaos.child_gateway import ChildGateway
from tests.chaos.experiments import RATE_HZ, acked_rows, finish
from tests.chaos.ledger import Ledger
from tests.chaos.load import SequenceLoad
from tests.chaos.proxy import Proxy
from tests.chaos.report import Outcome
from tests.fixtures.full_disk import full_disk

_BEHIND_S = 600
_BEHIND_BATCH = 60
_DAY_SAMPLES, _DAY_BATCH = 1_440, 180
_FULL_BYTES = 192 * 1024


def gateway_kills(arena: Arena, times: int, seed: int) -> Outcome:
    """SIGKILL for a gateway with a disk buffer: what it had taken from its source arrives, and is stored once."""
    outcome, before, rng = Outcome("SIGKILL gateway"), acked_rows(arena), np.random.default_rng(seed)
    with SequenceLoad(arena.target, arena.token, arena.ledgers[:1], RATE_HZ) as load:
        for _ in range(times):
            with _child(arena, arena.target) as gateway:
                gateway.wait_taken(int(rng.integers(1, 60)))
            outcome.faults += 1  # leaving it kills it
        killed_s = time.monotonic()
        with _child(arena, arena.target) as gateway:
            gateway.wait_taken(1)
            outcome.recoveries_s.append(time.monotonic() - killed_s)
            counters = gateway.finish()
    outcome.require(counters["damaged_files"] == 0, f"{counters['damaged_files']} buffers damaged")
    outcome.require(counters["dropped_batches"] == 0, f"{counters['dropped_batches']} batches dropped")
    return finish(outcome, arena, load, before)


def buffer_full(arena: Arena, seconds: float) -> Outcome:
    """A full disk under a gateway's buffer while the server is away: refused in words, and it recovers by itself."""
    outcome, before = Outcome("gateway disk full", faults=1), acked_rows(arena)
    with (
        SequenceLoad(arena.target, arena.token, arena.ledgers[:1], RATE_HZ) as load,
        Proxy(arena.port) as proxy,
        _child(arena, f"127.0.0.1:{proxy.port}", 5.0 * RATE_HZ) as gateway,
    ):
        gateway.wait_taken(20)
        proxy.swallow_answers = True
        proxy.cut()
        with full_disk(_FULL_BYTES, gateway.pid):
            gateway.wait_refused(3)
            time.sleep(seconds)
            outcome.require("free space" in gateway.refusals[-1], f"told {gateway.refusals[-1]!r}")
        moment = time.monotonic()
        gateway.wait_taken(20)  # there is space again, and still no server
        outcome.recoveries_s.append(time.monotonic() - moment)
        proxy.swallow_answers = False
        proxy.cut()
        counters = gateway.finish()
    outcome.require(counters["dropped_batches"] == 0, f"{counters['dropped_batches']} batches dropped")
    outcome.require(counters["damaged_files"] == 0, f"{counters['damaged_files']} buffers damaged")
    outcome.notes.append(f"{len(gateway.refusals)} times refused: {gateway.refusals[-1]}")
    return finish(outcome, arena, load, before)


def _child(arena: Arena, target: str, rate_hz: float = 2.0 * RATE_HZ) -> ChildGateway:
    return ChildGateway(target, arena.token, arena.ledgers[1], arena.folder / "gateway.buffer", rate_hz)


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


def clock_behind(arena: Arena) -> Outcome:
    """A second gateway at the same batteries is ten minutes behind: its rows are late, counted, and not lost (R10)."""
    return _beside_live(arena, Outcome("gateway clock -10 min"), _BEHIND_S, _BEHIND_BATCH)


def gateway_day(arena: Arena) -> Outcome:
    """A day of samples of each battery, one a minute, comes as fast as it is taken, beside live ones."""
    return _beside_live(arena, Outcome("a gateway-day beside live rows"), _DAY_SAMPLES, _DAY_BATCH)


def _beside_live(arena: Arena, outcome: Outcome, samples: int, batch: int) -> Outcome:
    before, began = acked_rows(arena), time.monotonic()
    plan = _Behind(samples, batch)
    with SequenceLoad(arena.target, arena.token, arena.ledgers, RATE_HZ, plan) as load:
        while plan.waiting(arena.ledgers) and not load.failures:
            time.sleep(0.1)
    took_s = time.monotonic() - began
    outcome.faults = 1
    late = samples * sum(len(ledger.battery_ids) for ledger in arena.ledgers)
    outcome.require(load.late == late, f"{load.late} rows counted late, {late} were")
    outcome.require(load.conflicts == load.rejected == 0, f"{load.conflicts} conflicts, {load.rejected} refused")
    outcome.notes.append(f"{load.late:,} rows counted late in {took_s:.0f} s, the live ones beside them")
    return finish(outcome, arena, load, before)


class _Behind:
    """A plan: each tick has the next sequence of the gateway whose clock is right, and some before it.

    Args:
        samples: sequences that are behind, in all.
        batch: of them, how many in a batch.
    """

    def __init__(self, samples: int, batch: int) -> None:
        self._samples, self._batch = samples, batch
        self._behind: dict[str, list[int]] = {}

    def __call__(self, ledger: Ledger) -> Sequence[tuple[int, ...]]:
        name = ledger.battery_ids[0]
        if name not in self._behind:
            self._behind[name] = list(ledger.take(self._samples))
        some, self._behind[name] = self._behind[name][: self._batch], self._behind[name][self._batch :]
        return [ledger.take(1), *([tuple(some)] if some else [])]

    def waiting(self, ledgers: Sequence[Ledger]) -> bool:
        """Whether the gateway that is behind has something left to send."""
        return any(self._behind.get(ledger.battery_ids[0], [1]) for ledger in ledgers)
