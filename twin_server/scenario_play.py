"""`batterytwin scenario play`: a drill in this terminal, as fast as the machine goes, on copies of the twins."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from batterytwin.errors import InvalidArgumentError
from twin_server.history_options import read_time
from twin_server.scenario_commands import read_scenario

if TYPE_CHECKING:
    from actors.branch import BranchNews

DataDir = Annotated[Path | None, typer.Option(help="Data directory of a server, which may run. [.batterytwin]")]
Unmeasured = Annotated[bool, typer.Option("--unmeasured", help="A fleet of which nothing has been measured.")]
FleetFile = Annotated[Path | None, typer.Option(help="Inventory of that fleet (TOML). [the fleet of 1,944]")]
At = Annotated[str, typer.Option(help="Begin from the twins as they were then. [now]")]

_TOLD_EVERY_US: Final = 600_000_000


def play(
    name: Annotated[str, typer.Argument(help="Name of a scenario, or a file of one (TOML or YAML).")],
    *,
    target: Annotated[
        list[str] | None, typer.Option(help="Location, string or battery that it is aimed at; may be repeated. [all]")
    ] = None,
    chosen: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")] = None,
    hours: Annotated[float, typer.Option(min=0.02, help="How long to play.")] = 24.0,
    after: Annotated[float, typer.Option(min=0.0, help="Minutes before it begins.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Chooses what the twins do not know.")] = 1,
    at: At = "",
    data_dir: DataDir = None,
    unmeasured: Unmeasured = False,
    fleet_file: FleetFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Play a scenario on copies of the twins, and tell which alerts and faults it raises. Nothing real is touched."""
    from simulator.scenario_course import ScenarioPart  # noqa: PLC0415  # kept out of `batterytwin --help`
    from twin_server.branch_origin import OriginChoice, read_origin  # noqa: PLC0415  # likewise

    scenario, parameters = read_scenario(name), read_parameters(chosen or [])
    part = ScenarioPart(scenario, tuple(target or ()), parameters, 60.0 * after)
    scenario.values(parameters)  # a wrong one is told before twins are copied
    locations = sorted({one.split("-", 1)[0] for one in target or ()})
    origin = read_origin(
        OriginChoice(locations, data_dir, unmeasured, fleet_file, read_time(at, "--at") if at else None)
    )
    branch, _ = origin.branch([part], seed)
    if not as_json:
        typer.echo(f"{len(origin.specs):,} twins as of {_time(origin.time_us)}; {scenario.title}")
    end_us = origin.time_us + round(hours * 3_600e6)
    readings = 0
    while branch.now_us + 60_000_000 <= end_us:
        news = branch.advance(min(branch.now_us + _TOLD_EVERY_US, end_us))
        readings += news.reading_count
        for event in _events(news, origin.time_us):
            typer.echo(json.dumps(event) if as_json else _line(event))
    faults = _standing(branch.diagnoses())
    if as_json:
        typer.echo(json.dumps({"readings": readings, "standing": faults}))
    else:
        typer.echo(f"{readings:,} readings in {hours:g} h; " + ("; ".join(faults) or "no fault stands"))


def read_parameters(chosen: list[str]) -> dict[str, float]:
    """Parameters from words like `duration_h=2`.

    Raises:
        InvalidArgumentError: one of them is not of that form.
    """
    found = {}
    for word in chosen:
        name, _, value = word.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InvalidArgumentError(
                f"{word} is no parameter; write for example --set duration_h=2.", field="set", value=word
            ) from None
    return found


def _events(news: "BranchNews", begin_us: int) -> list[dict[str, Any]]:
    events = [
        {
            "hours": (alert.sample_time_us - begin_us) / 3.6e9,
            "what": f"{alert.severity.name.lower()} {alert.change.name.lower()}",
            "where": alert.alert_id.split("/", 1)[0],
            "words": alert.message,
        }
        for alert in news.alerts
    ]
    events += [
        {
            "hours": (finding.time_us - begin_us) / 3.6e9,
            "what": "fault raised" if finding.raised else "fault cleared",
            "where": finding.string_id + (f" block {finding.position + 1}" if finding.position >= 0 else ""),
            "words": finding.fault.name.replace("_", " ").lower(),
        }
        for finding in news.findings
    ]
    return sorted(events, key=lambda event: event["hours"])


def _line(event: dict[str, Any]) -> str:
    return f"{event['hours']:7.2f} h  {event['what']:<18}  {event['where']:<22}  {event['words']}"


def _standing(diagnoses: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {', '.join(one.fault.name.replace('_', ' ').lower() for one in found)}"
        for name, found in diagnoses.items()
    ]


def _time(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
