"""`batterytwin project`: the coming years of the fleet, as it is and with a scenario."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from batterytwin.errors import InvalidArgumentError
from clients.projections import ProjectionRequest
from twin_server.client_commands import RootCertificate, Server, UseTls
from twin_server.history_options import read_time
from twin_server.project_remote import progress_bar, project_remotely, scenario_parts
from twin_server.projection_print import print_answer
from twin_server.reach import reach
from twin_server.scenario_commands import read_scenario
from twin_server.scenario_play import At, DataDir, FleetFile, Unmeasured, check_writable, read_parameters, write_json
from twin_server.up_command import make_settings

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
    price: Annotated[
        float | None, typer.Option(min=0.0, help="Of one block with its work. [as the server plans]")
    ] = None,
    warmth: Annotated[bool, typer.Option("--warmth", help="Also what 1 to 5 K more cost.")] = False,
    by_minute: Annotated[int, typer.Option(min=0, metavar="DAYS", help="Also so many days by the minute.")] = 0,
    at: At = "",
    data_dir: DataDir = None,
    unmeasured: Unmeasured = False,
    fleet_file: FleetFile = None,
    remote: Annotated[bool, typer.Option("--remote", help="Let a running server compute, name and keep it.")] = False,
    title: Annotated[str, typer.Option(help="With --remote: what it is called. [the scenario]")] = "",
    wait: Annotated[bool, typer.Option(help="With --remote: wait until it is done.")] = True,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    out: Annotated[Path | None, typer.Option(help="Write the result there, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Project the fleet: replacements by year, who cannot carry the load, what comes first, where a string would help.

    Every quantity is told as quantiles (5, 25, 50, 75, 95 %) of an ensemble. Nothing real is touched; Ctrl-C cancels.
    """
    at_time = read_time(at, "--at") if at else None
    if remote or server is not None:
        if by_minute or unmeasured or fleet_file is not None:
            raise InvalidArgumentError(
                "A server projects its own fleet, and nothing by the minute: leave out --by-minute, --unmeasured and "
                "--fleet-file, or leave out --remote.",
                field="--remote",
            )
        request = ProjectionRequest(
            title=title or Path(scenario).stem or "as it is",
            parts=scenario_parts(scenario, target or (), chosen or ()),
            names=tuple(only or ()),
            at_time=at_time,
            years=years,
            members=members,
            seed=seed,
            carry_min=minutes,
            load=load,
            block_price=price or 0.0,
            warmth=warmth,
        )
        if out is not None:
            check_writable(out)
        with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
            _tell(project_remotely(client, request, wait=wait), out, as_json=as_json)
        return
    from simulator.scenario_course import ScenarioPart  # noqa: PLC0415  # kept out of `batterytwin --help`
    from twin_server.branch_origin import OriginChoice, read_origin  # noqa: PLC0415  # likewise
    from twin_server.projection import ProjectionOptions, Projector  # noqa: PLC0415  # likewise

    options = ProjectionOptions(years, members, seed)
    if out is not None:
        check_writable(out)  # a file that cannot be written is told before anything is computed
    parts = []
    if scenario:
        found, parameters = read_scenario(scenario), read_parameters(chosen or [])
        found.values(parameters)
        parts = [ScenarioPart(found, tuple(target or ()), parameters)]
    choice = OriginChoice(only or (), data_dir, unmeasured, fleet_file, at_time)
    begun_s = time.monotonic()
    with progress_bar("Projecting") as told:
        projector = Projector(read_origin(choice), options, told)
        answer = _answers(projector, parts, minutes, load)
        if warmth:
            from twin_server.projection_answers import cost_of_warmth  # noqa: PLC0415  # kept out of `--help`

            each = make_settings(data_dir=data_dir).replacement_prices.single_block if price is None else price
            answer["warmth"] = cost_of_warmth(projector, projector.course(parts), each)
        if by_minute:
            answer["by_minute"] = _by_minute(projector, parts, by_minute)
    answer["took_s"] = time.monotonic() - begun_s
    _tell(answer, out, as_json=as_json)


def _tell(answer: dict[str, Any], out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        write_json(out, answer)
    if as_json:
        typer.echo(json.dumps(answer))
    elif "baseline" in answer:
        print_answer(Console(highlight=False), answer)
    else:
        typer.echo(f"{answer['projection_id']} {answer['state']}; see `batterytwin projections show`")


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
