"""What the experiments found, as a table and as a line for machines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.chaos.checker import Verdict


@dataclass(slots=True)
class Outcome:
    """What became of one experiment.

    Attributes:
        name: experiment.
        faults: faults injected.
        acked: (battery, sequence) acknowledged in it.
        verdict: what the checker found over everything so far.
        recoveries_s: time from each fault until every gateway had something acknowledged that it sent after it, s.
        violations: promises that were broken, for people.
        notes: what else was seen.
    """

    name: str
    faults: int = 0
    acked: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    recoveries_s: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def require(self, holds: bool, promise: str) -> None:
        """Books a broken promise."""
        if not holds:
            self.violations.append(promise)

    def judge(self, verdict: Verdict) -> None:
        """Takes over what the checker found."""
        self.verdict = verdict
        self.require(verdict.violations == 0, f"checker: {verdict}")

    def recovery_s(self, quantile: float) -> float | None:
        """A quantile of the recoveries, s; None = none measured."""
        return float(np.quantile(self.recoveries_s, quantile)) if self.recoveries_s else None


def tell(outcomes: Sequence[Outcome]) -> int:
    """Prints the table, the violations and the last line `CHAOS {json}`; returns the exit code."""
    console = Console(width=120)
    table = Table(title="faults, and what was acknowledged")
    for column in ("experiment", "faults", "acked", "lost", "doubled", "recovery p50", "p95", "max, s", "violations"):
        table.add_column(column, justify="left" if column == "experiment" else "right")
    for outcome in outcomes:
        recoveries = [_seconds(outcome.recovery_s(q)) for q in (0.5, 0.95, 1.0)]
        counts = (outcome.faults, outcome.acked, outcome.verdict.lost, outcome.verdict.doubled)
        table.add_row(outcome.name, *(f"{n:,}" for n in counts), *recoveries, str(len(outcome.violations)))
    console.print(table)
    for outcome in outcomes:
        for kind, lines in (("VIOLATION", outcome.violations), ("note", outcome.notes)):
            for line in lines:
                console.print(f"{outcome.name}: {kind}: {line}", markup=False, highlight=False)
    violations = sum(len(outcome.violations) for outcome in outcomes)
    found = {
        outcome.name: {
            "faults": outcome.faults,
            "acked": outcome.acked,
            "lost": outcome.verdict.lost,
            "doubled": outcome.verdict.doubled,
            "recovery_s": [outcome.recovery_s(q) for q in (0.5, 0.95, 1.0)],
            "violations": outcome.violations,
        }
        for outcome in outcomes
    }
    print("CHAOS " + json.dumps({"violations": violations, "experiments": found}))
    return 1 if violations else 0


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
