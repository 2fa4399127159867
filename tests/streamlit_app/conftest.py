"""A dashboard without a server, for the tests of this folder."""

import functools
import sys
from collections.abc import Callable, Iterator

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from streamlit_app import visitor
from streamlit_app.backend import Backend, install
from streamlit_app.sessions import SessionStore
from tests.streamlit_app.dummy_client import PASSWORD, DummyClient

COOKIE = "batterytwin-test"


@pytest.fixture(autouse=True, scope="session")
def _packages_are_looked_through_once() -> Iterator[None]:
    """Each run of `AppTest` reads the papers of all installed packages in search of components: most of its time."""
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def dummy() -> DummyClient:
    return DummyClient()


@pytest.fixture
def backend(dummy: DummyClient) -> Backend:
    backend = Backend(dummy, COOKIE, SessionStore(dummy.refresh))
    install(backend)
    return backend


@pytest.fixture
def open_as(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AppTest]:
    """Opens the dashboard in a browser of its own, logged in as a user."""

    def open_browser(username: str) -> AppTest:
        log_in(backend, username, monkeypatch)
        return AppTest.from_file("../../streamlit_app/app.py", default_timeout=30)

    return open_browser


def log_in(backend: Backend, username: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Opens a session for a user and gives its cookie to whoever runs the script next."""
    name = backend.sessions.open(backend.client.login(username, PASSWORD))
    monkeypatch.setattr(visitor, "session_cookie", lambda _: name)
    return name


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts `__main__` back: Streamlit leaves the app there, and processes started later would run it again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
