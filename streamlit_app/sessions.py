"""Who is logged in at the dashboard, kept in this process; a browser holds nothing but the name of its session.

The name is 256 random bits in an HttpOnly cookie. Tokens never leave the process, so no script in a page can read them.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from batterytwin.errors import Reason, TwinError, UnauthenticatedError
from clients.types import Session

T = TypeVar("T")

REFRESH_BEFORE_EXPIRY_S: Final = 60.0
"""An access token this close to its end is renewed before it is used."""


class DashboardSession:
    """One login, shared by all tabs and fragments of one browser.

    A refresh token works once, and using a spent one ends the session at the server. All tabs therefore renew through
    one lock, and whoever waited for it finds the new token.
    """

    def __init__(self, session: Session, refresh: Callable[[str], Session], clock: Callable[[], float]) -> None:
        self._session = session
        self._refresh = refresh
        self._clock = clock
        self._renewal = threading.Lock()
        self.ended = False

    @property
    def identity(self) -> Session:
        """The session as the server stated it last: name, role, locations, expiry."""
        return self._session

    def access_token(self) -> str:
        """An access token that still works, renewed when it is about to expire.

        Raises:
            UnauthenticatedError: the session is over; the user must log in again.
            TwinError: the server is away; the session lives on.
        """
        if self.ended:
            raise UnauthenticatedError("You are logged out.")
        if self._expires_soon():
            self._renew(spent=self._session.access_token)
        return self._session.access_token

    def call(self, method: Callable[[str], T]) -> T:
        """Calls `method(access_token)`, once more with a new token if the server does not take the first.

        Raises:
            UnauthenticatedError: the session is over.
            TwinError: whatever else the call raises.
        """
        token = self.access_token()
        try:
            return method(token)
        except UnauthenticatedError as error:
            if error.reason is Reason.WRONG_CREDENTIALS:
                raise  # a password was wrong, not the token
            self._renew(spent=token)
            return method(self._session.access_token)

    def replacing(self, method: Callable[[str], Session]) -> Callable[[str], None]:
        """A method for `call`: the session goes on with the tokens that `method(access_token)` answers.

        The old ones end at the server before the new ones are here. Nobody renews them meanwhile: it would end it all.
        """

        def replace(token: str) -> None:
            with self._renewal:
                self._session = method(token)

        return replace

    def end(self) -> str:
        """Ends the session here and returns the refresh token, to be revoked at the server."""
        with self._renewal:
            self.ended = True
            return self._session.refresh_token

    def refresh_expired(self) -> bool:
        """True when not even the refresh token works any more."""
        return self._session.refresh_expire_time.timestamp() <= self._clock()

    def _expires_soon(self) -> bool:
        return self._session.access_expire_time.timestamp() - self._clock() < REFRESH_BEFORE_EXPIRY_S

    def _renew(self, *, spent: str) -> None:
        with self._renewal:
            if self.ended:
                raise UnauthenticatedError("You are logged out.")
            if self._session.access_token != spent:
                return
            try:
                self._session = self._refresh(self._session.refresh_token)
            except UnauthenticatedError:
                self.ended = True
                raise


class SessionStore:
    """The sessions of this process by name, at most `capacity`: the one unused for longest gives way.

    Args:
        refresh: trades a refresh token for a new session.
        capacity: most sessions held.
        clock: seconds since 1970 UTC.
    """

    def __init__(
        self,
        refresh: Callable[[str], Session],
        *,
        capacity: int = 2_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._refresh = refresh
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, DashboardSession] = OrderedDict()

    def open(self, session: Session) -> str:
        """Keeps a new login and returns its name, for the cookie. A name is never used again."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_key(name)] = DashboardSession(session, self._refresh, self._clock)
            while len(self._sessions) > self._capacity:
                self._sessions.popitem(last=False)
        return name

    def find(self, name: str | None) -> DashboardSession | None:
        """The session of this name, or None where there is none or it is over."""
        if not name:
            return None
        key = _key(name)
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if session.ended or session.refresh_expired():
                del self._sessions[key]
                return None
            self._sessions.move_to_end(key)
            return session

    def close(self, name: str | None, revoke: Callable[[str], None]) -> None:
        """Ends a session here, whatever the server says, and then at the server with `revoke(refresh_token)`."""
        session = self.find(name)
        if name is None or session is None:
            return
        with self._lock:
            self._sessions.pop(_key(name), None)
        try:
            revoke(session.end())
        except TwinError:
            return  # its tokens are forgotten here and expire by themselves at the server


def _key(name: str) -> str:
    # A dump of the process must not hold names that still open sessions.
    return hashlib.sha256(name.encode()).hexdigest()
