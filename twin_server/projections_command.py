"""`batterytwin projections`: those that a server has computed or will compute."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from batterytwin.errors import ConflictError, InvalidArgumentError, Reason
from batterytwin.scenarios import ProjectionState
from clients.projections import Projection
from twin_server.client_commands import DataDir, RootCertificate, Server, UseTls
from twin_server.projection_export import as_answer, plain, state_name, write_csv
from twin_server.projection_print import print_answer, print_comparison, print_list
from twin_server.reach import reach

projections_app = typer.Typer(help="Projections that a server keeps.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a projection, as `list` tells it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@projections_app.command("list")
def list_projections(
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a projection.")] = False,
) -> None:
    """List projections, newest first."""
    found: list[Projection] = []
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        page = client.list_projections(page_size=100)
        found += page
        while page.next_page_token:
            page = client.list_projections(page_size=100, page_token=page.next_page_token)
            found += page
    if as_json:
        for one in found:
            typer.echo(json.dumps(as_answer(one)))
    else:
        print_list(Console(highlight=False), found)


@projections_app.command("show")
def show_projection(
    name: Name,
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Show a projection: how far it has come, or what came of it."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        found = client.get_projection(name)
    if as_json:
        typer.echo(json.dumps(as_answer(found)))
        return
    typer.echo(f"{found.projection_id}: {found.request.title}, {state_name(found)} {found.reason}".rstrip())
    if found.baseline is not None:
        print_answer(Console(highlight=False), as_answer(found))
    elif found.state is ProjectionState.RUNNING:
        typer.echo(f"{found.progress:.0%} done")


@projections_app.command("cancel")
def cancel_projection(
    name: Name,
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
) -> None:
    """Cancel a projection that is not over, or delete one that is."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        before = client.get_projection(name)
        client.cancel_projection(name)
    over = before.state not in (ProjectionState.WAITING, ProjectionState.RUNNING)
    typer.echo(f"{name} {'deleted' if over else 'cancelled'}")


@projections_app.command("compare")
def compare_projections(
    names: Annotated[list[str], typer.Argument(help="Two to five projections; the others are held against the first.")],
    *,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
    as_json: AsJson = False,
) -> None:
    """Compare projections of the same batteries, member by member."""
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        found = client.compare_scenarios(names)
    if as_json:
        typer.echo(json.dumps(plain(asdict(found))))
    else:
        print_comparison(Console(highlight=False), found)


@projections_app.command("export")
def export_projection(
    name: Name,
    *,
    out: Annotated[Path | None, typer.Option(help="File: .json or .csv. [JSON on standard output]")] = None,
    data_dir: DataDir = None,
    server: Server = None,
    tls: UseTls = False,
    root_certificate: RootCertificate = None,
) -> None:
    """Write what came of a projection to a file, as JSON or CSV by its ending."""
    if out is not None and out.suffix not in {".json", ".csv"}:
        raise InvalidArgumentError(f"{out} ends neither in .json nor in .csv.", field="--out", value=out)
    with reach(data_dir, server, tls=tls, root_certificate=root_certificate).client() as client:
        found = client.get_projection(name)
    if found.state is not ProjectionState.DONE:
        raise ConflictError(
            f"{name} is {state_name(found)}; only one that is done can be exported.",
            reason=Reason.PROJECTION_STATE_FORBIDS,
        )
    if out is None:
        json.dump(as_answer(found), sys.stdout, indent=1)
        typer.echo()
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            if out.suffix == ".csv":
                write_csv(found, file)
            else:
                file.write(json.dumps(as_answer(found), indent=1) + "\n")
    except OSError as error:
        raise InvalidArgumentError(
            f"{out} cannot be written: {error.strerror}; name another file.", field="--out", value=out
        ) from error
