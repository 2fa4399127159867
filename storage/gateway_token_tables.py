"""Gateway tokens in the database; of their secrets only hashes."""

from typing import Any

from psycopg import errors

from batterytwin.errors import NotFoundError, UnknownLocationError
from storage.access_records import GatewayTokenRecord
from storage.instants import to_datetime, to_us, to_us_or_none
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_ADD = read_sql("add_gateway_token")
_USE = read_sql("use_gateway_token")
_HAS = read_sql("has_gateway_token")
_LIST = read_sql("list_gateway_tokens")
_REVOKE = read_sql("revoke_gateway_token")


class GatewayTokenTables(StorePool):
    """Questions about table `gateway_token`."""

    async def add_gateway_token(self, token: GatewayTokenRecord, secret_sha256: bytes) -> None:
        """Stores a new token.

        Raises:
            UnknownLocationError: its location does not exist.
        """
        parameters = {
            "token_id": token.token_id,
            "secret_sha256": secret_sha256,
            "location_id": token.location_id,
            "name": token.name,
            "now": to_datetime(token.created_us),
            "created_by": token.created_by,
        }
        async with self._connection() as connection:
            try:
                await connection.execute(_ADD, parameters)
            except errors.ForeignKeyViolation:
                raise UnknownLocationError(
                    f"There is no location {token.location_id[:64]}.", field="location_id", value=token.location_id
                ) from None

    async def use_gateway_token(self, token_id: str, secret_sha256: bytes, now_us: int) -> GatewayTokenRecord | None:
        """Token of this name and secret, noting that it was used; None when there is none or it is revoked."""
        parameters = {"token_id": token_id, "secret_sha256": secret_sha256, "now": to_datetime(now_us)}
        async with self._connection() as connection:
            cursor = await connection.execute(_USE, parameters)
            row = await cursor.fetchone()
            return None if row is None else _token_of_row(row)

    async def has_gateway_token(self, location_id: str) -> bool:
        """Whether a token was ever made for a location, a revoked one too."""
        async with self._connection() as connection:
            cursor = await connection.execute(_HAS, {"location_id": location_id})
            return bool((await cursor.fetchall())[0].found)

    async def list_gateway_tokens(self) -> list[GatewayTokenRecord]:
        """All tokens, revoked ones too, oldest first."""
        async with self._connection() as connection:
            cursor = await connection.execute(_LIST)
            return [_token_of_row(row) for row in await cursor.fetchall()]

    async def revoke_gateway_token(self, token_id: str, now_us: int) -> None:
        """Ends a token. Repeating it changes nothing.

        Raises:
            NotFoundError: no token has this id.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(_REVOKE, {"token_id": token_id, "now": to_datetime(now_us)})
            if await cursor.fetchone() is None:
                raise NotFoundError(f"There is no gateway token {token_id[:64]}.", field="token_id", value=token_id)


def _token_of_row(row: Any) -> GatewayTokenRecord:
    return GatewayTokenRecord(
        token_id=row.token_id,
        location_id=row.location_id,
        name=row.name,
        created_us=to_us(row.created_at),
        created_by=row.created_by,
        revoked_us=to_us_or_none(row.revoked_at),
        last_used_us=to_us_or_none(row.last_used_at),
    )
