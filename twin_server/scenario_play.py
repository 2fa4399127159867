"""`batterytwin scenario play`: a drill in this terminal, as fast as the machine goes, on copies of the twins."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from batterytwin.errors import InvalidArgumentError
from twin_server.history_options import read_time
from twin_server.scenario_commands import read_scenario

if TYPE_CHECKING:
    from actors.branch import Branch, BranchNews

DataDir = Annotated[Path | None, typer.Option(help="Data directory of a server, which may run. [.batterytwin]")]
Unmeasured = Annotated[bool, typer.Option("--unmeasured", help="A fleet of which nothing has been measured.")]
FleetFile = Annotated[Path | None, typer.Option(help="Inventory of that fleet (TOML). [the fleet of 1,944]")]
At = Annotated[str, typer.Option(help="Begin from the twins as they were then. [now]")]

_MINUTE_US: Final = 60_000_000


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
    speed: Annotated[float, typer.Option(min=0.0, help="Times real time; 0 = as fast as the machine goes.")] = 0.0,
    out: Annotated[Path | None, typer.Option(help="Write a report there, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Play a scenario on copies of the twins, and tell which alerts and faults it raises. Nothing real is touched."""
    from simulator.scenario_course import ScenarioPart  # noqa: PLC0415  # kept out of `batterytwin --help`
    from twin_server.branch_origin import OriginChoice, read_origin  # noqa: PLC0415  # likewise

    scenario, parameters = read_scenario(name), read_parameters(chosen or [])
    part = ScenarioPart(scenario, tuple(target or ()), parameters, 60.0 * after)
    scenario.values(parameters)  # a wrong one is told before twins are copied
    if out is not None:
        check_writable(out)  # likewise a file that cannot be written
    at_time = read_time(at, "--at") if at else None
    origin = read_origin(OriginChoice(target or (), data_dir, unmeasured, fleet_file, at_time, whole=True))
    branch, _ = origin.branch([part], seed)
    if not as_json:
        typer.echo(f"{len(origin.specs):,} twins as of {_time(origin.time_us)}; {scenario.title}")
    report: dict[str, Any] = {
        "scenario": scenario.name,
        "version": scenario.version,
        "targets": list(part.targets),
        "parameters": scenario.values(parameters),
        "seed": seed,
        "begin_us": origin.time_us,
        "twins": len(origin.specs),
        "events": [],
    }
    readings = 0
    for news in _stretches(branch, round(hours * 60.0), speed):
        readings += news.reading_count
        for event in _events(news, origin.time_us):
            report["events"].append(event)
            typer.echo(json.dumps(event) if as_json else _line(event))
    end: dict[str, Any] = {"readings": readings, "standing": _standing(branch.diagnoses())}
    if out is not None:
        write_json(out, report | end)
    if as_json:
        typer.echo(json.dumps(end))
    else:
        typer.echo(f"{readings:,} readings in {hours:g} h; " + ("; ".join(end["standing"]) or "no fault stands"))


def _stretches(branch: "Branch", minutes: int, speed: float) -> Iterator["BranchNews"]:
    """Lives a branch on minute by minute, each when its time has come."""
    begun_s = time.monotonic()
    for minute in range(1, minutes + 1):
        if speed > 0.0:
            time.sleep(max(begun_s + 60.0 * minute / speed - time.monotonic(), 0.0))
        yield branch.advance(branch.now_us + _MINUTE_US)


def check_writable(path: Path) -> None:
    """Looks whether a result can be written, and leaves everything as it is.

    Raises:
        InvalidArgumentError: it cannot.
    """
    with _told(path):
        is_new = not path.exists()
        path.open("ab").close()
        if is_new:
            path.unlink()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a result.

    Raises:
        InvalidArgumentError: the file cannot be written.
    """
    with _told(path):
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidArgumentError(
            f"{path} cannot be written: {error.strerror}; name another file.", field="out", value=path
        ) from error


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
