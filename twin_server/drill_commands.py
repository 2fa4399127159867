"""`batterytwin scenario start` and its kin: drills of a running server."""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.errors import InvalidArgumentError
from clients.types import Drill, DrillReport, ScenarioPart
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.history_options import read_time
from twin_server.reach import reach
from twin_server.scenario_play import read_parameters

Name = Annotated[str, typer.Argument(help="Name of a scenario, or a file of one (TOML, YAML or JSON).")]
DrillId = Annotated[str, typer.Argument(metavar="DRILL", help="Name of the drill, as `scenario running` shows it.")]
Targets = Annotated[
    list[str] | None, typer.Option("--target", help="Location, string or battery aimed at; may be repeated. [all]")
]
Chosen = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_HOUR_S = 3_600.0
_FILES = (".toml", ".yaml", ".yml", ".json")


def start(
    name: Name,
    *,
    target: Targets = None,
    chosen: Chosen = None,
    only: Annotated[
        list[str] | None, typer.Option(help="What to copy; may be repeated. [the locations of the targets]")
    ] = None,
    after: Annotated[float, typer.Option(min=0.0, help="Minutes of the drill's time before it begins.")] = 0.0,
    hours: Annotated[float, typer.Option(min=0.0, help="End after so many hours of its time; 0 = do not.")] = 0.0,
    at: Annotated[str, typer.Option(help="Begin from the twins as they were then. [now]")] = "",
    speed: Annotated[float, typer.Option(min=1.0, max=3_600.0, help="Times real time.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Chooses what the twins do not know.")] = 1,
    title: Annotated[str, typer.Option(help="For people. [that of the scenario]")] = "",
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Start a drill: copies of the twins live on with a scenario, for everybody to see. Nothing real is touched."""
    part = replace(_part(name), targets=tuple(target or ()), parameters=read_parameters(chosen or []))
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        drill = client.start_scenario(
            [replace(part, start_s=60.0 * after)],
            names=only or (),
            at_time=read_time(at, "--at") if at else None,
            speed=speed,
            seed=seed,
            title=title,
            duration_h=hours or None,
        )
    _print([drill], as_json=as_json)


def update(
    drill_id: DrillId,
    *,
    name: Annotated[str, typer.Option("--play", help="Another scenario, or the same anew, from now on.")] = "",
    target: Targets = None,
    chosen: Chosen = None,
    speed: Annotated[float | None, typer.Option(min=1.0, max=3_600.0, help="New pace, times real time.")] = None,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Change what happens in a drill, or its pace, from now on; a parameter in every scenario that has it."""
    parameters = read_parameters(chosen or [])
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        drill = client.get_scenario(drill_id).drill
        parts: Iterable[ScenarioPart] = ()
        if name:
            begin, now = drill.begin_time, drill.now_time
            passed_s = 0.0 if begin is None or now is None else (now - begin).total_seconds()
            part = replace(_part(name), targets=tuple(target or ()), parameters=parameters)
            parts = [replace(part, start_s=passed_s)]
        elif target or parameters:
            parts = _changed(drill, tuple(target or ()), parameters)
        drill = client.update_scenario(drill_id, parts, speed=speed, revision=drill.revision)
    _print([drill], as_json=as_json)


def stop(
    drill_id: DrillId,
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Stop a drill; nothing of it is left but its report."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        drill = client.stop_scenario(drill_id)
    _print([drill], as_json=as_json)


def get(
    drill_id: DrillId,
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Tell how a drill goes or went: what people did, which alerts it raised and who acknowledged them."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        report = client.get_scenario(drill_id)
    if as_json:
        typer.echo(json.dumps(asdict(report), default=str))
        return
    _print([report.drill], as_json=False)
    for line in _lines(report):
        typer.echo(line)


def running(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also the newest of those that have ended.")] = False,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """List the drills that live, newest first."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        drills = client.list_scenarios(only_active=not everything)
    _print(drills, as_json=as_json)


def watch(
    drill_id: Annotated[str, typer.Argument(metavar="[DRILL]", help="Only this drill. [all]")] = "",
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Follow drills until Ctrl-C, or until the one that is followed has ended."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        for drills in client.watch_scenarios(drill_id):
            for drill in drills:
                typer.echo(json.dumps(asdict(drill), default=str) if as_json else _line(drill))
                if drill_id and not drill.is_active:
                    return


def _part(name: str) -> ScenarioPart:
    path = Path(name)
    if path.suffix not in _FILES:
        return ScenarioPart(scenario_name=name)
    try:
        return ScenarioPart(definition=path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error}", field="scenario", value=path) from error


def _changed(drill: Drill, targets: tuple[str, ...], parameters: dict[str, float]) -> list[ScenarioPart]:
    known = {name for part in drill.parts for name in part.parameters}
    for name in parameters:
        if name not in known:
            raise InvalidArgumentError(
                f"No scenario of this drill has a parameter {name}; there are {', '.join(sorted(known)) or 'none'}.",
                field="set",
                value=name,
            )
    return [
        replace(
            part,
            targets=targets or part.targets,
            parameters={name: parameters.get(name, value) for name, value in part.parameters.items()},
        )
        for part in drill.parts
    ]


def _print(drills: Iterable[Drill], *, as_json: bool) -> None:
    found = list(drills)
    if as_json:
        for drill in found:
            typer.echo(json.dumps(asdict(drill), default=str))
        return
    table = Table(title=f"{len(found)} drills" if len(found) != 1 else None, title_justify="left")
    for column in ("drill", "state", "what happens", "where", "its time (UTC)", "pace", "alerts"):
        table.add_column(column)
    for drill in found:
        table.add_row(
            drill.drill_id, _state(drill), drill.title, _where(drill), _time(drill), _pace(drill), _alerts(drill)
        )
    Console(highlight=False).print(table)


def _line(drill: Drill) -> str:
    alerts = f"{drill.active_alert_count} alerts stand"
    return (
        f"{drill.drill_id}  {_state(drill)}  {_time(drill)}  {_pace(drill)}  {drill.reading_count:,} readings, {alerts}"
    )


def _lines(report: DrillReport) -> Iterable[str]:
    begin = report.drill.begin_time
    for change in report.changes:
        yield f"{change.change_time:%Y-%m-%d %H:%M:%S}  {change.changed_by or 'by itself':<12}  {change.words}"
    for alert in report.alerts:
        hours = 0.0 if begin is None else (alert.raise_time - begin).total_seconds() / _HOUR_S
        where = alert.battery_id or alert.string_id or alert.location_id
        seen = f"; acknowledged by {alert.acknowledged_by}" if alert.acknowledged_by else ""
        yield f"{hours:7.2f} h  {where:<22}  {alert.message}{seen}"
    if report.alert_count > len(report.alerts):
        yield f"and {report.alert_count - len(report.alerts):,} alerts more"
    yield from report.extremes


def _state(drill: Drill) -> str:
    name = str(getattr(drill.state, "name", drill.state)).lower()
    return f"{name}: {drill.reason}" if drill.reason else name


def _where(drill: Drill) -> str:
    targets = dict.fromkeys(target for part in drill.parts for target in part.targets)
    return ", ".join(targets or drill.location_ids)


def _time(drill: Drill) -> str:
    return "not yet" if drill.now_time is None else f"{drill.now_time:%Y-%m-%d %H:%M:%S}"


def _pace(drill: Drill) -> str:
    slower = drill.is_active and drill.achieved_speed < 0.9 * drill.speed and drill.achieved_speed > 0.0
    return f"{drill.speed:g}" + (f" (now {drill.achieved_speed:.0f})" if slower else "")


def _alerts(drill: Drill) -> str:
    return str(drill.active_alert_count) if drill.is_active else ""
