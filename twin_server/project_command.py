"""`batterytwin project`: the coming years of the fleet, as it is and with a scenario."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from twin_server.history_options import read_time
from twin_server.scenario_commands import read_scenario
from twin_server.scenario_play import At, DataDir, FleetFile, Unmeasured, read_parameters, write_json

if TYPE_CHECKING:
    from simulator.scenario_course import ScenarioPart
    from twin_server.projection import Projector

Seed = Annotated[
    int, typer.Option(min=0, help="Chooses what the twins do not know; the same for all that is compared.")
]


def project(
    *,
    scenario: Annotated[str, typer.Option(help="What is to happen: a name or a file. [nothing]")] = "",
    target: Annotated[list[str] | None, typer.Option(help="What it is aimed at; may be repeated. [all]")] = None,
    chosen: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Location, string or battery to project. [all]")] = None,
    years: Annotated[float, typer.Option(help="How far.")] = 10.0,
    members: Annotated[int, typer.Option(help="Size of the ensemble.")] = 100,
    seed: Seed = 1,
    minutes: Annotated[float, typer.Option(min=1.0, help="How long systems are to carry their load.")] = 30.0,
    load: Annotated[float, typer.Option(min=0.05, help="That load over the one that takes an hour.")] = 1.0,
    price: Annotated[float, typer.Option(min=0.0, help="Of one block with its work.")] = 250.0,
    warmth: Annotated[bool, typer.Option("--warmth", help="Also what 1 to 5 K more cost.")] = False,
    by_minute: Annotated[int, typer.Option(min=0, metavar="DAYS", help="Also so many days by the minute.")] = 0,
    at: At = "",
    data_dir: DataDir = None,
    unmeasured: Unmeasured = False,
    fleet_file: FleetFile = None,
    out: Annotated[Path | None, typer.Option(help="Write the result there, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Project the fleet: replacements by year, who cannot carry the load, what comes first, where a string would help.

    Every quantity is told as quantiles (5, 25, 50, 75, 95 %) of an ensemble. Nothing real is touched; Ctrl-C cancels.
    """
    from simulator.scenario_course import ScenarioPart  # noqa: PLC0415  # kept out of `batterytwin --help`
    from twin_server.branch_origin import OriginChoice, read_origin  # noqa: PLC0415  # likewise
    from twin_server.projection import ProjectionOptions, Projector  # noqa: PLC0415  # likewise

    options = ProjectionOptions(years, members, seed)
    if out is not None:
        write_json(out, {})  # a file that cannot be written is told before anything is computed
    parts = []
    if scenario:
        found, parameters = read_scenario(scenario), read_parameters(chosen or [])
        found.values(parameters)
        parts = [ScenarioPart(found, tuple(target or ()), parameters)]
    choice = OriginChoice(only or (), data_dir, unmeasured, fleet_file, read_time(at, "--at") if at else None)
    begun_s = time.monotonic()
    with _progress("Projecting") as told:
        projector = Projector(read_origin(choice), options, told)
        answer = _answers(projector, parts, minutes, load)
        if warmth:
            from twin_server.projection_answers import cost_of_warmth  # noqa: PLC0415  # kept out of `--help`

            answer["warmth"] = cost_of_warmth(projector, projector.course(parts), price)
        if by_minute:
            answer["by_minute"] = _by_minute(projector, parts, by_minute)
    answer["took_s"] = time.monotonic() - begun_s
    if out is not None:
        write_json(out, answer)
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        _print(answer)


def _answers(projector: "Projector", parts: "list[ScenarioPart]", minutes: float, load: float) -> dict[str, Any]:
    from twin_server.projection_answers import (  # noqa: PLC0415  # kept out of `batterytwin --help`
        HALF_YEAR_DAYS,
        carrying,
        first_losses,
        replacements_by_year,
        where_a_string_helps,
    )

    origin, soh_days = projector.origin, (HALF_YEAR_DAYS,)
    answer: dict[str, Any] = {
        "batteries": len(origin.specs),
        "begin_us": origin.time_us,
        "years": projector.options.years,
        "members": projector.options.members,
        "seed": projector.options.seed,
        "scenario": [_told(part) for part in parts],
        "minutes": minutes,
        "load": load,
    }
    courses = {"baseline": projector.course(())} | ({"with_scenario": projector.course(parts)} if parts else {})
    for name, course in courses.items():
        projection = projector.project(course, soh_days)
        rows = carrying(origin, projection, minutes, load)
        answer[name] = {
            "replacements": replacements_by_year(projection),
            "first_loss_days": first_losses(origin, projection),
            "carrying": rows,
            "one_more_string": where_a_string_helps(rows)[:5],
        }
    return answer


def _told(part: "ScenarioPart") -> dict[str, Any]:
    return {
        "name": part.scenario.name,
        "version": part.scenario.version,
        "targets": list(part.targets),
        "parameters": part.scenario.values(part.parameters),
    }


def _by_minute(projector: "Projector", parts: "list[ScenarioPart]", days: int) -> dict[str, Any]:
    from twin_server.plant_days import as_rows, plant_days  # noqa: PLC0415  # kept out of `batterytwin --help`

    seed = projector.options.seed
    found = {"baseline": as_rows(plant_days(projector.origin, days, seed))}
    if parts:
        found["with_scenario"] = as_rows(plant_days(projector.origin, days, seed, projector.course(parts)))
    return found


@contextmanager
def _progress(words: str) -> Iterator[Any]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(words, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _print(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    named = [name for name in ("baseline", "with_scenario") if name in answer]
    console.print(
        f"{answer['batteries']:,} batteries, {answer['years']:g} years, {answer['members']} members, "
        f"{answer['took_s']:.0f} s"
    )
    table = Table(title="Blocks to replace by the end of the year: median (5...95 %)", title_justify="left")
    for column in ("year", *(name.replace("_", " ") for name in named)):
        table.add_column(column, justify="right")
    for year in range(len(answer[named[0]]["replacements"])):
        table.add_row(str(year + 1), *(_span(answer[name]["replacements"][year]) for name in named))
    console.print(table)
    for name in named:
        _print_carrying(console, answer, name)
    if "warmth" in answer:
        table = Table(title=f"Rooms that are warmer: replacements in {answer['years']:g} years", title_justify="left")
        for column in ("warmer", "blocks", "cost"):
            table.add_column(column, justify="right")
        for row in answer["warmth"]:
            table.add_row(f"+{row['warmer_k']} K", _span(row["replacements"]), f"{row['cost']:,.0f}")
        console.print(table)
    for name, rows in answer.get("by_minute", {}).items():
        table = Table(title=f"By the minute, {name.replace('_', ' ')}", title_justify="left")
        for column in rows[0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
        console.print(table)


def _print_carrying(console: Console, answer: dict[str, Any], name: str) -> None:
    told = answer[name]
    table = Table(
        title=f"{name.replace('_', ' ').capitalize()}: probability of {answer['minutes']:g} min at load "
        f"{answer['load']:g}, least first",
        title_justify="left",
    )
    for column in ("system", "now", "in half a year", "with one more string"):
        table.add_column(column, justify="left" if column == "system" else "right")
    for row in told["carrying"][:10]:
        percents = (f"{row[key]:.0%}" for key in ("now", "in_half_a_year", "with_one_more_string"))
        table.add_row(row["system_id"], *percents)
    console.print(table)
    helped = [row for row in told["one_more_string"] if row["gain"] > 0.0]
    if helped:
        console.print(f"One more string helps most at {helped[0]['system_id']} (+{helped[0]['gain']:.0%}).")
    firsts = ", ".join(f"{place} {_span(days)} d" for place, days in told["first_loss_days"].items())
    console.print(f"First block at its end of life: {firsts}")


def _span(values: list[float | None]) -> str:
    low, middle, high = (("later" if values[k] is None else f"{values[k]:,.0f}") for k in (0, 2, 4))
    return f"{middle} ({low}...{high})"
