"""Tokens of gateways: `bt_<id>_<secret>`, bound to one location, shown once."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Final, Protocol

from storage.access_records import GatewayTokenRecord

_PREFIX: Final = "bt_"
_FORM: Final = re.compile(r"bt_([0-9a-f]{12})_([0-9a-f]{64})")


class GatewayTokenStore(Protocol):
    """What tokens need of the store; see `storage.gateway_token_tables`."""

    async def add_gateway_token(self, token: GatewayTokenRecord, secret_sha256: bytes) -> None:
        """Stores a new token."""

    async def use_gateway_token(self, token_id: str, secret_sha256: bytes, now_us: int) -> GatewayTokenRecord | None:
        """Finds a token by name and secret."""


def is_gateway_token(token: str) -> bool:
    """Whether a bearer token claims to be a gateway's."""
    return token.startswith(_PREFIX)


class GatewayTokens:
    """Makes and finds tokens of gateways.

    Args:
        store: where they are kept.
        clock: wall clock, seconds since 1970 UTC.
    """

    def __init__(self, store: GatewayTokenStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def create(self, location_id: str, name: str, created_by: str) -> str:
        """Makes a token and returns it the only time it is known.

        Raises:
            UnknownLocationError: there is no such location.
        """
        token_id, secret = secrets.token_hex(6), secrets.token_hex(32)
        record = GatewayTokenRecord(token_id, location_id, name, self._now_us(), created_by, None, None)
        await self._store.add_gateway_token(record, _sha256(secret))
        return f"{_PREFIX}{token_id}_{secret}"

    async def find(self, token: str) -> GatewayTokenRecord | None:
        """The token, or None when it is unknown, revoked or garbage."""
        form = _FORM.fullmatch(token)
        if form is None:
            return None
        return await self._store.use_gateway_token(form[1], _sha256(form[2]), self._now_us())

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
