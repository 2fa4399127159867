"""`batterytwin scenario`: all of its commands together."""

from twin_server import drill_commands
from twin_server.scenario_commands import scenario_app
from twin_server.scenario_play import play

for command in (
    play,
    drill_commands.start,
    drill_commands.update,
    drill_commands.stop,
    drill_commands.get,
    drill_commands.running,
    drill_commands.watch,
):
    scenario_app.command()(command)

__all__ = ["scenario_app"]
