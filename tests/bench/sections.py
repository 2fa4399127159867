"""Parts of the benchmark that run alone, and go on without each other: one that fails costs its own figures only."""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.embedded import EmbeddedPostgres
from tests.bench import load
from tests.bench.bare_copy import COMMIT_ROWS, BareCopy
from tests.bench.calls import calls, reads
from tests.bench.drills import drills
from tests.bench.history import history
from tests.bench.recovery import cold_start_with_tail_s, restore_backup_s
from tests.bench.run import Run
from tests.bench.scaling import scaling
from tests.bench.server_process import ServerProcess, running_server
from tests.bench.shard_recovery import shard_recovery
from tests.bench.what_if import what_if

_IDLE_S: Final = 30.0
_MISSION_S: Final = 60.0
_ACK_S: Final = 30.0
_HALF_PEAK_S: Final = 5.0  # a round
_ROUNDS: Final = 5
_FLEET: Final = 1_944
_SAMPLES: Final = 504  # a multiple of the nine sample times of a message, and of the ten fleets of a large commit


def start(run: Run) -> None:
    """First and second start, memory, stop."""
    measured = run.measured
    run.say("first start: fills 90 days of history ...")
    server = ServerProcess(run.folder / "live")
    try:
        measured["first_start_all_live_s"] = server.wait_for("all_live")
    finally:
        first_stop_s = server.stop()
    run.say("second start: installed and initialised ...")
    server = ServerProcess(run.folder / "live")
    try:
        measured["first_live_s"] = server.wait_for("first_live")
        measured["ready_s"] = max(server.wait_for("ready"), server.wait_for_dashboard())
        measured["all_live_s"] = server.wait_for("all_live")
        time.sleep(10.0)
        sizes = server.pss_by_name()
        measured["memory_gb"] = sum(sizes.values()) / 1024
        measured |= {f"memory_{name}_mb": size for name, size in sizes.items()}
    finally:
        measured["stop_s"] = max(first_stop_s, server.stop())


def mission(run: Run) -> None:
    """Processor time of the normal pace, beyond an idle server's."""
    server, token, _ = run.settled.use()
    run.say(f"idle for {_IDLE_S:.0f} s ...")
    idle = _cpu_share(server, lambda: time.sleep(_IDLE_S))
    run.say(f"mission load: 32.4 one-reading calls/s for {_MISSION_S:.0f} s ...")
    trickle: list[float] = []

    def work() -> None:
        singles = load.single_readings(load.days_ago(3))
        trickle.extend(asyncio.run(load.unary_at_rate(server.target, token, singles, 32.4, _MISSION_S)).tolist())

    busy = _cpu_share(server, work)
    run.measured["mission_ack_p99_ms"] = 1e3 * float(np.quantile(trickle, 0.99))
    run.measured["idle_cpu_percent"] = 100 * idle
    run.measured["mission_cpu_percent"] = 100 * (busy - idle)


def latency(run: Run) -> None:
    """Time to the ack at 1,944 readings/s, and at half the peak of this run with the messages of the peak."""
    server, token, _ = run.settled.use()
    run.say(f"ack latency at 1,944 readings/s for {_ACK_S:.0f} s ...")
    batches = load.outage_readings(load.days_ago(2))
    rounds = [
        asyncio.run(load.unary_at_rate(server.target, token, batches, 81.0, _ACK_S / _ROUNDS)) for _ in range(_ROUNDS)
    ]
    run.measured["ack_p50_ms"] = 1e3 * _median_of_rounds(rounds, 0.5)
    run.measured["ack_p99_ms"] = 1e3 * _median_of_rounds(rounds, 0.99)
    peak = run.measured.get("durable_readings_per_s") or _peak(server.target, token)
    run.say(f"ack latency at {peak / 2:,.0f} readings/s ...")
    rate_hz = peak / 2 / _FLEET
    count = round(rate_hz * _HALF_PEAK_S)
    rounds = []
    for number in range(_ROUNDS):
        prepared = iter(load.site_messages(load.days_ago(1) + number * (count + 9.0), count))
        rounds.append(asyncio.run(load.unary_at_rate(server.target, token, prepared, rate_hz, count / rate_hz)))
    run.measured["ack_half_peak_p99_ms"] = 1e3 * _median_of_rounds(rounds, 0.99)


def _median_of_rounds(rounds: Sequence[NDArray[np.float64]], quantile: float) -> float:
    return statistics.median(float(np.quantile(acks, quantile)) for acks in rounds)


def _peak(target: str, token: str) -> float:
    """Durable readings a second over nine streams, found quickly."""
    start_s = load.days_ago(1.5)
    rates = [
        asyncio.run(load.streams_flat_out(target, token, 9, start_s + number * _SAMPLES, _SAMPLES))
        for number in range(_ROUNDS)
    ]
    return statistics.median(rates)


def ingest(run: Run) -> None:
    """Durable readings a second over nine streams and over one, in turns with bare COPY into the same partition.

    What each writes reaches the disk before the next begins (a checkpoint), so that none pays for the one before.
    """
    samples = _SAMPLES
    start_s = load.days_ago(1) // 86_400 * 86_400 + 3_600.0  # one UTC day holds all rounds
    with running_server(run.folder / "ingest") as (server, token):
        rounds: list[dict[str, float]] = []

        def streams(count: int, number: int) -> float:
            first_s = start_s + number * samples
            return asyncio.run(load.streams_flat_out(server.target, token, count, first_s, samples))

        streams(9, 0)  # makes the partition, compiles, fills caches; not counted
        bare = BareCopy(EmbeddedPostgres(run.folder / "ingest").start(), start_s)
        run.say(f"{_ROUNDS} rounds: nine streams, one stream, {bare} ...")
        for number in range(_ROUNDS):
            found = {}
            bare.checkpoint()
            found["nine"] = streams(9, 1 + 2 * number)
            bare.checkpoint()
            found["one"] = streams(1, 2 + 2 * number)
            for name, rows in COMMIT_ROWS.items():
                bare.checkpoint()
                found[name] = bare.rows_per_s(_FLEET * 500, rows)
            run.say("  " + ", ".join(f"{name} {rate:,.0f}" for name, rate in found.items()))
            rounds.append(found)
        rates = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
        fastest = max(COMMIT_ROWS, key=lambda name: rates[name])
        run.measured["durable_over_bare_copy"] = statistics.median(found["nine"] / found[fastest] for found in rounds)
        run.measured["durable_readings_per_s"] = rates["nine"]
        run.measured["durable_readings_per_s_one_stream"] = rates["one"]
        run.measured |= {f"bare_copy_rows_per_s, {name}": rates[name] for name in COMMIT_ROWS}
        run.measured["row_bytes"] = bare.row_bytes()


def recovery(run: Run) -> None:
    """A killed shard, cold start with a day of log, and the way back from a backup of it."""
    folder = run.folder / "recovery"
    folder.mkdir(mode=0o755)
    run.say("shard_killed_s ...")
    run.measured |= shard_recovery(folder)
    for figure, measure in (
        ("cold_start_s", cold_start_with_tail_s),
        ("restore_backup_s", restore_backup_s),
    ):
        run.say(f"{figure} ...")
        run.measured[figure] = measure(folder)


SECTIONS: Final[dict[str, Callable[[Run], None]]] = {
    "start": start,
    "ingest": ingest,
    "mission": mission,
    "latency": latency,
    "calls": calls,
    "reads": reads,
    "scaling": scaling,
    "history": history,
    "recovery": recovery,
    "drills": drills,
    "what_if": what_if,
}
"""In the order in which they run: `latency` takes the peak that `ingest` finds, or looks for it when it runs alone."""

ON_SETTLED_SERVER: Final = frozenset({"mission", "latency", "calls", "reads"})
"""Sections that share one server. Each sends newer readings than the one before."""


def _cpu_share(server: ServerProcess, work: Callable[[], None]) -> float:
    """Processor seconds a second that the server's processes use while `work()` runs."""
    before, began = server.cpu_s(), time.monotonic()
    work()
    return (server.cpu_s() - before) / (time.monotonic() - began)
