"""Who looks at the page, and what the server answers to that person."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import NoReturn, TypeVar

import streamlit as st

from batterytwin.errors import UnauthenticatedError, UnknownDrillError
from clients.sync_client import TwinClient
from clients.types import Role, Session
from streamlit_app.backend import Backend, current_backend
from streamlit_app.drill_choice import current_drill, leave_drill
from streamlit_app.gate import LOGIN_PATH
from streamlit_app.scoped_cache import Answer, Scope, ScopedCache
from streamlit_app.sessions import DashboardSession

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person in front of this browser.

    Attributes:
        backend: the server.
        session: the login.
        session_name: name of the login, from the cookie.
        drill_id: the drill that is shown; empty = the live fleet.
    """

    backend: Backend
    session: DashboardSession
    session_name: str
    drill_id: str = ""

    @property
    def identity(self) -> Session:
        """Name, role and locations as the server stated them last."""
        return self.session.identity

    @property
    def live(self) -> "Visitor":
        """The same person before the live fleet."""
        return replace(self, drill_id="")

    @property
    def world(self) -> str:
        """What is shown, for names of parts of a page that must not be taken for each other."""
        return self.drill_id or "live"

    @property
    def client(self) -> TwinClient:
        """The client for the world that is shown; for questions, whose answers `ask` keeps apart."""
        return self.backend.client.in_drill(self.drill_id) if self.drill_id else self.backend.client

    @property
    def scope(self) -> Scope:
        """Whose answers these are, and of which world."""
        return Scope.of(self.identity, self.drill_id)

    @property
    def may_handle_alerts(self) -> bool:
        """Viewers read; engineers and administrators act, in a drill too."""
        return self._may_act

    @property
    def may_record_events(self) -> bool:
        """Likewise, but only of what is real."""
        return self._may_act and not self.drill_id

    @property
    def may_drill(self) -> bool:
        """Viewers watch drills; engineers and administrators start, change and stop them."""
        return self._may_act

    @property
    def _may_act(self) -> bool:
        return self.identity.role in (Role.ENGINEER, Role.ADMIN)

    def ask(self, cache: ScopedCache, question: Hashable, method: Callable[[str], T]) -> Answer[T]:
        """What `method(access_token)` answers to this person, from memory if it is young.

        Raises:
            TwinError: the server refuses, or is away and nothing is remembered.
        """
        return cache.get(self.scope, question, lambda: self.act(method))

    def act(self, method: Callable[[str], T]) -> T:
        """Calls `method(access_token)`; leads to the login page when the session is over.

        When the drill that is shown has ended, it leads back to the live fleet.

        Raises:
            TwinError: the server refuses or is away.
        """
        try:
            return self.session.call(method)
        except UnknownDrillError:
            if self.drill_id:
                leave_drill(ended=True)
            raise
        except UnauthenticatedError:
            if self.session.ended:
                leave()
            raise

    def log_out(self) -> None:
        """Ends the session here and at the server."""
        self.backend.sessions.close(self.session_name, self.backend.client.logout)


def current_visitor() -> Visitor:
    """The person in front of this browser; without a session, the script ends here and the login page opens."""
    backend = current_backend()
    name = session_cookie(backend.cookie_name)
    session = backend.sessions.find(name)
    if name is None or session is None:
        leave()
    if st.session_state.get("owner") != session.identity.username:
        # Streamlit hands the state of a lost connection to whoever reconnects; it must not pass to another person.
        st.session_state.clear()
        st.session_state["owner"] = session.identity.username
    return Visitor(backend, session, name, current_drill())


def session_cookie(cookie_name: str) -> str | None:
    """Value of a cookie that came with the web socket, HttpOnly ones included."""
    return st.context.cookies.to_dict().get(cookie_name)


def leave(*, come_back: bool = True) -> NoReturn:
    """Leads the browser to the login page, which forgets the cookie and may lead back here; ends the script."""
    here = " + '?next=' + encodeURIComponent(location.pathname + location.search)" if come_back else ""
    st.html(f"<script>location.replace('{LOGIN_PATH}'{here})</script>", unsafe_allow_javascript=True)
    st.info("You are logged out.", icon=":material/logout:")
    st.stop()
