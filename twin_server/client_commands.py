"""`batterytwin status`, `twin` and `alerts`: questions to a running server."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.alerts import ACTIVE_STATES, AlertState
from batterytwin.errors import InvalidArgumentError
from clients.sync_client import TwinClient
from clients.types import Alert, Estimate, Twin
from twin_server.history_options import read_time
from twin_server.reach import reach

DataDir = Annotated[Path | None, typer.Option(help="Data directory of the server. [.batterytwin]")]
Server = Annotated[str | None, typer.Option(help="HOST:PORT of another server; needs BATTERYTWIN_ACCESS_TOKEN.")]

UseTls = Annotated[bool, typer.Option("--tls", help="The server speaks TLS.")]
RootCertificate = Annotated[Path | None, typer.Option(help="PEM authority of its certificate; implies --tls.")]


def status(
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell how many twins live and whether the server is ready. Needs no login on the server's own machine."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate, anonymous=True).client() as client:
        answer = client.get_status()
    if as_json:
        typer.echo(json.dumps(asdict(answer)))
        return
    ready = "ready" if answer.ready else "not ready: " + "; ".join(answer.not_ready_reasons)
    age = "never" if answer.oldest_age_s < 0 else f"{answer.oldest_age_s:.0f} s"
    typer.echo(f"batterytwin {answer.version}: {ready}")
    typer.echo(f"  twins live         {answer.twins_live:,} of {answer.twins_total:,} (oldest sample: {age})")
    typer.echo(f"  readings accepted  {answer.readings_accepted:,} since the first start")
    typer.echo(f"  alerts active      {answer.alerts_active}")
    typer.echo(f"  shards             {answer.shards_ready} of {answer.shards_total}")
    if answer.damaged_snapshots:
        typer.echo(f"  snapshots damaged  {answer.damaged_snapshots} (older ones were used; check the disk)")
    typer.echo(f"  model of life      {answer.life_model_version or 'none'}")
    if answer.life_degraded_reason:
        typer.echo(f"  lives degraded     {answer.life_degraded_reason}")
    for job in answer.failing_jobs:
        typer.echo(f"  failing work       {job}")


def twin(
    battery_id: Annotated[str, typer.Argument(help="Slot name, for example BRK-U1-S03-B07.")],
    *,
    at: Annotated[str, typer.Option(help="As it was then, UTC unless a zone is given. [now]")] = "",
    known_at: Annotated[str, typer.Option(help="With --at: as it was known then. [now]")] = "",
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the twin of one battery, now or as it was: what was measured, what is estimated, how sure that is."""
    if known_at and not at:
        raise InvalidArgumentError(
            "--known-at says what was known of the instant that --at names; give both.", field="--known-at"
        )
    past = None
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        if at:
            known = read_time(known_at, "--known-at") if known_at else None
            past = client.get_twin_at(battery_id, read_time(at, "--at"), known_time=known, deadline_s=60.0)
        answer = client.get_twin(battery_id) if past is None else past.twin
    if as_json:
        typer.echo(json.dumps(asdict(answer if past is None else past), default=str))
        return
    if past is not None:
        source = _name(past.source)
        typer.echo(f"{source} by {answer.model_version}, {past.replayed_row_count} readings, revision {past.revision}")
    table = Table(title=f"{answer.battery_id}  ({answer.model}, {answer.rated_capacity_ah:g} Ah)", title_justify="left")
    for column in ("quantity", "value", "± sigma"):
        table.add_column(column, justify="left" if column == "quantity" else "right")
    for name, value, sigma in _rows(answer):
        table.add_row(name, value, sigma)
    Console(highlight=False).print(table)


def alerts(
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    location: Annotated[str, typer.Option(help="Only this location.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that have cleared or are closed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List alerts, newest first."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        found = _all_alerts(client, location, () if everything else ACTIVE_STATES)
    if as_json:
        for alert in found:
            typer.echo(json.dumps(asdict(alert), default=str))
        return
    table = Table(title=f"{len(found)} alerts", title_justify="left")
    for column in ("raised (UTC)", "severity", "state", "where", "what"):
        table.add_column(column)
    for alert in found:
        where = alert.battery_id or alert.string_id or alert.location_id
        table.add_row(
            f"{alert.raise_time:%Y-%m-%d %H:%M}", _name(alert.severity), _name(alert.state), where, alert.message
        )
    Console(highlight=False).print(table)


def _all_alerts(client: TwinClient, location_id: str, states: Iterable[AlertState]) -> list[Alert]:
    page = client.list_alerts(location_id, states=states, page_size=1_000)
    found = list(page)
    while page.next_page_token:
        page = client.list_alerts(location_id, states=states, page_size=1_000, page_token=page.next_page_token)
        found += page
    return found


def _rows(answer: Twin) -> list[tuple[str, str, str]]:
    def measured(value: float | None, unit: str, digits: int) -> str:
        return "not measured" if value is None else f"{value:.{digits}f} {unit}"

    def estimated(name: str, estimate: Estimate | None, scale: float, unit: str, digits: int) -> tuple[str, str, str]:
        if estimate is None:
            return name, "unknown", ""
        return name, f"{estimate.value * scale:.{digits}f} {unit}", f"{estimate.sigma * scale:.{digits}f} {unit}"

    age = "never" if answer.as_of is None else f"{answer.age_s:.0f} s ago ({answer.as_of:%Y-%m-%d %H:%M:%S} UTC)"
    return [
        ("quality", _name(answer.quality), ""),
        ("sampled", age, ""),
        ("regime", _name(answer.regime), ""),
        ("voltage", measured(answer.voltage_v, "V", 3), ""),
        ("current (> 0 charges)", measured(answer.current_a, "A", 3), ""),
        ("temperature", measured(answer.temperature_c, "°C", 1), ""),
        ("instrument resistance", measured(answer.internal_resistance_mohm, "mΩ", 2), ""),
        estimated("state of charge", answer.soc, 100, "%", 1),
        estimated("health by capacity", answer.soh_capacity, 100, "%", 1),
        estimated("resistance over baseline", answer.soh_resistance, 100, "%", 1),
        estimated("series resistance r0", answer.r0_ohm, 1e3, "mΩ", 2),
        estimated("innovation (sigma: expected)", answer.innovation_v, 1e3, "mV", 1),
        *(
            estimated(f"health by {_name(evidence.kind)}", evidence.soh_capacity, 100, "%", 1)
            for evidence in answer.health_evidence
        ),
        ("active alerts", str(answer.active_alert_count), ""),
    ]


def _name(value: object) -> str:
    return str(getattr(value, "name", value)).replace("_", " ").lower()
