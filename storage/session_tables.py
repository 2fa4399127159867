"""Sessions of users: families of refresh tokens, of each of which only a hash is stored."""

from uuid import UUID

from storage.access_records import Rotation, RotationOutcome, UserRecord
from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool
from storage.user_tables import user_of_row

_START = read_sql("start_session")
_LOCK_TOKEN = read_sql("lock_refresh_token")
_SPEND_TOKEN = read_sql("spend_refresh_token")
_END = read_sql("end_session")
_END_OF_TOKEN = read_sql("end_session_of_token")
_END_OF_USER = read_sql("end_sessions_of_user")
_HOLDER = read_sql("session_holder")


class SessionTables(StorePool):
    """Questions about tables `user_session` and `refresh_token`."""

    async def start_session(
        self, session_id: str, user: UserRecord, token_sha256: bytes, *, now_us: int, expires_us: int
    ) -> bool:
        """Starts a session with its first refresh token.

        Args:
            session_id: new UUID.
            user: the user, with the hash that the password was checked against.
            token_sha256: hash of the refresh token.
            now_us: server time, microseconds since 1970 UTC.
            expires_us: when the refresh token expires.

        Returns:
            False, and nothing was started, where the user has another password by now or is disabled.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(
                _START,
                {
                    "session_id": UUID(session_id),
                    "user_key": user.user_key,
                    "password_hash": user.password_hash,
                    "token_sha256": token_sha256,
                    "now": to_datetime(now_us),
                    "expires_at": to_datetime(expires_us),
                },
            )
            return cursor.rowcount > 0

    async def rotate_refresh_token(
        self, token_sha256: bytes, new_token_sha256: bytes, *, now_us: int, expires_us: int
    ) -> Rotation:
        """Trades a refresh token for a new one, once; a spent one that comes again ends its session.

        Arguments as for `start_session`.
        """
        async with self._transaction() as connection:
            cursor = await connection.execute(_LOCK_TOKEN, {"token_sha256": token_sha256})
            row = await cursor.fetchone()
            if row is None or row.ended_at is not None or row.disabled:
                return Rotation(RotationOutcome.UNKNOWN)
            now = to_datetime(now_us)
            session_id = str(row.session_id)
            if row.spent_at is not None:
                await connection.execute(_END, {"session_id": row.session_id, "now": now})
                return Rotation(RotationOutcome.REUSED, session_id, row.username)
            if row.expires_at <= now:
                return Rotation(RotationOutcome.EXPIRED, session_id, row.username)
            await connection.execute(
                _SPEND_TOKEN,
                {
                    "token_sha256": token_sha256,
                    "new_token_sha256": new_token_sha256,
                    "now": now,
                    "expires_at": to_datetime(expires_us),
                },
            )
            # in the same transaction: a token is not spent for an answer that cannot be given
            cursor = await connection.execute(_HOLDER, {"session_id": row.session_id})
            (holder,) = await cursor.fetchall()
            return Rotation(RotationOutcome.RENEWED, session_id, row.username, user_of_row(holder))

    async def end_session(self, token_sha256: bytes, now_us: int) -> tuple[str, str] | None:
        """Ends the session of a refresh token. Repeating it changes nothing.

        Returns:
            Session id and user name, or None when the token is unknown.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(_END_OF_TOKEN, {"token_sha256": token_sha256, "now": to_datetime(now_us)})
            row = await cursor.fetchone()
            return None if row is None else (str(row.session_id), row.username)

    async def end_sessions_of(self, user_key: int, now_us: int) -> list[str]:
        """Ends every session of a user; returns their ids."""
        async with self._connection() as connection:
            cursor = await connection.execute(_END_OF_USER, {"user_key": user_key, "now": to_datetime(now_us)})
            return [str(row.session_id) for row in await cursor.fetchall()]

    async def find_session_holder(self, session_id: str) -> UserRecord | None:
        """User of a session that is alive; None when it has ended or the user is disabled."""
        async with self._connection() as connection:
            cursor = await connection.execute(_HOLDER, {"session_id": UUID(session_id)})
            row = await cursor.fetchone()
            return None if row is None else user_of_row(row)
