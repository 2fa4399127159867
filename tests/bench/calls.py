"""Single calls against an echo behind the same interceptors, in turns: what the handlers cost, whatever the machine."""

import asyncio
import statistics
from typing import Final

import numpy as np

from tests.bench import load
from tests.bench.call_load import Answered, get_twins, ingest_singles, prepared_singles, snapshots_after_acks
from tests.bench.echo_server import echo_beside
from tests.bench.run import Run

_ROUNDS: Final = 11  # many short ones: a shared machine changes its pace from one second to the next
_CALLS: Final = 1_700
_INGEST_IN_FLIGHT: Final = 64
_READS_IN_FLIGHT: Final = 16
_SNAPSHOTS: Final = 200


def calls(run: Run) -> None:
    """Calls that bring one reading."""
    server, token, data_dir = run.settled.use()
    with echo_beside(data_dir) as echo:
        run.say(f"{_ROUNDS} rounds of {_CALLS:,} one-reading calls, {_INGEST_IN_FLIGHT} in flight: echo, server ...")
        pairs = []
        for number in range(_ROUNDS + 1):
            batches = prepared_singles(load.days_ago(0.9) + 60.0 * number, _CALLS)
            pair = [asyncio.run(ingest_singles(to, token, _INGEST_IN_FLIGHT, batches)) for to in (echo, server.target)]
            pairs.append(pair)
        _note(run, "single_reading_calls", pairs[1:])  # the first round warms up


def reads(run: Run) -> None:
    """Reads of twins while nothing else runs."""
    server, token, data_dir = run.settled.use()
    with echo_beside(data_dir) as echo:
        first_words = snapshots_after_acks(server.target, token, load.days_ago(0.8), rounds=2)
        asyncio.run(first_words)  # twins that have something to say
        run.say(f"{_ROUNDS} rounds of {_CALLS:,} GetTwin, {_READS_IN_FLIGHT} in flight: echo, server ...")
        pairs = [
            [asyncio.run(get_twins(to, token, _READS_IN_FLIGHT, _CALLS)) for to in (echo, server.target)]
            for _ in range(_ROUNDS + 1)
        ][1:]
        _note(run, "get_twin", pairs)
        for name, place in (("get_twin_echo_p99_ms", 0), ("get_twin_p99_ms", 1)):
            run.measured[name] = statistics.median(1e3 * float(np.quantile(pair[place].took_s, 0.99)) for pair in pairs)
        run.say("GetFleetSnapshot after each ack ...")
        took_s = asyncio.run(snapshots_after_acks(server.target, token, load.days_ago(0.7), _SNAPSHOTS))
        run.measured["fleet_snapshot_p99_ms"] = 1e3 * float(np.quantile(took_s, 0.99))
        run.measured["fleet_snapshot_p50_ms"] = 1e3 * float(np.median(took_s))


def _note(run: Run, name: str, pairs: list[list[Answered]]) -> None:
    """Notes medians of rounds of (echo, server): ratios are taken within a round, where the machine is the same."""
    for echo, server in pairs:
        run.say(f"  echo {echo.per_s:,.0f}/s, server {server.per_s:,.0f}/s")
    run.measured[f"{name}_over_echo"] = statistics.median(server.per_s / echo.per_s for echo, server in pairs)
    run.measured[f"{name}_per_s"] = statistics.median(server.per_s for _, server in pairs)
    run.measured[f"{name}_echo_per_s"] = statistics.median(echo.per_s for echo, _ in pairs)
