"""Runs the fault suite: `make chaos`. The last line is `CHAOS {json}`; the exit code is 1 on any violation."""

import argparse
import logging
import sys

from tests.bench.server_process import end_in_order_on_sigterm
from tests.chaos.report import tell
from tests.chaos.runner import full, run, short

_BUDGET_S = 57 * 60.0


def main() -> int:
    """Runs every experiment, or the short form of CI."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="what CI runs")
    parser.add_argument("--seed", type=int, default=1, help="of the schedules")
    parser.add_argument("--times", type=int, default=20, help="faults of a kind in the full form")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these experiments alone")
    options = parser.parse_args()
    end_in_order_on_sigterm()
    logging.getLogger("clients").setLevel(logging.CRITICAL)  # that gateways lose the server is the point
    experiments = short(options.seed) if options.short else full(options.seed, options.times)
    if options.only and (unknown := set(options.only) - experiments.keys()):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(experiments)}")
    chosen = [experiment for name, experiment in experiments.items() if not options.only or name in options.only]
    return tell(run(chosen, _BUDGET_S, lambda line: print(line, flush=True)))


if __name__ == "__main__":
    sys.exit(main())
