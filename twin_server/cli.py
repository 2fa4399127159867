"""`batterytwin`: the command line."""

import platform
import sys
from typing import Annotated

import typer

from batterytwin import __version__
from batterytwin.errors import TwinError
from twin_server import client_commands, drill_commands, up_command
from twin_server.access_commands import token_app, user_app
from twin_server.backup_commands import backup, restore
from twin_server.dataset_command import dataset
from twin_server.event_commands import event_app
from twin_server.export_command import export
from twin_server.history_command import history
from twin_server.life_command import life, plan
from twin_server.model_commands import models_app
from twin_server.project_command import project
from twin_server.projections_command import projections_app
from twin_server.rebuild_command import rebuild
from twin_server.replay_commands import replay
from twin_server.scenario_commands import scenario_app
from twin_server.scenario_play import play
from twin_server.simulate_command import simulate
from twin_server.string_command import string
from twin_server.train_command import evaluate, train

app = typer.Typer(
    help=(
        "A live digital twin of every VRLA battery in a fleet.\n\n"
        "Start with `batterytwin up`: database, twins, API, dashboard and a simulated fleet, all on this machine. "
        "Then, in another terminal, `batterytwin status`."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(up_command.up)
app.command()(client_commands.status)
app.command()(client_commands.twin)
app.command()(string)
app.command()(client_commands.alerts)
app.command()(history)
app.command()(export)
app.command()(replay)
app.command()(simulate)
app.command()(dataset)
app.command()(backup)
app.command()(restore)
app.command()(rebuild)
app.command()(life)
app.command()(plan)
app.command()(train)
app.command()(evaluate)
app.command()(project)
app.add_typer(event_app, name="event")
scenario_app.command()(play)
for command in (
    drill_commands.start,
    drill_commands.update,
    drill_commands.stop,
    drill_commands.get,
    drill_commands.running,
    drill_commands.watch,
):
    scenario_app.command()(command)
app.add_typer(scenario_app, name="scenario")
app.add_typer(projections_app, name="projections")
app.add_typer(models_app, name="models")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")


@app.command()
def version(short: Annotated[bool, typer.Option(help="Print the number alone.")] = False) -> None:
    """Print the version of the product and of its parts."""
    if short:
        typer.echo(__version__)
        return
    from actors.filter import MODEL_VERSION  # noqa: PLC0415  # compiled code, kept out of `batterytwin --help`

    typer.echo(f"batterytwin {__version__} (filter {MODEL_VERSION}, Python {platform.python_version()})")


def main() -> None:
    """Runs the command line; errors that a user can mend are told in one line, without a traceback."""
    try:
        app()
    except TwinError as error:
        typer.secho(f"{error.message}  [{error.reason}]", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
