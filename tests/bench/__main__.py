"""Runs the benchmark: `make bench`. The last line is `BENCH {json}`; `ARGS="--only ingest"` runs parts of it."""

import argparse
import json
import logging
import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.run import FLEETS, Run
from tests.bench.sections import ON_SETTLED_SERVER, SECTIONS
from tests.bench.server_process import end_in_order_on_sigterm
from tests.bench.targets import TARGETS, Measurement


def main() -> None:
    """Measures everything, prints a table and the machine-readable last line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed and memory of a whole server.")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    parser.add_argument("--history-days", type=int, default=90, help="days of history that `history` writes")
    parser.add_argument(
        "--fleets", nargs="+", type=int, default=FLEETS, help="batteries of the fleets of `scaling`, the base first"
    )
    options = parser.parse_args()
    end_in_order_on_sigterm()
    wanted = options.only
    console = Console(width=140)
    reasons: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bt-bench-") as folder:
        Path(folder).chmod(0o755)  # as root, the database runs as a user of its own, who has to get in
        run = Run(Path(folder), console, options.history_days, tuple(options.fleets))
        with closing(run.settled):
            for name, section in SECTIONS.items():
                if name not in wanted:
                    continue
                console.rule(name)
                if name not in ON_SETTLED_SERVER:
                    run.settled.close()
                began = time.monotonic()
                try:
                    section(run)
                except Exception as error:
                    logging.getLogger(__name__).debug("section %s", name, exc_info=True)
                    reasons[name] = f"{type(error).__name__}: {error}"
                    console.print(f"{name}: {reasons[name]}", markup=False)
                run.measured[f"minutes, {name}"] = (time.monotonic() - began) / 60.0
    results = [
        Measurement(target, run.measured.get(target.name), reasons.get(target.section, "not measured"))
        for target in TARGETS
        if target.section in wanted
    ]
    _print_table(console, results, run.measured)
    print("BENCH " + json.dumps(_summary(results, run.measured)))


def _print_table(console: Console, results: list[Measurement], measured: dict[str, float]) -> None:
    table = Table(title="batterytwin: server and client on the same cores")
    for column in ("figure", "measured", "target", "met"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for result in results:
        table.add_row(*result.as_row())
    for name in sorted(set(measured) - {target.name for target in TARGETS}):
        table.add_row(name, f"{measured[name]:,.4g}", "(reported)", "")
    console.print(table)


def _summary(results: list[Measurement], measured: dict[str, float]) -> dict[str, object]:
    return {
        "targets": {
            r.target.name: {"value": r.value, "target": r.target.limit, "met": r.met}
            | ({"reason": r.reason} if r.value is None else {})
            for r in results
        },
        "missed": [r.target.name for r in results if not r.met],
        "reported": measured,
    }


if __name__ == "__main__":
    main()
