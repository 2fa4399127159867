"""Measures peers and product in turns: `make peers`. The last line is `PEERS {json}`."""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.databases import Round, influx_db, victoria_metrics
from tests.benchmarks.peers.process import NotHereError
from tests.benchmarks.peers.services import batterytwin, batterytwin_singles, plain_service

_ROUNDS: Final = 5


@dataclass(slots=True)
class Peer:
    """One peer and what was measured.

    Attributes:
        name: in the table.
        opens: starts it in an empty folder.
        does: what an answer means.
        rates: readings a second of each round.
        reason: why there are none.
    """

    name: str
    opens: Callable[[Path], AbstractContextManager[Round]]
    does: str
    rates: list[float] = field(default_factory=list)
    reason: str = ""

    @property
    def median(self) -> float | None:
        """Readings a second, or None."""
        return statistics.median(self.rates) if self.rates and not self.reason else None


def peers() -> dict[str, Peer]:
    """All peers by the name that `--only` takes."""
    return {
        "batterytwin": Peer("batterytwin, nine streams", batterytwin, "durable, estimated, judged"),
        "victoria": Peer("VictoriaMetrics, nine streams", victoria_metrics, "in memory; the last seconds not durable"),
        "influx": Peer("InfluxDB 1, nine streams", influx_db, "durable"),
        "singles": Peer("batterytwin, a call a reading", batterytwin_singles, "durable, estimated, judged"),
        "plain": Peer("FastAPI + SQLAlchemy, a POST a reading", plain_service, "durable"),
    }


def main() -> None:
    """Starts all that are here, goes round by round through them, and prints a table and the last line."""
    known = peers()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description="The same readings, others.")
    parser.add_argument("--only", nargs="+", choices=known, default=list(known), help="peers to measure")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="rounds that count, after one that warms up")
    options = parser.parse_args()
    console = Console(width=140)
    chosen = [known[name] for name in options.only]
    with tempfile.TemporaryDirectory(prefix="bt-peers-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as a user of its own, who has to get in
        for peer in chosen:
            console.print(f"{peer.name} ...")
        measure(chosen, Path(folder), options.rounds)
    _print_table(console, chosen)
    print(
        "PEERS "
        + json.dumps({p.name: {"readings_per_s": p.median, "does": p.does, "reason": p.reason} for p in chosen})
    )


def measure(chosen: list[Peer], folder: Path, rounds: int) -> None:
    """Measures peers in turns, so that each round finds all on the same machine; one that fails is left out."""
    with ExitStack() as ends:
        runs: list[tuple[Peer, Round]] = []
        for number, peer in enumerate(chosen):
            home = folder / str(number)
            home.mkdir(mode=0o755)
            try:
                runs.append((peer, ends.enter_context(_guarded(peer, home))))
            except NotHereError as error:
                peer.reason = str(error)
        for number in range(rounds + 1):
            for peer, send in runs:
                if not peer.reason:
                    _do_round(peer, send, number)


def _do_round(peer: Peer, send: Round, number: int) -> None:
    try:
        rate = send(number)
    except (RuntimeError, OSError) as error:
        peer.reason = f"{type(error).__name__}: {error}"
        return
    if number:  # the first one warms up
        peer.rates.append(rate)


class _guarded(AbstractContextManager[Round]):  # noqa: N801 # used like a function
    """A peer that tells of what is wrong at its end instead of spoiling the others' figures."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self._peer = peer
        self._opened = peer.opens(folder)

    def __enter__(self) -> Round:
        return self._opened.__enter__()

    def __exit__(self, *error: object) -> bool | None:
        try:
            return self._opened.__exit__(None, None, None)
        except RuntimeError as wrong:
            self._peer.reason = str(wrong)
            return False


def _print_table(console: Console, chosen: list[Peer]) -> None:
    table = Table(title="readings a second, client on the same cores")
    for column in ("peer", "readings/s", "what an answer means"):
        table.add_column(column, justify="right" if column == "readings/s" else "left")
    for peer in chosen:
        rate = peer.reason if peer.median is None else f"{peer.median:,.0f}"
        table.add_row(peer.name, rate, peer.does)
    console.print(table)


if __name__ == "__main__":
    main()
