"""Access tokens of users: JWTs that name a session, good for 30 min."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt

from batterytwin.errors import Reason, UnauthenticatedError

ACCESS_TOKEN_S: Final = 30 * 60
_ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says.

    Attributes:
        username: whose it is.
        session_id: session it belongs to; empty for the operator of the server's own machine.
        expires_s: when it ends, seconds since 1970 UTC.
    """

    username: str
    session_id: str
    expires_s: float


class UserTokens:
    """Makes and reads access tokens.

    Args:
        key: signing key, at least 32 bytes.
        clock: wall clock, seconds since 1970 UTC.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def make(self, username: str, session_id: str) -> tuple[str, float]:
        """Token of a session, and when it expires, seconds since 1970 UTC."""
        now_s = int(self._clock())
        expires_s = now_s + ACCESS_TOKEN_S
        claims = {"sub": username, "sid": session_id, "iat": now_s, "exp": expires_s}
        return jwt.encode(claims, self._key, _ALGORITHM), float(expires_s)

    def read(self, token: str) -> AccessClaims:
        """Claims of a token.

        Raises:
            UnauthenticatedError: it is not one of ours (TOKEN_INVALID), or its time is over (TOKEN_EXPIRED).
        """
        try:
            # Expiry is judged below, by the clock that also made the token.
            options: Any = {"require": ["sub", "sid", "exp"], "verify_exp": False, "verify_iat": False}
            claims = jwt.decode(token, self._key, [_ALGORITHM], options=options)
            read = AccessClaims(str(claims["sub"]), str(claims["sid"]), float(claims["exp"]))
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise invalid_token() from None
        if read.expires_s <= self._clock():
            raise UnauthenticatedError(
                "The access token has expired; renew it with RefreshToken.", reason=Reason.TOKEN_EXPIRED
            )
        return read


def invalid_token() -> UnauthenticatedError:
    """What is said of a token that is wrong in any way; how it is wrong would help a guesser."""
    return UnauthenticatedError("The token is not valid; log in again.", reason=Reason.TOKEN_INVALID)
