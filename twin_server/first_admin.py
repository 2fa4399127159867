"""The first user of a new database."""

from batterytwin.access import Role
from batterytwin.errors import ConflictError
from storage.server_store import ServerStore
from twin_server.access_admin import add_user
from twin_server.passwords import Passwords


async def ensure_first_admin(store: ServerStore, passwords: Passwords | None = None) -> str | None:
    """Adds the user "admin" to a database without users; returns the password the only time it is known."""
    if await store.list_users():
        return None
    try:
        return await add_user(store, "admin", Role.ADMIN, (), passwords=passwords)
    except ConflictError:  # another server on the same database was faster
        return None
