"""`batterytwin event`: takes down what happened, and lists it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.errors import InvalidArgumentError
from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from clients.types import Event
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.reach import reach

event_app = typer.Typer(
    help="Events: maintenance, inspections, outages, tests, replacements, work on sensors.",
    no_args_is_help=True,
)

_KINDS = ", ".join(kind.name.lower() for kind in EventKind)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Battery = Annotated[str, typer.Option(help="Slot name of the battery, for example BRK-U1-S03-B07.")]
String = Annotated[str, typer.Option(help="String, for example BRK-U1-S03.")]
Location = Annotated[str, typer.Option(help="Location, for example BRK.")]


@event_app.command("record")
def record(
    kind: Annotated[str, typer.Argument(help=f"One of {_KINDS}.")],
    *,
    start: Annotated[str, typer.Option(help="When it began: 2026-11-21T08:00, UTC unless a zone is given. [now]")] = "",
    end: Annotated[str, typer.Option(help="When it ended. [at once, or it lasts]")] = "",
    battery: Battery = "",
    string: String = "",
    location: Location = "",
    note: Annotated[str, typer.Option(help="What there is to say, up to 2,000 characters.")] = "",
    discharged_ah: Annotated[float | None, typer.Option(help="Capacity test: charge taken out, Ah.")] = None,
    current_a: Annotated[float | None, typer.Option(help="Capacity test: mean current, A, without a sign.")] = None,
    temperature_c: Annotated[float | None, typer.Option(help="Capacity test: temperature of the block, degC.")] = None,
    end_voltage_v: Annotated[
        float | None, typer.Option(help="Capacity test: voltage of the block at its end, V.")
    ] = None,
    new_serial: Annotated[str, typer.Option(help="Replacement: serial number of the block that came.")] = "",
    old_serial: Annotated[
        str, typer.Option(help="Replacement: that of the block that went, to be sure of the slot.")
    ] = "",
    reason: Annotated[
        str, typer.Option(help="Replacement: why it went, end_of_life or other. [its health decides]")
    ] = "",
    discharge_positive: Annotated[
        bool | None,
        typer.Option(
            "--discharge-positive/--charge-positive", help="Current sensor: what the gateway counts as positive."
        ),
    ] = None,
    offset_a: Annotated[float | None, typer.Option(help="Current sensor: what it reads without current, A.")] = None,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Take down what happened. A capacity test is evidence of health at once; a replacement begins the twin anew."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        event = client.record_event(
            _kind(kind),
            _time(start, "--start") or datetime.now(UTC),
            location_id=location,
            string_id=string,
            battery_id=battery,
            end_time=_time(end, "--end"),
            note=note,
            capacity_test=_test(discharged_ah, current_a, temperature_c, end_voltage_v),
            replacement=_replacement(new_serial, old_serial, reason),
            current_sensor=None if discharge_positive is None else CurrentSensor(discharge_positive, offset_a),
        )
        twin = client.get_twin(event.battery_id) if event.capacity_test is not None else None
    if as_json:
        typer.echo(json.dumps(asdict(event), default=str))
        return
    typer.echo(f"recorded {_words(event.kind)} of {_where(event)} as {event.event_id}")
    if twin is not None and twin.soh_capacity is not None:
        soh = twin.soh_capacity
        typer.echo(f"health of {twin.battery_id} by capacity: {soh.value:.1%} ± {soh.sigma:.1%}")


@event_app.command("list")
def list_events(
    *,
    battery: Battery = "",
    string: String = "",
    location: Location = "",
    kind: Annotated[list[str] | None, typer.Option(help=f"Only this kind ({_KINDS}); may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="Only events that end after this time.")] = "",
    until: Annotated[str, typer.Option(help="Only events that begin before this time.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    events: list[Event] = []
    token = ""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        while len(events) < limit:
            page = client.list_events(
                location,
                string,
                battery,
                kinds=[_kind(name) for name in kind or ()],
                start_time=_time(since, "--since"),
                end_time=_time(until, "--until"),
                page_size=min(limit, 1_000),
                page_token=token,
            )
            events += page
            token = page.next_page_token
            if not token:
                break
    del events[limit:]
    if as_json:
        for event in events:
            typer.echo(json.dumps(asdict(event), default=str))
        return
    _print(events)


def _print(events: list[Event]) -> None:
    table = Table(title=f"{len(events)} events", title_justify="left")
    for column in ("began (UTC)", "ended (UTC)", "what", "where", "by", "note"):
        # A narrow terminal may fold words, but never leaves out a part of a name.
        table.add_column(column, overflow="fold")
    for event in events:
        ended = "" if event.end_time is None else f"{event.end_time:%Y-%m-%d %H:%M}"
        table.add_row(
            f"{event.start_time:%Y-%m-%d %H:%M}",
            ended,
            _words(event.kind),
            _where(event),
            event.recorded_by,
            f"{_result(event)} {event.note}".strip(),
        )
    Console(highlight=False).print(table)


def _result(event: Event) -> str:
    if event.capacity_test is not None:
        return f"{event.capacity_test.discharged_ah:g} Ah at {event.capacity_test.current_a:g} A."
    if event.replacement is not None:
        why = _words(event.replacement.reason) if event.replacement.reason else ""
        return f"{event.replacement.old_serial} went{f' ({why})' if why else ''}, {event.replacement.new_serial} came."
    if event.current_sensor is not None:
        return f"{'Discharge' if event.current_sensor.discharge_positive else 'Charge'} is positive."
    return ""


def _kind(name: str) -> EventKind:
    try:
        return EventKind[name.strip().upper().replace("-", "_").replace(" ", "_")]
    except KeyError:
        raise InvalidArgumentError(f"There is no kind of event {name}; give one of {_KINDS}.", field="kind") from None


def _time(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgumentError(
            f"{option} {text} is no time; write it like 2026-11-21T08:00 or 2026-11-21T15:00+07:00.", field=option
        ) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _test(
    discharged_ah: float | None, current_a: float | None, temperature_c: float | None, end_voltage_v: float | None
) -> CapacityTest | None:
    if discharged_ah is None and current_a is None and temperature_c is None and end_voltage_v is None:
        return None
    if discharged_ah is None or current_a is None or temperature_c is None or end_voltage_v is None:
        raise InvalidArgumentError(
            "A capacity test needs --discharged-ah, --current-a, --temperature-c and --end-voltage-v.",
            field="capacity_test",
        )
    return CapacityTest(discharged_ah, current_a, temperature_c, end_voltage_v)


def _replacement(new_serial: str, old_serial: str, reason: str) -> Replacement | None:
    if not (new_serial or old_serial or reason):
        return None
    try:
        why = ReplacementReason[(reason or "unspecified").strip().upper().replace("-", "_").replace(" ", "_")]
    except KeyError:
        raise InvalidArgumentError(
            f"There is no reason {reason} of a replacement; give end_of_life or other.", field="reason", value=reason
        ) from None
    return Replacement(new_serial, old_serial, why)


def _where(event: Event) -> str:
    return event.battery_id or event.string_id or event.location_id


def _words(kind: EventKind | ReplacementReason | int) -> str:
    return kind.name.replace("_", " ").lower() if isinstance(kind, IntEnum) else str(kind)
