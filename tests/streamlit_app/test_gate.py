import asyncio
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Scope
from starlette.websockets import WebSocket

from streamlit_app.gate import Gate, safe_next
from streamlit_app.login_routes import MAX_FORM_BYTES, LoginRoutes
from streamlit_app.sessions import SessionStore
from tests.streamlit_app.dummy_client import PASSWORD, DummyClient

COOKIE = "batterytwin-8501"
HOST = "127.0.0.1:8501"
ORIGIN = f"http://{HOST}"
SECRET = "behind the gate"


class Browser:
    """Sends requests straight to an ASGI application and keeps its cookies."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}

    def request(
        self, method: str, path: str, *, form: dict[str, str] | None = None, kind: str = "http", **headers: str
    ) -> "Answer":
        all_headers = {"host": HOST, "accept": "text/html", **headers}
        if self.cookies:
            all_headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        path, _, query = path.partition("?")
        scope: Scope = {
            "type": kind,
            "method": method,
            "scheme": "http" if kind == "http" else "ws",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
            "server": ("127.0.0.1", 8501),
            "client": ("127.0.0.1", 40_000),
            "extensions": {"websocket.http.response": {}},
        }
        body = urlencode(form or {}).encode()
        sent: list[Message] = []

        waiting = [{"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": body}]

        async def receive() -> Message:
            if not waiting:  # nothing more comes, and the browser stays
                await asyncio.Event().wait()
            return waiting.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        answer = Answer(sent)
        for name, morsel in answer.cookies().items():
            if morsel["max-age"] == "0" or not morsel.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return answer


class Answer:
    def __init__(self, sent: list[Message]) -> None:
        start = sent[0]
        self.accepted = start["type"] == "websocket.accept"
        self.status = start.get("status", 101)
        self.headers = [(name.decode(), value.decode()) for name, value in start.get("headers", [])]
        self.text = b"".join(message.get("body", b"") for message in sent[1:]).decode()

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def cookies(self) -> SimpleCookie:
        cookies = SimpleCookie()
        for name, value in self.headers:
            if name == "set-cookie":
                cookies.load(value)
        return cookies


async def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(SECRET)


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()


def make_app(dummy: DummyClient, *, secure: bool = False) -> Starlette:
    sessions = SessionStore(dummy.refresh)
    return Starlette(
        routes=[
            *LoginRoutes(sessions, dummy.login, COOKIE, secure=secure).routes(),
            WebSocketRoute("/_stcore/stream", socket),
            Route("/{path:path}", page, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Gate, sessions=sessions, cookie_name=COOKIE)],
    )


@pytest.fixture
def browser(dummy: DummyClient) -> Browser:
    return Browser(make_app(dummy))


def log_in(browser: Browser, path: str = "/login", username: str = "anna", password: str = PASSWORD) -> Answer:
    return browser.request("POST", path, form={"username": username, "password": password}, origin=ORIGIN)


def test_a_page_leads_through_the_login_and_back(browser: Browser) -> None:
    sent_away = browser.request("GET", "/battery?battery=BRK-U1-S03-B07")
    assert (sent_away.status, sent_away.text) == (303, "")
    login_url = sent_away.header("location")
    form = browser.request("GET", login_url)
    assert form.status == 200
    assert f'action="{login_url}"' in form.text
    welcome = log_in(browser, login_url)
    assert (welcome.status, welcome.header("location")) == (303, "/battery?battery=BRK-U1-S03-B07")
    assert browser.request("GET", welcome.header("location")).text == SECRET


def test_a_login_survives_a_reload_and_skips_the_form(browser: Browser) -> None:
    log_in(browser)
    for _ in range(3):
        assert browser.request("GET", "/site").text == SECRET
    assert browser.request("GET", "/login").header("location") == "/"


@pytest.mark.parametrize("secure", [False, True])
def test_scripts_cannot_read_the_cookie_and_other_sites_cannot_send_it(dummy: DummyClient, secure: bool) -> None:
    answer = log_in(Browser(make_app(dummy, secure=secure)))
    cookie = answer.cookies()[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert bool(cookie["secure"]) is secure
    assert "access-" not in cookie.value
    assert "refresh-" not in cookie.value


def test_a_wrong_password_opens_nothing_and_is_not_repeated(browser: Browser) -> None:
    answer = log_in(browser, username='<b>"anna"', password="wrong password")
    assert answer.status == 401
    assert "wrong password" not in answer.text.replace("User name or password is wrong", "")
    assert "<b>" not in answer.text
    assert not browser.cookies
    assert browser.request("GET", "/").status == 303


def test_the_server_hears_whose_login_it_is(browser: Browser, dummy: DummyClient) -> None:
    log_in(browser)
    assert dummy.caller_addresses == ["127.0.0.1"]


def test_an_absent_server_is_named(browser: Browser, dummy: DummyClient) -> None:
    dummy.away = True
    answer = log_in(browser)
    assert answer.status == 503
    assert "cannot be reached" in answer.text


@pytest.mark.parametrize("form", [{}, {"username": "anna"}, {"username": "anna", "password": "x" * MAX_FORM_BYTES}])
def test_incomplete_and_oversized_forms_are_refused(browser: Browser, form: dict[str, str]) -> None:
    assert browser.request("POST", "/login", form=form, origin=ORIGIN).status == 400


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:8502", "https://8501", "http://["]
)
def test_other_origins_cannot_act(browser: Browser, origin: str | None) -> None:
    headers: dict[str, Any] = {"origin": origin} if origin else {}
    form = {"username": "anna", "password": PASSWORD}
    assert browser.request("POST", "/login", form=form, **headers).status == 403
    assert not browser.cookies
    log_in(browser)
    refused = browser.request("GET", "/_stcore/stream", kind="websocket", **headers)
    assert (refused.accepted, refused.status) == (False, 403)


def test_a_page_left_open_may_connect_again_to_hear_that_its_session_is_over(browser: Browser) -> None:
    assert browser.request("GET", "/_stcore/host-config", accept="*/*").status == 200
    assert browser.request("GET", "/_stcore/stream", kind="websocket", origin=ORIGIN).accepted


@pytest.mark.parametrize("path", ["/media/abc", "/_stcore/upload_file/1/2", "/component/x", "/_stcore/metrics"])
def test_nothing_but_the_look_and_the_health_is_open(browser: Browser, path: str) -> None:
    assert browser.request("GET", path, accept="*/*").status == 401
    assert browser.request("GET", "/static/js/index.js", accept="*/*").status == 200
    assert browser.request("GET", "/_stcore/health", accept="*/*").status == 200


def test_a_dead_cookie_is_cleared_on_the_login_page(browser: Browser) -> None:
    browser.cookies[COOKIE] = "of-yesterday"
    assert browser.request("GET", "/").status == 303
    browser.request("GET", "/login")
    assert COOKIE not in browser.cookies


def test_pages_may_load_nothing_from_elsewhere(browser: Browser) -> None:
    log_in(browser)
    for path in ("/", "/login?next=/x"):
        policy = browser.request("GET", path).header("content-security-policy")
        if policy:
            assert "http" not in policy
            assert "*" not in policy
            assert "default-src 'self'" in policy or "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "//[",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil",
        "/login",
        "/a\nb",
        "",
    ],
)
def test_a_login_never_leads_to_another_site(target: str) -> None:
    assert safe_next(target) == "/"


@given(st.text() | st.text("/\\[]:?#@.%a"))
def test_whatever_comes_after_login_is_a_path_of_ours(target: str) -> None:
    path = safe_next(target)
    assert not urlsplit(path).netloc
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isprintable()
