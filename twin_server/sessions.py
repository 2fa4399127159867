"""Sessions of users: an access token for 30 min at a time, renewed with refresh tokens that are good once."""

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.errors import Reason, UnauthenticatedError
from batterytwin.v1 import auth_service_pb2
from storage.access_records import RotationOutcome, UserRecord
from storage.server_store import ServerStore
from twin_server.attempt_limits import AttemptLimits
from twin_server.audit import audit_entry
from twin_server.authenticator import Authenticator
from twin_server.user_tokens import UserTokens, invalid_token

REFRESH_TOKEN_S: Final = 7 * 24 * 3600
_MOST_FAILED_RENEWALS: Final = 30
_WINDOW_S: Final = 300.0


class Sessions:
    """Starts, renews and ends sessions.

    Args:
        store: where they are kept.
        user_tokens: makes access tokens.
        authenticator: forgets the tokens of ended sessions.
        clock: wall clock, seconds since 1970 UTC.
    """

    def __init__(
        self,
        store: ServerStore,
        user_tokens: UserTokens,
        authenticator: Authenticator,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._user_tokens = user_tokens
        self._authenticator = authenticator
        self._clock = clock
        self._renewals = AttemptLimits(_MOST_FAILED_RENEWALS, _WINDOW_S)

    async def start(self, user: UserRecord) -> auth_service_pb2.Session:
        """Starts a session of a user whose password has been checked.

        Raises:
            UnauthenticatedError: the password was changed meanwhile (WRONG_CREDENTIALS).
        """
        session_id, refresh_token = str(uuid.uuid4()), secrets.token_urlsafe(32)
        started = await self._store.start_session(
            session_id, user, _sha256(refresh_token), now_us=self._now_us(), expires_us=self._refresh_expires_us()
        )
        if not started:
            raise wrong_credentials()
        return self._session(user, session_id, refresh_token)

    async def renew(self, refresh_token: str, address: str) -> auth_service_pb2.Session:
        """Trades a refresh token for new tokens.

        Raises:
            UnauthenticatedError: it is unknown, its session has ended, or it was spent, which ends the session
                (TOKEN_INVALID); or its time is over (TOKEN_EXPIRED).
            OverloadedError: too many unknown tokens from this address (TOO_MANY_ATTEMPTS).
        """
        next_token = secrets.token_urlsafe(32)
        with self._renewals.attempt(address):
            rotation = await self._store.rotate_refresh_token(
                _sha256(refresh_token),
                _sha256(next_token),
                now_us=self._now_us(),
                expires_us=self._refresh_expires_us(),
            )
        if rotation.outcome is RotationOutcome.REUSED:
            self._authenticator.forget_sessions({rotation.session_id})
            await self._store.audit(audit_entry("auth.spent_token_used", rotation.username))
        if rotation.outcome is RotationOutcome.EXPIRED:
            raise UnauthenticatedError("The refresh token has expired; log in again.", reason=Reason.TOKEN_EXPIRED)
        if rotation.user is None:
            raise invalid_token()
        self._renewals.succeed(address)
        return self._session(rotation.user, rotation.session_id, next_token)

    async def end(self, refresh_token: str) -> None:
        """Ends the session of a refresh token, known or not. Repeating it changes nothing."""
        ended = await self._store.end_session(_sha256(refresh_token), self._now_us())
        if ended is not None:
            session_id, username = ended
            self._authenticator.forget_sessions({session_id})
            await self._store.audit(audit_entry("auth.logout", username, actor=username))

    async def change_password(self, user: UserRecord, password_hash: str) -> auth_service_pb2.Session:
        """Gives a user another password, which ends every session, and starts one."""
        ended = await self._store.change_password(user.username, password_hash, self._now_us())
        self._authenticator.forget_sessions(set(ended))
        return await self.start(replace(user, password_hash=password_hash))

    def _session(self, user: UserRecord, session_id: str, refresh_token: str) -> auth_service_pb2.Session:
        access_token, access_expires_s = self._user_tokens.make(user.username, session_id)
        return auth_service_pb2.Session(
            access_token=access_token,
            access_expire_time=_timestamp(int(access_expires_s * 1_000_000)),
            refresh_token=refresh_token,
            refresh_expire_time=_timestamp(self._refresh_expires_us()),
            username=user.username,
            role=auth_service_pb2.Role.ValueType(user.role),
            location_ids=sorted(user.location_ids or ()),
        )

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)

    def _refresh_expires_us(self) -> int:
        return self._now_us() + REFRESH_TOKEN_S * 1_000_000


def wrong_credentials() -> UnauthenticatedError:
    """What is said of a name or a password that is wrong; which of them would help a guesser."""
    return UnauthenticatedError("Wrong name or password.", reason=Reason.WRONG_CREDENTIALS)


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _timestamp(time_us: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromMicroseconds(time_us)
    return timestamp
