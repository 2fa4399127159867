"""`batterytwin replay`: recorded measurements to a running server."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.errors import InvalidArgumentError
from clients.channel import Tls
from clients.sync_client import TwinClient
from twin_server.reach import own_target, reach

if TYPE_CHECKING:
    from clients.replay import ReplayProgress

_SHOWN_REFUSALS = 5


def replay(
    file: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet file.")],
    map_file: Annotated[Path, typer.Option("--map", help="What its columns mean, as TOML; see docs/replay.md.")],
    *,
    battery: Annotated[str, typer.Option(help="Battery of the map that the file belongs to. [the first]")] = "",
    start: Annotated[datetime | None, typer.Option(help="UTC time of second 0, instead of the map's.")] = None,
    speed: Annotated[
        float | None, typer.Option(min=1e-6, help="Recorded seconds in a second. [as fast as the server takes it]")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of the server. [.batterytwin]")] = None,
    server: Annotated[str | None, typer.Option(help="HOST:PORT of another server; needs a login or a token.")] = None,
    user: Annotated[str, typer.Option(help="Log in under this name; asks for the password.")] = "",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from a pipe.")] = False,
    gateway_token: Annotated[
        str,
        typer.Option(
            envvar="BATTERYTWIN_GATEWAY_TOKEN", help="Token of the location's gateway, for a grid registered before."
        ),
    ] = "",
    buffer: Annotated[
        Path | None, typer.Option(help="File that keeps what the server has not acknowledged. [memory only]")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt the connection.")] = False,
    root_certificate: Annotated[
        Path | None, typer.Option(help="PEM file of the authority that signed the server's certificate; implies --tls.")
    ] = None,
) -> None:
    """Stream a recorded file to a twin of its own, whatever the size of the battery.

    The map names the battery (capacity, cells) and the columns. The first replay registers the battery; replaying a
    file again changes nothing. On the server's own machine no login is needed; elsewhere give --user, or an access
    token in BATTERYTWIN_ACCESS_TOKEN.
    """
    from clients.replay import replay as replay_file  # noqa: PLC0415  # pandas is kept out of `batterytwin --help`
    from clients.replay_map import load_replay_map  # noqa: PLC0415  # likewise

    replay_map = load_replay_map(map_file).starting(start)
    encryption = Tls(root_certificate) if tls or root_certificate else None
    target, access_token = _reach(data_dir, server, encryption, user, password_stdin)
    console = Console(highlight=False)
    with console.status("Reading ...") as line:
        progress = asyncio.run(
            replay_file(
                file,
                replay_map,
                target=target,
                access_token=access_token,
                gateway_token=gateway_token,
                battery_id=battery,
                speed=speed,
                tls=encryption,
                buffer=buffer,
                on_progress=lambda so_far: line.update(_describe(so_far)),
            )
        )
    _summarise(console, file, progress)


def _reach(
    data_dir: Path | None, server: str | None, tls: Tls | None, user: str, password_stdin: bool
) -> tuple[str, str]:
    """Address of the server and an access token for it."""
    if not user:
        if password_stdin:
            raise InvalidArgumentError("--password-stdin needs --user.", field="user")
        found = reach(data_dir, server, remedy="give --user, or set BATTERYTWIN_ACCESS_TOKEN")
        return found.target, found.token or ""
    target = server or own_target(data_dir)
    password = typer.get_text_stream("stdin").readline().rstrip("\n") if password_stdin else _ask_password(user)
    with TwinClient(target, tls=tls) as client:
        return target, client.login(user, password).access_token


def _ask_password(user: str) -> str:
    return str(typer.prompt(f"Password of {user}", hide_input=True, err=True))


def _describe(progress: "ReplayProgress") -> str:
    gateway = progress.gateway
    time = f"{progress.last_sample_time:%Y-%m-%d %H:%M} UTC" if progress.last_sample_time else "the first row"
    return f"{progress.battery_id}: {gateway.sent_rows:,} rows sent, {gateway.accepted:,} stored, at {time}"


def _summarise(console: Console, file: Path, progress: "ReplayProgress") -> None:
    rows, gateway = progress.rows, progress.gateway
    console.print(f"{file.name} to {progress.battery_id}")
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in _counts(progress):
        table.add_row(name, f"{count:,}")
    console.print(table)
    if progress.first_sample_time and progress.last_sample_time:
        console.print(f"{progress.first_sample_time:%Y-%m-%d %H:%M} to {progress.last_sample_time:%Y-%m-%d %H:%M} UTC")
    for row in gateway.rejected_rows[:_SHOWN_REFUSALS]:
        console.print(f"refused: {row.field} = {row.value} [{row.reason}] {row.remedy}", markup=False)
    if rows.read and not gateway.sent_rows:
        console.print("Nothing was sent: no row has a voltage (or another value that is not held). Check the map.")
    console.print(f"See it with: batterytwin twin {progress.battery_id}")


def _counts(progress: "ReplayProgress") -> Iterable[tuple[str, int]]:
    rows, gateway = progress.rows, progress.gateway
    yield "rows read", rows.read
    for name, count in (("left out by the filter", rows.filtered), ("merged", rows.merged), ("empty", rows.empty)):
        if count:
            yield name, count
    yield "sent", gateway.sent_rows
    yield "stored and applied", gateway.accepted - gateway.suspect
    yield "stored as suspect", gateway.suspect
    yield "duplicate", gateway.duplicate
    yield "conflict", gateway.conflict
    yield "late", gateway.late
    yield "too late", gateway.too_late
    yield "refused", gateway.rejected
