"""`batterytwin models`: registers, compares and switches models of remaining life."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from clients.sync_client import TwinClient
from clients.types import LifeModel
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.reach import reach

models_app = typer.Typer(help="Register, compare and switch models of remaining life.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="Version of the model, as `models list` shows it.")]
Note = Annotated[str, typer.Option(help="Why, up to 1,000 characters.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ALLOWED_S = 120.0


@models_app.command("list")
def list_models(
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """List models, newest first, with what they are used for."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        models = _all_models(client)
    if as_json:
        for model in models:
            typer.echo(json.dumps(asdict(model), default=str))
        return
    for model in models:
        passed = sum(gate.passed for gate in model.gates)
        gates = f"{passed} of {len(model.gates)} gates"
        approved = f"approved by {model.approved_by}" if model.approved_by else "not approved"
        typer.echo(
            f"{model.version}  {_name(model.state)}, {gates}, {approved}, {model.import_time:%Y-%m-%d %H:%M} UTC"
        )


@models_app.command("show")
def show_model(
    version: Version,
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Show one model: gates, figures, who stands for it, how it compares and how true it was."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        model = client.get_model(version)
    _print(model, as_json=as_json)


@models_app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(help="Folder of the model, as `batterytwin train` writes it.")],
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Register a model as a candidate; the same files again change nothing."""
    from ml.model_archive import pack_model  # noqa: PLC0415 # kept out of `batterytwin --help`

    archive = pack_model(folder)
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        model = client.import_model(archive, deadline_s=_ALLOWED_S)
    _print(model, as_json=as_json)


@models_app.command("approve")
def approve_model(
    version: Version,
    *,
    note: Note = "",
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Stand for a model that has passed its gates."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        model = client.approve_model(version, note)
    _print(model, as_json=as_json)


@models_app.command("activate")
def activate_model(
    version: Version,
    *,
    note: Note = "",
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Make an approved model the one that is told, at once; also the way back to an earlier one."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        model = client.activate_model(version, note, deadline_s=_ALLOWED_S)
    _print(model, as_json=as_json)


@models_app.command("shadow")
def shadow_model(
    version: Annotated[str, typer.Argument(help="Version of the model; `none` = no model any more.")],
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Let a model predict beside the active one, its predictions stored apart."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        model = client.shadow_model("" if version == "none" else version, deadline_s=_ALLOWED_S)
    if model is None:
        typer.echo("No model predicts beside the active one any more.")
        return
    _print(model, as_json=as_json)


def _all_models(client: TwinClient) -> list[LifeModel]:
    page = client.list_models(page_size=100)
    found = list(page)
    while page.next_page_token:
        page = client.list_models(page_size=100, page_token=page.next_page_token)
        found += page
    return found


def _print(model: LifeModel, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(model), default=str))
        return
    lines = [
        f"{model.version}  {_name(model.state)}, {model.byte_count / 1024:,.0f} KiB, inputs {model.inputs_layout}",
        f"  registered   {model.import_time:%Y-%m-%d %H:%M} UTC by {model.imported_by}",
        f"  trained on   {model.data_range or 'not said'}",
    ]
    if model.approve_time is not None:
        note = f": {model.approve_note}" if model.approve_note else ""
        lines.append(f"  approved     {model.approve_time:%Y-%m-%d %H:%M} UTC by {model.approved_by}{note}")
    if model.activate_time is not None:
        lines.append(f"  activated    {model.activate_time:%Y-%m-%d %H:%M} UTC by {model.activated_by}")
    for gate in model.gates:
        verdict = "passed" if gate.passed else "FAILED"
        lines.append(f"  gate         {gate.name}: {gate.value:.4g} (limit {gate.limit}), {verdict}")
    lines += [f"  figure       {name}: {value:.4g}" for name, value in model.metrics.items()]
    if model.comparison is not None:
        c = model.comparison
        lines.append(
            f"  beside {c.active_version}: {c.pair_count} pairs, median ratio {math.exp(c.median_log_ratio):.2f}, "
            f"{100 * c.differing_share:.0f} % differ by more than 30 %"
        )
    if model.drift is not None:
        d = model.drift
        lines.append(
            f"  drift        {100 * d.error:.0f} % off over {d.pair_count} pairs (limit {100 * d.limit:.0f} %)"
        )
    lines += [f"  obstacle     {obstacle}" for obstacle in model.obstacles]
    for line in lines:
        typer.echo(line)


def _name(value: object) -> str:
    return str(getattr(value, "name", value)).replace("_", " ").lower()
