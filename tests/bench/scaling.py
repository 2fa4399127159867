"""Fleets ten and a hundred times as large through the real server: what becomes of its speed, and what a twin weighs.

Messages have 216 batteries and nine sample times at every size, over nine streams; what changes is how many batteries
there are. A machine's speed changes by the minute, so that each larger fleet is measured in turns with the product's
own, round by round. While one is measured the other stands still: a server of 194,400 twins is not idle while it waits.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from batterytwin.inventory import load_fleet
from batterytwin.readings import ReadingBatch
from tests.bench import load
from tests.bench.big_fleet import write_fleet
from tests.bench.run import Run
from tests.bench.server_process import ServerProcess, running_server
from tests.bench.settled import wait_for_scorer, wait_until_calm

_ROUNDS: Final = 4  # even: who is first in a round alternates
_ROWS: Final = 972_000  # of a round, about; nine readings of every battery at least
_BATTERIES, _SAMPLES = 216, 9
"""Of a message: as at the size of the default fleet, whose sites have so many batteries."""
STREAMS: Final = 9
_SETTLE_S: Final = 12.0
"""The server gives back what a burst took within eight seconds of its end."""
_PATIENCE_S: Final = 600.0  # with a start or a stop of the largest fleet, whose time is reported


@dataclass(slots=True)
class _Fleet:
    """A running fleet.

    Attributes:
        server: its server.
        token: for it.
        battery_ids: of all its batteries.
        next_s: sample time from which it has no readings yet, Unix, s.
    """

    server: ServerProcess
    token: str
    battery_ids: Sequence[str]
    next_s: float

    def messages(self) -> list[list[ReadingBatch]]:
        """Those of the next round, by stream."""
        samples = max(_SAMPLES, _ROWS // len(self.battery_ids))
        found = pools(self.battery_ids, self.next_s, samples)
        self.next_s += samples + 60.0
        return found

    def rate(self, messages: Sequence[Sequence[ReadingBatch]]) -> float:
        """Acknowledged readings a second."""
        return asyncio.run(load.pools_flat_out(self.server.target, self.token, messages))


def scaling(run: Run) -> None:
    """Readings a second and memory at each size."""
    base, *larger = run.fleets
    base_mb = 0.0
    for batteries in larger:
        with ExitStack() as large_alone:  # the large one begins second and ends last
            with _running(run, base, f"beside-{batteries}") as small:
                _warm_up(small)
                base_mb = base_mb or _megabytes(run, small)  # of each alone: what two servers share counts half
                large = large_alone.enter_context(_running(run, batteries, "large"))
                _warm_up(large)
                rates = _in_turns(run, small, large)
            megabytes = _megabytes(run, large)
        run.measured[f"readings_per_s_beside_{batteries}"] = statistics.median(own for own, _ in rates)
        run.measured[f"readings_per_s_at_{batteries}"] = statistics.median(other for _, other in rates)
        kept = statistics.median(other / own for own, other in rates)
        run.measured[f"fall_percent_at_{batteries}"] = 100 * (1 - kept)
        run.measured[f"kb_a_twin_at_{batteries}"] = 1e3 * (megabytes - base_mb) / (batteries - base)


@contextmanager
def _running(run: Run, batteries: int, name: str) -> Iterator[_Fleet]:
    folder = run.folder / f"scaling-{batteries}-{name}"
    folder.mkdir(mode=0o755)
    fleet_file = folder / "fleet.toml"
    write_fleet(fleet_file, batteries)
    ids = [battery.battery_id for site in load_fleet(fleet_file).locations for battery in site.batteries()]
    run.say(f"{len(ids):,} batteries: registers and starts them ...")
    began = time.monotonic()
    with running_server(folder / "data", "--fleet-file", str(fleet_file), patience_s=_PATIENCE_S) as (server, token):
        run.measured[f"first_start_s_at_{batteries}"] = time.monotonic() - began
        wait_for_scorer(server)  # else one fleet's memory would hold it and another's not
        yield _Fleet(server, token, ids, load.days_ago(2))


def _warm_up(fleet: _Fleet) -> None:
    """Lets a server do what it does once, at its first readings, and fill its heap."""
    fleet.rate(fleet.messages())
    wait_until_calm(fleet.server)
    fleet.rate(fleet.messages())


def _in_turns(run: Run, small: _Fleet, large: _Fleet) -> list[tuple[float, float]]:
    """Readings a second of both fleets, in rounds."""
    rounds = []
    for number in range(_ROUNDS):
        found = {}
        for this, other in ((small, large), (large, small))[:: 1 if number % 2 else -1]:
            messages = this.messages()
            with other.server.standing_still():
                found[this is large] = this.rate(messages)
        rounds.append((found[False], found[True]))
    run.say("  " + ", ".join(f"{own:,.0f} / {other:,.0f}" for own, other in rounds) + " readings/s")
    return rounds


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


def _megabytes(run: Run, fleet: _Fleet) -> float:
    """Decimal megabytes of the server, the database left out.

    The database's memory follows what is written, up to its own settings, not the number of twins; it is reported.
    """
    time.sleep(_SETTLE_S)
    sizes = fleet.server.pss_by_name()
    run.measured |= {f"memory_{name}_mb_at_{len(fleet.battery_ids)}": size for name, size in sizes.items()}
    return sum(size for name, size in sizes.items() if name != "PostgreSQL") * 2**20 / 1e6
