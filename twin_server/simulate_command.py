"""`batterytwin simulate`: the simulated gateways alone, against a server that runs."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import load_fleet
from simulator.fault_plan import load_fault_plan
from simulator.feed import SimulationOptions, run_simulation
from simulator.options import DEFAULT_SEED
from twin_server.reach import own_target
from twin_server.simulated_gateways import make_simulator_tokens
from twin_server.store_access import open_server_store

_TOKENS_VARIABLE = "BATTERYTWIN_GATEWAY_TOKENS"


def simulate(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of a server here. [.batterytwin]")] = None,
    server: Annotated[
        str | None, typer.Option(help=f'HOST:PORT of another server; {_TOKENS_VARIABLE}=\'{{"BRK": "bt_…"}}\'.')
    ] = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds a second; other than 1 needs feed clocks.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Chooses blocks, weather, mains and noise.")] = DEFAULT_SEED,
    fleet_file: Annotated[Path | None, typer.Option(help="Inventory (TOML). [the fleet of 1,944]")] = None,
    faults: Annotated[Path | None, typer.Option(help="Plan of faults (TOML), see docs/dataset.md.")] = None,
    buffer_dir: Annotated[
        Path | None, typer.Option(help="Folder for the gateways' disk buffers, which outlive them. [memory only]")
    ] = None,
) -> None:
    """Feed a running server from simulated gateways, one a site, until Ctrl-C.

    For a server started with `batterytwin up --no-simulator`. A second feed beside the first would only make duplicates
    and late rows.
    """
    start = datetime.now(UTC)
    options = SimulationOptions(
        target=server or own_target(data_dir),
        fleet_file=fleet_file,
        seed=seed,
        speed=speed,
        start=start,
        faults=load_fault_plan(faults, start) if faults else (),
        buffer_dir=buffer_dir,
    )
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(options, data_dir, remote=server is not None))


async def _run(options: SimulationOptions, data_dir: Path | None, *, remote: bool) -> None:
    if remote:
        tokens = _tokens_from_environment()
    else:
        async with open_server_store(data_dir) as store:
            tokens = await make_simulator_tokens(store, load_fleet(options.fleet_file))
    simulation = asyncio.ensure_future(run_simulation(options, tokens, _tell))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, simulation.cancel)
    await simulation


def _tokens_from_environment() -> dict[str, str]:
    try:
        tokens = json.loads(os.environ[_TOKENS_VARIABLE])
        return {str(location): str(token) for location, token in tokens.items()}
    except (KeyError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f'Another server needs its gateway tokens in {_TOKENS_VARIABLE}, for example {{"BRK": "bt_…"}}.',
            field=_TOKENS_VARIABLE,
        ) from error


def _tell(event: dict[str, Any]) -> None:
    typer.echo(json.dumps(event))
