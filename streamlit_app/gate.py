"""The door: nobody reaches the dashboard without a session, and no other site's page acts in a visitor's name."""

from typing import Final
from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamlit_app.sessions import SessionStore

LOGIN_PATH: Final = "/login"

_OPEN_PATHS: Final = frozenset(
    {LOGIN_PATH, "/favicon.png", "/_stcore/health", "/_stcore/host-config", "/_stcore/stream"}
)
"""The stream is open so that a page left open can be led back to the login: the script behind it draws nothing without
a session."""
_OPEN_FOLDERS: Final = ("/static/",)

_PAGE_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Keeps the browser from fetching anything from elsewhere. Streamlit and Plotly need inline scripts and `eval`."""

_HEADERS: Final = {
    "Content-Security-Policy": _PAGE_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gate:
    """ASGI middleware in front of everything.

    A page asked for without a session leads to the login page and back; any other request is refused. Requests that
    act (POST and web sockets) must come from a page of this very origin: SameSite cookies alone do not tell apart two
    servers on one machine.

    Args:
        app: what lies behind the door.
        sessions: who is logged in.
        cookie_name: cookie that holds the name of a session.
    """

    def __init__(self, app: ASGIApp, sessions: SessionStore, cookie_name: str) -> None:
        self._app = app
        self._sessions = sessions
        self._cookie_name = cookie_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through or answers it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        acts = scope["type"] == "websocket" or scope["method"] not in {"GET", "HEAD", "OPTIONS"}
        if acts and not _same_origin(connection):
            await PlainTextResponse("Refused: the request comes from another origin.", 403)(scope, receive, send)
        elif self._is_open(connection.url.path) or self._sessions.find(connection.cookies.get(self._cookie_name)):
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "http" and _asks_for_a_page(connection):
            await RedirectResponse(_login_url(connection), 303)(scope, receive, send)
        else:
            await PlainTextResponse("Log in first.", 401)(scope, receive, send)

    @staticmethod
    def _is_open(path: str) -> bool:
        return path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS)


def _asks_for_a_page(connection: HTTPConnection) -> bool:
    return connection.url.path == "/" or "text/html" in connection.headers.get("accept", "")


def safe_next(target: str) -> str:
    """A path of this dashboard to go to after login; anything that could lead elsewhere becomes "/"."""
    local = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if local and target.isprintable() and not urlsplit(target).path.startswith(LOGIN_PATH) else "/"


def _login_url(connection: HTTPConnection) -> str:
    url = connection.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return LOGIN_PATH if wanted == "/" else f"{LOGIN_PATH}?next={quote(wanted, safe='')}"


def _same_origin(connection: HTTPConnection) -> bool:
    _, _, host = connection.headers.get("origin", "").partition("://")
    return bool(host) and host == connection.headers.get("host")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
