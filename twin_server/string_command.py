"""`batterytwin string`: one string of a running server, its blocks side by side."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.diagnosis import measurable
from clients.strings import StringDiagnosis, StringTwin
from clients.types import Estimate
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.reach import reach


def string(
    string_id: Annotated[str, typer.Argument(help="Name of the string, for example BRK-U1-S03.")],
    *,
    load_w: Annotated[float | None, typer.Option("--load", help="Load for the autonomy, W.")] = None,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one string: its blocks against their median, the sum rule, what is wrong and how long it lasts."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        answer = client.get_string(string_id, load_w=load_w)
    if as_json:
        typer.echo(json.dumps(asdict(answer), default=str))
        return
    console = Console(highlight=False)
    for line in _heading(answer):
        console.print(line)
    console.print(_blocks(answer))
    for diagnosis in answer.diagnoses:
        for line in _diagnosis(diagnosis):
            console.print(line)
    if not answer.diagnoses:
        console.print("No fault is diagnosed.")
    console.print(_autonomy(answer))


def _heading(answer: StringTwin) -> list[str]:
    age = "never sampled whole" if answer.as_of is None else f"{answer.age_s:.0f} s ago ({answer.as_of:%H:%M:%S} UTC)"
    mode = getattr(answer.mode, "name", str(answer.mode)).lower()
    return [
        f"{answer.string_id}  ({answer.system_id}), {mode}, {age}",
        f"  current      {_known(answer.current_a, 'A', 3)}",
        f"  voltage      {_known(answer.voltage_v, 'V', 2)}, set point {answer.set_point_v:.2f} V",
        f"  sum rule     blocks {_known(answer.block_sum_v, 'V', 2)}, rest {_known(answer.sum_residual_v, 'V', 2)}",
    ]


def _blocks(answer: StringTwin) -> Table:
    table = Table()
    for column in ("block", "V", "from median", "°C", "from median", "R over median", "charge, %", "health, %"):
        table.add_column(
            column, justify="left" if column == "block" else "right", no_wrap=not column.startswith(("from", "R"))
        )
    concerned = {battery_id for diagnosis in answer.diagnoses for battery_id in diagnosis.battery_ids}
    for block in answer.blocks:
        twin = block.twin
        table.add_row(
            twin.battery_id.rsplit("-", 1)[-1],  # the heading names the string
            _known(twin.voltage_v, "", 3),
            _known(block.voltage_deviation_v, "", 3, signed=True),
            _known(twin.temperature_c, "", 1),
            _known(block.temperature_deviation_k, "", 1, signed=True),
            _known(block.resistance_ratio, "", 2),
            _percent(twin.soc),
            _percent(twin.soh_capacity),
            style="bold red" if twin.battery_id in concerned else None,
        )
    return table


def _diagnosis(diagnosis: StringDiagnosis) -> list[str]:
    fault = getattr(diagnosis.fault, "name", str(diagnosis.fault)).replace("_", " ").lower()
    source = getattr(diagnosis.source, "name", str(diagnosis.source)).lower()
    where = ", ".join(diagnosis.battery_ids) or "the whole string"
    lines = [f"{fault.capitalize()} ({source}) at {where} since {diagnosis.since_time:%Y-%m-%d %H:%M} UTC"]
    lines += [
        f"    {item.observation}: {measurable(item.value, item.unit):.4g} {item.unit}"
        f" (healthy: {measurable(item.expected, item.unit):.4g})"
        for item in diagnosis.evidence
    ]
    return lines


def _autonomy(answer: StringTwin) -> str:
    autonomy = answer.autonomy
    if autonomy is None:
        return "Autonomy is not known: an estimate of its blocks is missing."
    load = "present load" if autonomy.present_load else "load"
    minutes = [time_s / 60.0 for time_s in (autonomy.expected_s, autonomy.lower_s, autonomy.upper_s)]
    return (
        f"Autonomy at a {load} of {autonomy.load_w / 1e3:.1f} kW: {minutes[0]:.0f} min "
        f"(90 %: {minutes[1]:.0f} to {minutes[2]:.0f}); {autonomy.limiting_battery_id} ends it."
    )


def _percent(estimate: Estimate | None) -> str:
    return "?" if estimate is None else f"{100 * estimate.value:.0f} ± {100 * estimate.sigma:.0f}"


def _known(value: float | None, unit: str, digits: int, *, signed: bool = False) -> str:
    if value is None:
        return "?"
    return f"{value:{'+' if signed else ''}.{digits}f} {unit}".strip()
