"""`batterytwin user` and `batterytwin token`: who may log in, and which gateways may feed."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from batterytwin.access import Role
from batterytwin.errors import InvalidArgumentError
from storage.access_records import GatewayTokenRecord
from storage.server_store import ServerStore
from twin_server import access_admin
from twin_server.store_access import open_server_store

user_app = typer.Typer(help="Users: who may log in, and what they may do.", no_args_is_help=True)
token_app = typer.Typer(help="Gateway tokens: which gateways may feed which location.", no_args_is_help=True)

DataDir = Annotated[Path | None, typer.Option(help="Data directory of the server. [.batterytwin]")]
Name = Annotated[str, typer.Argument(help="User name, in any case of letters.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input. [one is made up and printed]")
]

_Answer = TypeVar("_Answer")


@user_app.command("add")
def add_user(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer reads, engineer also handles alerts, admin does everything.")],
    location: Annotated[list[str] | None, typer.Option(help="Assigned location; may be repeated. [all]")] = None,
    password_stdin: PasswordStdin = False,
    data_dir: DataDir = None,
) -> None:
    """Add a user."""
    password, known_role = _read_password(password_stdin), _role(role)

    async def add(store: ServerStore) -> str | None:
        return await access_admin.add_user(store, name, known_role, location or [], password=password)

    _tell_password(name, "added", _run(data_dir, add))


@user_app.command("list")
def list_users(data_dir: DataDir = None) -> None:
    """List users."""
    table = _table("name", "role", "locations", "state")
    for user in _run(data_dir, ServerStore.list_users):
        locations = "all" if user.location_ids is None else ", ".join(sorted(user.location_ids))
        table.add_row(user.username, user.role.name.lower(), locations, "disabled" if user.disabled else "")
    _print(table)


@user_app.command("disable")
def disable_user(name: Name, data_dir: DataDir = None) -> None:
    """Shut a user out; a running server notices within half a minute."""

    async def disable(store: ServerStore) -> None:
        await access_admin.disable_user(store, name)

    _run(data_dir, disable)
    typer.echo(f"{name} is disabled.")


@user_app.command("passwd")
def set_password(name: Name, password_stdin: PasswordStdin = False, data_dir: DataDir = None) -> None:
    """Give a user another password; ends all sessions of the user."""
    password = _read_password(password_stdin)

    async def change(store: ServerStore) -> str | None:
        return await access_admin.set_password(store, name, password=password)

    _tell_password(name, "changed", _run(data_dir, change))


@token_app.command("create")
def create_token(
    location: Annotated[str, typer.Option(help="Location that the gateway feeds.")],
    name: Annotated[str, typer.Option(help="Name of the gateway, for people.")],
    data_dir: DataDir = None,
) -> None:
    """Make a token for the gateway of a location, and print it the only time it is known."""

    async def create(store: ServerStore) -> str:
        return await access_admin.create_gateway_token(store, location, name)

    typer.echo(_run(data_dir, create))


@token_app.command("list")
def list_tokens(data_dir: DataDir = None) -> None:
    """List tokens; their secrets are not stored."""
    table = _table("id", "location", "name", "created (UTC)", "last used (UTC)", "state")
    for token in _run(data_dir, ServerStore.list_gateway_tokens):
        table.add_row(*_token_cells(token))
    _print(table)


@token_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="Id of the token, as `token list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """End a token; a running server notices within half a minute."""

    async def revoke(store: ServerStore) -> None:
        await access_admin.revoke_gateway_token(store, token_id)

    _run(data_dir, revoke)
    typer.echo(f"Token {token_id} is revoked.")


def _run(data_dir: Path | None, work: Callable[[ServerStore], Awaitable[_Answer]]) -> _Answer:
    async def with_store() -> _Answer:
        async with open_server_store(data_dir) as store:
            return await work(store)

    return asyncio.run(with_store())


def _role(name: str) -> Role:
    try:
        return Role[name.upper()]
    except KeyError:
        raise InvalidArgumentError(
            f"There is no role {name}; choose viewer, engineer or admin.", field="role", value=name
        ) from None


def _read_password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None


def _tell_password(name: str, what: str, made_up: str | None) -> None:
    typer.echo(f"{name}: {what}.")
    if made_up is not None:
        typer.echo(f"Password (shown once): {made_up}")


def _token_cells(token: GatewayTokenRecord) -> tuple[str, ...]:
    state = "" if token.revoked_us is None else "revoked"
    return token.token_id, token.location_id, token.name, _minute(token.created_us), _minute(token.last_used_us), state


def _minute(time_us: int | None) -> str:
    return "never" if time_us is None else f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%d %H:%M}"


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column)
    return table


def _print(table: Table) -> None:
    Console(highlight=False).print(table)
