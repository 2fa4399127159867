"""Fleets ten and a hundred times as large through the real server: what becomes of its speed, and what a twin weighs.

Messages have 216 batteries and nine sample times at every size, over nine streams; what changes is how many batteries
there are. Nothing else runs on the machine meanwhile, and the fleets follow each other, because a server of
194,400 twins is not idle while it waits.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Final

from batterytwin.inventory import load_fleet
from batterytwin.readings import ReadingBatch
from tests.bench import load
from tests.bench.big_fleet import write_fleet
from tests.bench.run import Run, running_server
from tests.bench.server_process import ServerProcess

_ROUNDS: Final = 5
_ROWS: Final = 972_000  # of a round, about; nine readings of every battery at least
_BATTERIES, _SAMPLES = 216, 9
"""Of a message: as at the size of the default fleet, whose sites have so many batteries."""
STREAMS: Final = 9
_SETTLE_S: Final = 12.0
"""The server gives back what a burst took within eight seconds of its end."""
_PATIENCE_S: Final = 600.0  # with a start or a stop of the largest fleet, whose time is reported


def scaling(run: Run) -> None:
    """Readings a second and memory at each size."""
    found = [_measure(run, batteries) for batteries in run.fleets]
    base_rate, base_mb = found[0]
    for batteries, (rate, megabytes) in zip(run.fleets[1:], found[1:], strict=True):
        run.measured[f"fall_percent_at_{batteries}"] = 100 * (1 - rate / base_rate)
        run.measured[f"kb_a_twin_at_{batteries}"] = 1e3 * (megabytes - base_mb) / (batteries - run.fleets[0])


def _measure(run: Run, batteries: int) -> tuple[float, float]:
    """Acknowledged readings a second, median; and decimal megabytes of the server, database left out.

    The database's memory follows what is written, up to its own settings, not the number of twins; it is reported.
    """
    folder = run.folder / f"scaling-{batteries}"
    folder.mkdir(mode=0o755)
    fleet_file = folder / "fleet.toml"
    write_fleet(fleet_file, batteries)
    ids = [battery.battery_id for site in load_fleet(fleet_file).locations for battery in site.batteries()]
    run.say(f"{len(ids):,} batteries: registers and starts them ...")
    began = time.monotonic()
    with running_server(folder / "data", "--fleet-file", str(fleet_file), patience_s=_PATIENCE_S) as (server, token):
        run.measured[f"first_start_s_at_{batteries}"] = time.monotonic() - began
        start_s, samples = load.days_ago(2), max(_SAMPLES, _ROWS // batteries)
        rates = []
        for number in range(_ROUNDS + 1):
            messages = pools(ids, start_s + number * (samples + 60.0), samples)
            rates.append(asyncio.run(load.pools_flat_out(server.target, token, messages)))
        run.say("  " + ", ".join(f"{rate:,.0f}" for rate in rates[1:]) + " readings/s")
        megabytes = _megabytes(run, server, batteries)
    rate = statistics.median(rates[1:])  # the first round makes the partition, compiles, and fills caches
    run.measured[f"readings_per_s_at_{batteries}"] = rate
    return rate, megabytes


def pools(ids: Sequence[str], start_s: float, samples: int) -> list[list[ReadingBatch]]:
    """Messages of each stream: groups of its batteries, nine sample times of each, a second apart."""
    per_stream = -(-len(ids) // STREAMS)
    shares = [ids[begin : begin + per_stream] for begin in range(0, len(ids), per_stream)]  # a gateway has its sites
    return [
        [
            load.joined(share[begin : begin + _BATTERIES], start_s + turn * _SAMPLES, _SAMPLES, seed=turn)
            for turn in range(max(1, samples // _SAMPLES))
            for begin in range(0, len(share), _BATTERIES)
        ]
        for share in shares
    ]


def _megabytes(run: Run, server: ServerProcess, batteries: int) -> float:
    time.sleep(_SETTLE_S)
    sizes = server.pss_by_name()
    run.measured |= {f"memory_{name}_mb_at_{batteries}": size for name, size in sizes.items()}
    return sum(size for name, size in sizes.items() if name != "PostgreSQL") * 2**20 / 1e6
