"""Runs the benchmark: `make bench`. Ten minutes at most; the last line is `BENCH {json}`."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.bench import load
from tests.bench.bare_copy import bare_copy_rows_per_s
from tests.bench.server_process import ServerProcess
from tests.bench.targets import TARGETS, Measurement
from twin_server.operator_token import operator_token

_IDLE_S = 30.0
_MISSION_S = 300.0
_ACK_S = 30.0
_THROUGHPUT_ROUNDS = 3
_THROUGHPUT_SAMPLES = 700


def main() -> None:
    """Measures everything, prints a table and the machine-readable last line."""
    console = Console(width=110)
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bt-bench-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as a user of its own, who has to get in
        _start_and_memory(Path(folder) / "live", measured, console)
        _load(Path(folder) / "load", measured, console)
    results = [Measurement(target, measured[target.name]) for target in TARGETS]
    table = Table(title="batterytwin: server and client on the same cores")
    for column in ("figure", "measured", "target", "met"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for result in results:
        table.add_row(*result.as_row())
    for name in sorted(set(measured) - {target.name for target in TARGETS}):
        table.add_row(name, f"{measured[name]:,.4g}", "(reported)", "")
    console.print(table)
    print(
        "BENCH "
        + json.dumps(
            {
                "targets": {r.target.name: {"value": r.value, "target": r.target.limit, "met": r.met} for r in results},
                "missed": [r.target.name for r in results if not r.met],
                "reported": measured,
            }
        )
    )


def _start_and_memory(data_dir: Path, measured: dict[str, float], console: Console) -> None:
    console.print("first start: fills 90 days of history ...")
    server = ServerProcess(data_dir)
    measured["first_start_all_live_s"] = server.wait_for("all_live")
    measured["stop_s"] = server.stop()
    console.print("second start: installed and initialised ...")
    server = ServerProcess(data_dir)
    try:
        measured["first_live_s"] = server.wait_for("first_live")
        measured["ready_s"] = max(server.wait_for("ready"), server.wait_for_dashboard())
        measured["all_live_s"] = server.wait_for("all_live")
        time.sleep(10.0)
        sizes = server.pss_by_name()
        measured["memory_gb"] = sum(sizes.values()) / 1024
        measured |= {f"memory_{name}_mb": size for name, size in sizes.items()}
    finally:
        measured["stop_s"] = max(measured["stop_s"], server.stop())


def _load(data_dir: Path, measured: dict[str, float], console: Console) -> None:
    server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard")
    try:
        server.wait_for("ready")
        token = operator_token(data_dir)
        time.sleep(5.0)
        console.print(f"idle for {_IDLE_S:.0f} s ...")
        idle = _cpu_share(server, lambda: time.sleep(_IDLE_S))
        console.print(f"mission load: 32.4 one-reading calls/s for {_MISSION_S:.0f} s ...")
        singles = load.single_readings(load.days_ago(3))
        trickle: list[float] = []
        busy = _cpu_share(
            server,
            lambda: trickle.extend(
                asyncio.run(load.unary_at_rate(server.target, token, singles, 32.4, _MISSION_S)).tolist()
            ),
        )
        measured["mission_ack_p99_ms"] = 1e3 * float(np.quantile(trickle, 0.99))
        measured["idle_cpu_percent"] = 100 * idle
        measured["mission_cpu_percent"] = 100 * (busy - idle)
        console.print(f"ack latency at 1,944 readings/s for {_ACK_S:.0f} s ...")
        acks = asyncio.run(
            load.unary_at_rate(server.target, token, load.outage_readings(load.days_ago(2)), 81.0, _ACK_S)
        )
        measured["ack_p50_ms"] = 1e3 * float(np.median(acks))
        measured["ack_p99_ms"] = 1e3 * float(np.quantile(acks, 0.99))
        console.print(f"durable readings/s: {_THROUGHPUT_ROUNDS} rounds over nine streams and over one ...")
        for streams, name in ((9, "durable_readings_per_s"), (1, "durable_readings_per_s_one_stream")):
            rounds = []
            for number in range(_THROUGHPUT_ROUNDS):
                start_s = load.days_ago(1) + (number + _THROUGHPUT_ROUNDS * (streams == 1)) * 2 * _THROUGHPUT_SAMPLES
                rounds.append(
                    asyncio.run(load.streams_flat_out(server.target, token, streams, start_s, _THROUGHPUT_SAMPLES))
                )
            measured[name] = statistics.median(rounds)
        measured["bare_copy_rows_per_s"] = bare_copy_rows_per_s(data_dir, rows=1_944 * 200)
        measured["durable_over_bare_copy"] = measured["durable_readings_per_s"] / measured["bare_copy_rows_per_s"]
    finally:
        server.stop()


def _cpu_share(server: ServerProcess, work: Callable[[], None]) -> float:
    """Processor seconds a second that the server's processes use while `work()` runs."""
    before, began = server.cpu_s(), time.monotonic()
    work()
    return (server.cpu_s() - before) / (time.monotonic() - began)


if __name__ == "__main__":
    main()
