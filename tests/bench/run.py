"""What all sections of the benchmark share: what has been measured, and a server that some of them use in turns."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench.settled import SettledServer

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
        settled: for sections that need a server which has started long ago.
    """

    folder: Path
    console: Console
    history_days: int = 90
    fleets: tuple[int, ...] = FLEETS
    measured: dict[str, float] = field(default_factory=dict)
    settled: SettledServer = field(init=False)

    def __post_init__(self) -> None:
        self.settled = SettledServer(self.folder)

    def say(self, text: str) -> None:
        """Tells what is being done."""
        self.console.print(text)
