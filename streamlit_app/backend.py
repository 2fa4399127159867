"""What all pages of this process share: the client, the sessions and the remembered answers."""

from dataclasses import dataclass, field

from clients.sync_client import TwinClient
from streamlit_app.scoped_cache import ScopedCache
from streamlit_app.sessions import SessionStore

LIVE_MAX_AGE_S = 2.0
"""Live answers are asked for at most this often for each scope."""

HISTORY_MAX_AGE_S = 10.0
"""Charts grow by a point a minute."""

INVENTORY_MAX_AGE_S = 60.0
"""Inventories change seldom."""

DRILLS_MAX_AGE_S = 0.4
"""Everybody must see a change of a drill within two seconds, and pages ask every 1.5 s."""


@dataclass(frozen=True)
class Backend:
    """The server as the dashboard sees it.

    Attributes:
        client: calls the server; thread-safe, carries no token of its own.
        cookie_name: cookie that holds the name of a browser's session.
        sessions: who is logged in.
        live: answers about the present.
        history: answers about the past.
        inventory: answers about what there is.
        drills: answers about drills and projections.
    """

    client: TwinClient
    cookie_name: str
    sessions: SessionStore
    live: ScopedCache = field(default_factory=lambda: ScopedCache(LIVE_MAX_AGE_S))
    history: ScopedCache = field(default_factory=lambda: ScopedCache(HISTORY_MAX_AGE_S, capacity=64))
    inventory: ScopedCache = field(default_factory=lambda: ScopedCache(INVENTORY_MAX_AGE_S))
    drills: ScopedCache = field(default_factory=lambda: ScopedCache(DRILLS_MAX_AGE_S))


class _Installed:
    backend: Backend | None = None


def install(backend: Backend) -> None:
    """Makes a backend the one that pages use. Streamlit runs them in threads of this process and passes nothing on."""
    _Installed.backend = backend


def current_backend() -> Backend:
    """The installed backend.

    Raises:
        RuntimeError: the script was not started with `python -m streamlit_app`.
    """
    if _Installed.backend is None:
        raise RuntimeError("Start the dashboard with `python -m streamlit_app --target HOST:PORT`.")
    return _Installed.backend
