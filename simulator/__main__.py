"""`python -m simulator`: a fleet that reports to a server like a real one.

Gateway tokens come as one JSON line on standard input, `{"tokens": {"BRK": "bt_..."}}`, so that no list of processes
shows them. Events go to standard output, one JSON object a line.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batterytwin.errors import InvalidArgumentError, TwinError
from clients.channel import Tls
from simulator.fault_plan import load_fault_plan
from simulator.feed import SimulationOptions, run_simulation
from simulator.options import DEFAULT_SEED


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a simulation until SIGINT or SIGTERM.

    Returns:
        Exit code: 0 = ended by a signal, 1 = the server refused every site, 2 = wrong arguments.
    """
    chosen = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run_until_signal(_options(chosen), _read_tokens(sys.stdin.readline())))
    except InvalidArgumentError as error:
        _report({"event": "error", "reason": str(error.reason), "message": error.message})
        return 2
    except TwinError:
        return 1  # each site has said why


async def _run_until_signal(options: SimulationOptions, tokens: dict[str, str]) -> int:
    simulation = asyncio.ensure_future(run_simulation(options, tokens, _report))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, simulation.cancel)
    try:
        await simulation
    except asyncio.CancelledError:
        return 0
    return 1


def _report(event: dict[str, Any]) -> None:
    try:
        print(json.dumps(event), flush=True)
    except BrokenPipeError:
        # nobody listens any more: go on, but keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _read_tokens(line: str) -> dict[str, str]:
    try:
        tokens = json.loads(line)["tokens"]
    except (ValueError, KeyError, TypeError):
        tokens = None
    if not isinstance(tokens, dict) or not all(isinstance(token, str) for token in tokens.values()):
        raise InvalidArgumentError(
            'Standard input must begin with a line like {"tokens": {"BRK": "bt_..."}}.', field="tokens"
        )
    return tokens


def _options(chosen: argparse.Namespace) -> SimulationOptions:
    return SimulationOptions(
        target=chosen.target,
        fleet_file=chosen.fleet,
        seed=chosen.seed,
        speed=chosen.speed,
        start=chosen.start,
        backfill_days=chosen.backfill_days,
        fine_string=chosen.fine_string,
        fine_days=chosen.fine_days,
        tls=Tls(chosen.tls_ca) if chosen.tls_ca else None,
        buffer_dir=chosen.buffer_dir,
        faults=load_fault_plan(chosen.faults, chosen.start or datetime.now(UTC)) if chosen.faults else (),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="A simulated fleet that reports to a server like a real one."
    )
    parser.add_argument("--target", required=True, metavar="HOST:PORT", help="address of the server")
    parser.add_argument("--fleet", type=Path, metavar="FILE", help="inventory (TOML); default: the product's fleet")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="chooses blocks, weather, mains and noise")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second")
    parser.add_argument(
        "--start", type=datetime.fromisoformat, metavar="TIME", help="first live sample time, ISO 8601; default: now"
    )
    parser.add_argument(
        "--backfill-days", type=float, default=0.0, metavar="DAYS", help="history to send first, hourly"
    )
    parser.add_argument(
        "--fine-string", default="", metavar="ID", help="string whose history is as fine as live readings"
    )
    parser.add_argument("--fine-days", type=float, default=7.0, metavar="DAYS", help="how far back that goes")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="plan of faults (TOML); days count from the start")
    parser.add_argument(
        "--buffer-dir", type=Path, metavar="DIR", help="folder for the gateways' disk buffers; default: memory only"
    )
    parser.add_argument("--tls-ca", type=Path, metavar="FILE", help="certificate authority of the server (PEM)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
