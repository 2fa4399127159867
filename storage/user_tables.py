"""Users in the database."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from psycopg import errors

from batterytwin.access import Role
from batterytwin.errors import ConflictError, InvalidArgumentError, NotFoundError, UnknownLocationError
from storage.access_records import UserRecord
from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_GET = read_sql("get_user")
_LIST = read_sql("list_users")
_ADD = read_sql("add_user")
_SET_PASSWORD_HASH = read_sql("set_password_hash")
_END_SESSIONS = read_sql("end_sessions_of_user")
_SET_DISABLED = read_sql("set_user_disabled")


class UserTables(StorePool):
    """Questions about tables `app_user` and `user_location`."""

    async def add_user(
        self, username: str, password_hash: str, role: Role, location_ids: Collection[str] | None
    ) -> UserRecord:
        """Adds a user.

        Args:
            username: 1...64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or digit; unique in any case of letters.
            password_hash: argon2 hash in PHC string format.
            role: what the user may do.
            location_ids: locations to assign; None = all, also future ones.

        Raises:
            InvalidArgumentError: the name has other characters.
            ConflictError: a user of this name exists.
            UnknownLocationError: a location does not exist.
        """
        parameters = {
            "username": username,
            "password_hash": password_hash,
            "role": int(role),
            "location_ids": None if location_ids is None else sorted(set(location_ids)),
        }
        async with self._transaction() as connection:
            try:
                await connection.execute(_ADD, parameters)
            except errors.UniqueViolation:
                raise ConflictError(f"A user named {username} exists.", field="username", value=username) from None
            except errors.CheckViolation:
                raise InvalidArgumentError(
                    "A user name has 1...64 of A-Z a-z 0-9 . _ @ - and begins with a letter or digit.",
                    field="username",
                    value=username,
                ) from None
            except errors.ForeignKeyViolation as error:
                raise UnknownLocationError(
                    f"A location does not exist: {error.diag.message_detail}", field="location_ids"
                ) from None
            return await _require_user(connection, username)

    async def find_user(self, username: str) -> UserRecord | None:
        """User of this name in any case of letters, or None."""
        async with self._connection() as connection:
            return await _find_user(connection, username)

    async def list_users(self) -> list[UserRecord]:
        """All users by name."""
        async with self._connection() as connection:
            cursor = await connection.execute(_LIST)
            return [user_of_row(row) for row in await cursor.fetchall()]

    async def change_password(self, username: str, password_hash: str, now_us: int) -> list[str]:
        """Replaces the password of a user and ends every session, both or neither; returns the ids of the sessions.

        Raises:
            NotFoundError: no user has this name.
        """
        async with self._transaction() as connection:
            user = await _require_user(connection, username)
            await connection.execute(
                _SET_PASSWORD_HASH, {"user_key": user.user_key, "password_hash": password_hash, "old_hash": None}
            )
            cursor = await connection.execute(_END_SESSIONS, {"user_key": user.user_key, "now": to_datetime(now_us)})
            return [str(row.session_id) for row in await cursor.fetchall()]

    async def rehash_password(self, user: UserRecord, password_hash: str) -> UserRecord:
        """Replaces the hash of a password that stays the same; one that was changed meanwhile is left alone."""
        async with self._connection() as connection:
            await connection.execute(
                _SET_PASSWORD_HASH,
                {"user_key": user.user_key, "password_hash": password_hash, "old_hash": user.password_hash},
            )
        return replace(user, password_hash=password_hash)

    async def set_user_disabled(self, username: str, *, disabled: bool) -> None:
        """Shuts a user out, or lets it in again.

        Raises:
            NotFoundError: no user has this name.
        """
        async with self._transaction() as connection:
            user = await _require_user(connection, username)
            await connection.execute(_SET_DISABLED, {"user_key": user.user_key, "disabled": disabled})


def user_of_row(row: Any) -> UserRecord:
    """User in a row of view `user_account`."""
    return UserRecord(
        user_key=row.user_key,
        username=row.username,
        password_hash=row.password_hash,
        role=Role(row.role),
        location_ids=None if row.location_ids is None else frozenset(row.location_ids),
        disabled=row.disabled,
    )


async def _find_user(connection: Connection, username: str) -> UserRecord | None:
    cursor = await connection.execute(_GET, {"username": username})
    row = await cursor.fetchone()
    return None if row is None else user_of_row(row)


async def _require_user(connection: Connection, username: str) -> UserRecord:
    user = await _find_user(connection, username)
    if user is None:
        raise NotFoundError(f"There is no user {username[:64]}.", field="username", value=username)
    return user
