"""`batterytwin`: the command line."""

import sys
from collections.abc import Mapping
from typing import ClassVar

import typer

from batterytwin.errors import TwinError
from twin_server.lazy_commands import LazyGroup


class _Commands(LazyGroup):
    """All commands, in the order in which `batterytwin --help` tells them."""

    places: ClassVar[Mapping[str, str]] = {
        "up": "twin_server.up_command:up",
        "status": "twin_server.client_commands:status",
        "twin": "twin_server.client_commands:twin",
        "string": "twin_server.string_command:string",
        "alerts": "twin_server.client_commands:alerts",
        "history": "twin_server.history_command:history",
        "export": "twin_server.export_command:export",
        "replay": "twin_server.replay_commands:replay",
        "simulate": "twin_server.simulate_command:simulate",
        "dataset": "twin_server.dataset_command:dataset",
        "backup": "twin_server.backup_commands:backup",
        "restore": "twin_server.backup_commands:restore",
        "rebuild": "twin_server.rebuild_command:rebuild",
        "life": "twin_server.life_command:life",
        "plan": "twin_server.life_command:plan",
        "train": "twin_server.train_command:train",
        "evaluate": "twin_server.train_command:evaluate",
        "project": "twin_server.project_command:project",
        "event": "twin_server.event_commands:event_app",
        "scenario": "twin_server.scenario_group:scenario_app",
        "projections": "twin_server.projections_command:projections_app",
        "models": "twin_server.model_commands:models_app",
        "user": "twin_server.access_commands:user_app",
        "token": "twin_server.access_commands:token_app",
        "version": "twin_server.version_command:version",
    }


app = typer.Typer(
    cls=_Commands,
    help=(
        "A live digital twin of every VRLA battery in a fleet.\n\n"
        "Start with `batterytwin up`: database, twins, API, dashboard and a simulated fleet, all on this machine. "
        "Then, in another terminal, `batterytwin status`."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _all() -> None:
    """Keeps this a group: without a word of its own typer takes it for one command."""


def main() -> None:
    """Runs the command line; errors that a user can mend are told in one line, without a traceback."""
    try:
        app()
    except TwinError as error:
        typer.secho(f"{error.message}  [{error.reason}]", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
