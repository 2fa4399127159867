"""`batterytwin scenario`: the library of what can be played on copies of the twins."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.errors import InvalidArgumentError

if TYPE_CHECKING:
    from simulator.scenario import Scenario

scenario_app = typer.Typer(
    help="What can happen to copies of the twins, and drills in which it does.", no_args_is_help=True
)


@scenario_app.command("list")
def list_scenarios(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a scenario.")] = False
) -> None:
    """List the scenarios that come with the product."""
    from simulator.scenario_library import scenario_library  # noqa: PLC0415  # kept out of `batterytwin --help`

    library = scenario_library()
    if as_json:
        for scenario in library.values():
            typer.echo(json.dumps(scenario.model_dump(mode="json", by_alias=True)))
        return
    table = Table(title=f"{len(library)} scenarios", title_justify="left")
    for column in ("name", "what happens", "aimed at", "parameters"):
        table.add_column(column)
    for scenario in library.values():
        parameters = ", ".join(f"{p.name} = {p.default:g} {p.unit}".strip() for p in scenario.parameters)
        table.add_row(scenario.name, scenario.title, ", ".join(scenario.targets), parameters)
    Console(highlight=False).print(table)


@scenario_app.command("show")
def show_scenario(
    name: Annotated[str, typer.Argument(help="Name of a scenario, or a file of one (TOML or YAML).")],
) -> None:
    """Show one scenario with its parameters and their limits; a file of your own is checked by that."""
    scenario = read_scenario(name)
    typer.echo(f"{scenario.name} (version {scenario.version}): {scenario.title}")
    if scenario.words:
        typer.echo(scenario.words.strip())
    typer.echo(f"aimed at: {', '.join(scenario.targets)}")
    table = Table(title="Parameters", title_justify="left")
    for column in ("name", "default", "least", "most", "unit", "meaning"):
        table.add_column(column)
    for p in scenario.parameters:
        table.add_row(p.name, f"{p.default:g}", f"{p.least:g}", f"{p.most:g}", p.unit, p.words)
    Console(highlight=False).print(table)


def read_scenario(name: str) -> "Scenario":
    """A scenario of the library by its name, or one of a file.

    Raises:
        InvalidArgumentError: there is no such scenario, or the file cannot be read or used.
    """
    from simulator.scenario import parse_scenario  # noqa: PLC0415  # kept out of `batterytwin --help`
    from simulator.scenario_library import find_scenario  # noqa: PLC0415  # likewise

    path = Path(name)
    if not path.suffix:
        return find_scenario(name)
    try:
        return parse_scenario(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error}", field="scenario", value=path) from error
