"""Administration of users and gateway tokens from the command line of the server's machine."""

import time
from collections.abc import Sequence
from typing import Final

from batterytwin.access import Role
from batterytwin.errors import ConflictError, NotFoundError
from storage.access_records import AuditEntry
from storage.server_store import ServerStore
from twin_server.gateway_tokens import GatewayTokens
from twin_server.passwords import Passwords, make_up_password

_COMMAND_LINE: Final = "command line"


async def add_user(
    store: ServerStore,
    username: str,
    role: Role,
    location_ids: Sequence[str],
    *,
    password: str | None = None,
    passwords: Passwords | None = None,
) -> str | None:
    """Adds a user.

    Args:
        store: open store.
        username: name.
        role: what the user may do.
        location_ids: locations to assign; empty = all.
        password: password; None = one is made up.
        passwords: how it is hashed.

    Returns:
        The password if it was made up, else None.

    Raises:
        ConflictError: a user of this name exists.
        InvalidArgumentError: the name or the password cannot be used.
        UnknownLocationError: a location does not exist.
    """
    made_up = make_up_password() if password is None else None
    password_hash = await (passwords or Passwords()).hash(password if password is not None else str(made_up))
    await store.add_user(username, password_hash, role, location_ids or None)
    await _audit(store, "user.add", username, f"{role.name.lower()} of {', '.join(location_ids) or 'all locations'}")
    return made_up


async def set_password(
    store: ServerStore, username: str, *, password: str | None = None, passwords: Passwords | None = None
) -> str | None:
    """Gives a user another password and ends all sessions; arguments and answer as for `add_user`.

    Raises:
        NotFoundError: no user has this name.
    """
    made_up = make_up_password() if password is None else None
    password_hash = await (passwords or Passwords()).hash(password if password is not None else str(made_up))
    await store.change_password(username, password_hash, _now_us())
    await _audit(store, "user.set_password", username)
    return made_up


async def disable_user(store: ServerStore, username: str) -> None:
    """Shuts a user out and ends all sessions; a running server notices within half a minute.

    Raises:
        NotFoundError: no user has this name.
        ConflictError: it is the last admin who can log in.
    """
    users = {user.username.lower(): user for user in await store.list_users()}
    user = users.get(username.lower())
    if user is None:
        raise NotFoundError(f"There is no user {username[:64]}.", field="username", value=username)
    others = [u for u in users.values() if u is not user and u.role is Role.ADMIN and not u.disabled]
    if user.role is Role.ADMIN and not others:
        raise ConflictError(
            f"{user.username} is the only admin; add another one first.", field="username", value=username
        )
    await store.set_user_disabled(username, disabled=True)
    await store.end_sessions_of(user.user_key, _now_us())
    await _audit(store, "user.disable", user.username)


async def create_gateway_token(store: ServerStore, location_id: str, name: str) -> str:
    """Makes a gateway token and returns it the only time it is known.

    Raises:
        UnknownLocationError: there is no such location.
    """
    token = await GatewayTokens(store).create(location_id, name, _COMMAND_LINE)
    await _audit(store, "token.create", f"{location_id}: {name}")
    return token


async def revoke_gateway_token(store: ServerStore, token_id: str) -> None:
    """Ends a token; a running server notices within half a minute.

    Raises:
        NotFoundError: no token has this id.
    """
    await store.revoke_gateway_token(token_id, _now_us())
    await _audit(store, "token.revoke", token_id)


async def _audit(store: ServerStore, action: str, target: str, reason: str = "") -> None:
    await store.audit(AuditEntry(_now_us(), _COMMAND_LINE, action, target, reason, _COMMAND_LINE))


def _now_us() -> int:
    return time.time_ns() // 1_000
