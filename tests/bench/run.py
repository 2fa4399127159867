"""What all sections of the benchmark share: what has been measured, and a server of their own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench.server_process import ServerProcess
from twin_server.operator_token import operator_token

FLEETS: Final = (1_944, 19_440, 194_400)
"""Batteries of the product's fleet, and of fleets ten and a hundred times as large."""


@dataclass(slots=True)
class Run:
    """What a run has measured so far.

    Attributes:
        folder: sections put their servers here, each under its own name.
        console: where progress is told.
        history_days: days of history that `history` writes.
        fleets: batteries of each fleet that `scaling` measures, the base first.
        measured: figures by name.
    """

    folder: Path
    console: Console
    history_days: int = 90
    fleets: tuple[int, ...] = FLEETS
    measured: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Tells what is being done."""
        self.console.print(text)


@contextmanager
def running_server(data_dir: Path, *options: str, patience_s: float = 300.0) -> Iterator[tuple[ServerProcess, str]]:
    """A server without simulator and dashboard, ready, and a token for it.

    Args:
        data_dir: of the server.
        options: more of `batterytwin up`.
        patience_s: how long a start may take, and a stop a tenth of it; then it is killed.
    """
    server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard", *options)
    try:
        server.wait_for("ready", patience_s)
        yield server, operator_token(data_dir)
    finally:
        try:
            server.stop(patience_s / 10)
        except subprocess.TimeoutExpired:  # what was measured counts; nothing may be left behind
            server.cut_power()
