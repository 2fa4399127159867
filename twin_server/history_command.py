"""`batterytwin history`: the past of one battery as a table."""

import json
import math
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.units import UNIT_OF_COLUMN
from clients.types import Alert, Event, History, Metric
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.history_options import From, Metrics, To, read_bucket, read_metrics, read_times
from twin_server.reach import reach

_SHOWN: Final = (Metric.VOLTAGE_V, Metric.CURRENT_A, Metric.TEMPERATURE_C, Metric.SOC, Metric.SOH_CAPACITY)
"""What a table shows unless something else is asked for: what fits into 80 columns."""

_MOST_ROWS: Final = 48
_DIGITS: Final = {"V": 3, "A": 3, "degC": 1, "mOhm": 2, "Ohm": 5, "1": 4}


def history(
    battery_id: Annotated[str, typer.Argument(help="Slot name, for example BRK-U1-S03-B07.")],
    *,
    start: From = "",
    end: To = "",
    metric: Metrics = None,
    bucket: Annotated[
        str, typer.Option(help="auto, raw, or a length like 15m, 1h, 1d. A table takes lengths that fill it. [auto]")
    ] = "auto",
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with columns.")] = False,
) -> None:
    """Show the past of one battery, and what happened meanwhile."""
    first, last = read_times(start, end)
    automatic = bucket == "auto"
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        answer = client.query_history(
            battery_id,
            first,
            last,
            metrics=read_metrics(metric) or (() if as_json else _SHOWN),
            bucket="auto" if automatic else read_bucket(bucket),
            max_points=_MOST_ROWS if automatic and not as_json else 0,
            with_events=True,
            deadline_s=60.0,
        )
    if as_json:
        typer.echo(json.dumps(_columns(battery_id, answer), default=str))
        return
    rows = "raw rows" if answer.bucket is None else f"means of {_length(answer.bucket)}"
    console = Console(highlight=False)
    console.print(f"{battery_id}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} (UTC), {rows}")
    if not len(answer):
        console.print("Nothing was stored in this time.")
    else:
        console.print(_table(answer))
    for line in _marks(answer):
        console.print(line)


def _table(answer: History) -> Table:
    table = Table()
    table.add_column("time (UTC)", no_wrap=True)
    unit_of_time = "s" if answer.bucket is None or answer.bucket < timedelta(minutes=1) else "m"
    columns = []
    for metric, series in answer.series.items():
        name = getattr(metric, "name", str(metric)).lower()
        unit = UNIT_OF_COLUMN.get(name, "1")
        table.add_column(f"{_words(name)}\n{'' if unit == '1' else unit}".strip(), justify="right", overflow="fold")
        columns.append((series.values.tolist(), _DIGITS[unit]))
    table.add_column("")
    for n, time in enumerate(answer.times()):
        cells = ["" if math.isnan(values[n]) else f"{values[n]:.{digits}f}" for values, digits in columns]
        shown = str(time.astype(f"datetime64[{unit_of_time}]")).replace("T", " ")
        table.add_row(shown, *cells, "!" if answer.suspects[n] else "")
    if answer.suspects.any():
        table.caption = "! = implausible, not applied to the twin"
        table.caption_justify = "left"
    return table


def _marks(answer: History) -> list[str]:
    lines = [(event.start_time, _event(event)) for event in answer.events]
    lines += [(alert.raise_time, _alert(alert)) for alert in answer.alerts]
    shown = [line for _, line in sorted(lines, key=lambda line: line[0])]
    return [*shown, "... and older ones"] if answer.more_events else shown


def _event(event: Event) -> str:
    until = "" if event.end_time is None else f" to {event.end_time:%m-%d %H:%M}"
    note = f": {event.note}" if event.note else ""
    where = event.battery_id or event.string_id or event.location_id
    return f"{event.start_time:%Y-%m-%d %H:%M}{until}  {_name(event.kind)} of {where}{note}"


def _alert(alert: Alert) -> str:
    until = "" if alert.clear_time is None else f" to {alert.clear_time:%m-%d %H:%M}"
    where = alert.battery_id or alert.string_id or alert.location_id
    return f"{alert.raise_time:%Y-%m-%d %H:%M}{until}  alert ({_name(alert.severity)}) of {where}: {alert.message}"


def _columns(battery_id: str, answer: History) -> dict[str, Any]:
    def known(values: list[float]) -> list[float | None]:
        return [None if math.isnan(value) else value for value in values]

    columns: dict[str, Any] = {}
    for metric, series in answer.series.items():
        name = getattr(metric, "name", str(metric)).lower()
        columns[name] = known(series.values.tolist())
        if series.min_values is not None and series.max_values is not None:
            columns[f"{name}_min"] = known(series.min_values.tolist())
            columns[f"{name}_max"] = known(series.max_values.tolist())
    return {
        "battery_id": battery_id,
        "bucket_s": None if answer.bucket is None else answer.bucket.total_seconds(),
        "time": [f"{time.astype('datetime64[us]')}Z" for time in answer.times()],
        **columns,
        "suspect": answer.suspects.tolist(),
        "events": [_event(event) for event in answer.events],
        "alerts": [_alert(alert) for alert in answer.alerts],
    }


def _name(value: object) -> str:
    return _words(str(getattr(value, "name", f"kind {value}")).lower())


def _words(name: str) -> str:
    for ending in ("_v", "_a", "_c", "_mohm", "_ohm"):
        name = name.removesuffix(ending)
    return name.replace("_", " ")


def _length(bucket: timedelta) -> str:
    seconds = int(bucket.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
