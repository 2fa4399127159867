"""The login page. It is plain HTML outside Streamlit, because only an HTTP answer can set an HttpOnly cookie."""

import html
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import parse_qs, quote

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from batterytwin.errors import TwinError, UnauthenticatedError
from clients.types import Session
from streamlit_app.gate import LOGIN_PATH, safe_next
from streamlit_app.sessions import SessionStore

MAX_FORM_BYTES: Final = 8_192
_PACKAGE: Final = resources.files("streamlit_app")
_STRICT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; font-src 'self'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class LoginRoutes:
    """Shows the form, opens a session and sets its cookie.

    Args:
        sessions: where new sessions are kept.
        login: trades a name, a password and `caller_address`, the network address of the browser, for a session.
        cookie_name: cookie for the name of the session.
        secure: True where the dashboard is served with TLS; the cookie then never travels without it.
    """

    def __init__(
        self, sessions: SessionStore, login: Callable[..., Session], cookie_name: str, *, secure: bool
    ) -> None:
        self._sessions = sessions
        self._login = login
        self._cookie_name = cookie_name
        self._secure = secure

    def routes(self) -> list[Route]:
        """Routes to mount beside the dashboard."""
        return [Route(LOGIN_PATH, self._show, methods=["GET"]), Route(LOGIN_PATH, self._submit, methods=["POST"])]

    async def _show(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        if self._sessions.find(request.cookies.get(self._cookie_name)):
            return RedirectResponse(target, 303)
        response = _page(target)
        if self._cookie_name in request.cookies:
            response.delete_cookie(self._cookie_name, path="/", secure=self._secure, httponly=True, samesite="strict")
        return response

    async def _submit(self, request: Request) -> Response:
        target = safe_next(request.query_params.get("next", "/"))
        form = await _read_form(request)
        username, password = form.get("username", "").strip(), form.get("password", "")
        if not username or not password:
            return _page(target, "Give a user name and a password.", username, status=400)
        # all visitors reach the server from this one machine; limits on guessing must tell them apart
        address = request.client.host if request.client else ""
        try:
            session = await run_in_threadpool(self._login, username, password, caller_address=address)
        except UnauthenticatedError as error:
            return _page(target, error.message, username, status=401)
        except TwinError as error:
            return _page(target, f"The server cannot log you in now. {error.message}", username, status=503)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            self._cookie_name,
            self._sessions.open(session),
            expires=session.refresh_expire_time,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
        return response


async def _read_form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    return {name: values[0] for name, values in fields.items()}


def _page(target: str, error: str = "", username: str = "", *, status: int = 200) -> HTMLResponse:
    template = Template((_PACKAGE / "login.html").read_text(encoding="utf-8"))
    text = template.substitute(
        font_face=_font_face(),
        mark=(_PACKAGE / "mark.svg").read_text(encoding="utf-8"),
        action=html.escape(LOGIN_PATH if target == "/" else f"{LOGIN_PATH}?next={quote(target, safe='')}"),
        error=f'<p class="error" role="alert">{html.escape(error)}</p>' if error else "",
        username=html.escape(username),
        focus_name="" if username else "autofocus",
        focus_password="autofocus" if username else "",
    )
    return HTMLResponse(text, status, {"Content-Security-Policy": _STRICT_POLICY, "Cache-Control": "no-store"})


def _font_face() -> str:
    # Streamlit's own font under the name its build gave it, so that both pages look alike.
    media = Path(streamlit.__file__).parent / "static" / "static" / "media"
    font = next(media.glob("SourceSansVF-Upright*.woff2"), None)
    if font is None:
        return ""
    return f'@font-face {{ font-family:"Source Sans"; src:url("/static/media/{font.name}"); font-weight:200 900; }}'
