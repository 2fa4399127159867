"""From a bearer token to who is calling, without asking the database at every call."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from batterytwin.access import Role
from batterytwin.errors import StoreUnavailableError
from storage.access_records import UserRecord
from twin_server.attempt_limits import AttemptLimits
from twin_server.gateway_tokens import GatewayTokens, is_gateway_token
from twin_server.operator_token import OPERATOR_NAME
from twin_server.principal import Principal, PrincipalKind
from twin_server.user_tokens import UserTokens, invalid_token

RECHECK_S: Final = 30.0
"""After this time a known token is looked up again: so fast act logout, revocation and a change of role elsewhere."""

_MOST_KNOWN: Final = 10_000
_MOST_UNKNOWN_A_MINUTE: Final = 60
_OPERATOR: Final = Principal(PrincipalKind.USER, OPERATOR_NAME, Role.ADMIN, None)


class SessionStore(Protocol):
    """What authentication needs of the store; see `storage.session_tables`."""

    async def find_session_holder(self, session_id: str) -> UserRecord | None:
        """User of a session that is alive."""


@dataclass(slots=True)
class Identity:
    """A token that was found good.

    Attributes:
        principal: whose it is.
        expires_s: when it ends, seconds since 1970 UTC; infinite for gateways.
        checked_s: when it was looked up last, monotonic seconds.
    """

    principal: Principal
    expires_s: float
    checked_s: float


class Authenticator:
    """Remembers good tokens and looks them up again every 30 s.

    While the database is away a known token stays good until it expires: reads go on.

    Args:
        store: sessions.
        user_tokens: reads access tokens.
        gateway_tokens: finds tokens of gateways.
        clock: wall clock, seconds since 1970 UTC.
        monotonic: clock for the age of what is remembered, s.
    """

    def __init__(
        self,
        store: SessionStore,
        user_tokens: UserTokens,
        gateway_tokens: GatewayTokens,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._user_tokens = user_tokens
        self._gateway_tokens = gateway_tokens
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, Identity] = {}
        self._unknown = AttemptLimits(_MOST_UNKNOWN_A_MINUTE, 60.0, monotonic)

    async def authenticate(self, token: str, address: str) -> Identity:
        """Who a token belongs to.

        Args:
            token: bearer token.
            address: network address of the caller; one that sends many unknown tokens is refused for a while.

        Raises:
            UnauthenticatedError: the token is unknown, revoked, of an ended session (TOKEN_INVALID), or TOKEN_EXPIRED.
            OverloadedError: too many unknown tokens from this address (TOO_MANY_ATTEMPTS).
            StoreUnavailableError: the token is not known here and the database is away.
        """
        known = self._known.get(token)
        now_s = self._monotonic()
        if known is not None and now_s - known.checked_s < RECHECK_S and known.expires_s > self._clock():
            return known
        if known is not None:
            known.checked_s = now_s  # calls that come meanwhile go on with what is known, and do not all ask
        try:
            found = await self._look_up(token, address, is_known=known is not None)
        except StoreUnavailableError:
            if known is None:
                raise
            return known
        except asyncio.CancelledError:
            if known is not None:
                known.checked_s = -math.inf  # the call was cut off before anything was known
            raise
        except Exception:
            self._known.pop(token, None)
            raise
        found.checked_s = now_s
        self._remember(token, found)
        return found

    def forget_sessions(self, session_ids: set[str]) -> None:
        """Makes the tokens of these sessions be looked up at their next call."""
        gone = [token for token, known in self._known.items() if known.principal.session_id in session_ids]
        for token in gone:
            del self._known[token]

    async def _look_up(self, token: str, address: str, *, is_known: bool) -> Identity:
        if is_gateway_token(token):
            return await self._look_up_gateway(token, address, is_known=is_known)
        claims = self._user_tokens.read(token)
        if not claims.session_id:
            return Identity(_OPERATOR, claims.expires_s, 0.0)
        user = await self._store.find_session_holder(claims.session_id)
        if user is None:
            raise invalid_token()
        principal = Principal(PrincipalKind.USER, user.username, user.role, user.location_ids, claims.session_id)
        return Identity(principal, claims.expires_s, 0.0)

    async def _look_up_gateway(self, token: str, address: str, *, is_known: bool) -> Identity:
        # a signature keeps garbage from the database elsewhere; here only a limit does
        with nullcontext() if is_known else self._unknown.attempt(address):
            record = await self._gateway_tokens.find(token)
        if record is None:
            raise invalid_token()
        if not is_known:
            self._unknown.succeed(address)
        principal = Principal(PrincipalKind.GATEWAY, record.name, location_ids=frozenset({record.location_id}))
        return Identity(principal, float("inf"), 0.0)

    def _remember(self, token: str, identity: Identity) -> None:
        self._known.pop(token, None)
        self._known[token] = identity
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
