"""History as a file: for those who are logged in, of what they may see, and no more than was said."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit.testing.v1 import AppTest

from batterytwin.errors import UnavailableError
from clients.types import ExportFormat
from streamlit_app.download_routes import DOWNLOAD_PATH, Download, DownloadRoutes
from streamlit_app.gate import Gate
from streamlit_app.sessions import SessionStore
from tests.streamlit_app.dummy_client import PASSWORD, DummyClient
from tests.streamlit_app.test_gate import COOKIE, Browser
from tests.streamlit_app.test_pages import Opener

END = datetime(2026, 11, 27, tzinfo=UTC)
HERE = "BRK-U1-S03-B07"


def wanted(days: float = 7, battery_id: str = HERE, bucket: timedelta | None = None) -> Download:
    return Download(battery_id, END - timedelta(days=days), END, bucket, ExportFormat.CSV)


@pytest.fixture
def browser(dummy: DummyClient) -> Browser:
    """Logged in as an engineer of BRK and NBI."""
    sessions = SessionStore(dummy.refresh)
    browser = Browser(
        Starlette(
            routes=DownloadRoutes(sessions, dummy, COOKIE).routes(),
            middleware=[Middleware(Gate, sessions=sessions, cookie_name=COOKIE)],
        )
    )
    browser.cookies[COOKIE] = sessions.open(dummy.login("somchai", PASSWORD))
    return browser


def test_a_file_comes_whole_under_its_name(browser: Browser) -> None:
    answer = browser.request("GET", wanted().url)
    assert (answer.status, answer.text) == (200, "CSV None 1\nCSV None 2\nCSV None 3\n")
    assert answer.header("content-disposition") == (
        'attachment; filename="BRK-U1-S03-B07_20261120T0000Z_20261127T0000Z.csv"'
    )
    assert answer.header("content-type").startswith("text/csv")
    hourly = browser.request("GET", wanted(365, bucket=timedelta(hours=1)).url)
    assert hourly.text.startswith("CSV 1:00:00 1")


def test_a_token_that_has_expired_is_renewed(browser: Browser, dummy: DummyClient) -> None:
    dummy.expire_access_tokens()
    assert browser.request("GET", wanted().url).status == 200


def test_an_export_that_breaks_off_never_looks_whole(browser: Browser, dummy: DummyClient) -> None:
    dummy.deaf = True
    with pytest.raises(UnavailableError):  # which ends the connection before the end of the answer
        browser.request("GET", wanted().url)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (wanted(31).url, 400),
        (wanted(battery_id="HKT-U1-S01-B01").url, 404),
        (DOWNLOAD_PATH, 400),
        (f"{DOWNLOAD_PATH}?{urlencode({'battery': HERE, 'start': 'x', 'end': 1, 'bucket': 0, 'format': 'csv'})}", 400),
        (f"{DOWNLOAD_PATH}?{urlencode({'battery': HERE, 'start': 0, 'end': 1e30, 'bucket': 0, 'format': 'csv'})}", 400),
        (f"{DOWNLOAD_PATH}?{urlencode({'battery': HERE, 'start': 0, 'end': 1, 'bucket': 0, 'format': 'exe'})}", 400),
    ],
)
def test_what_cannot_be_had_is_refused_in_words(browser: Browser, address: str, status: int) -> None:
    answer = browser.request("GET", address)
    assert answer.status == status
    assert len(answer.text.split()) > 3


def test_nobody_gets_a_file_without_a_session(browser: Browser, dummy: DummyClient) -> None:
    browser.cookies.clear()
    answer = browser.request("GET", wanted().url, accept="*/*")
    assert answer.status == 401
    assert "export_history" not in dummy.calls


def test_a_session_that_the_server_has_ended_asks_for_a_login(browser: Browser, dummy: DummyClient) -> None:
    dummy.expire_sessions()
    assert browser.request("GET", wanted().url).status == 401


def test_a_server_that_is_away_is_told(browser: Browser, dummy: DummyClient) -> None:
    dummy.away = True
    assert browser.request("GET", wanted().url).status == 503


def test_the_page_says_what_is_in_a_file_and_asks_for_the_past_once(open_as: Opener, dummy: DummyClient) -> None:
    app = open_as("anna")
    app.query_params["battery"] = HERE
    app.run()
    assert dummy.calls.count("query_history") == 1
    assert "the last 24 h, every sample" in html_of(app)
    assert "bucket=0&amp;format=parquet" in html_of(app)
    app.segmented_control(key="past_span").set_value("1 y").run()
    assert not app.exception
    assert dummy.calls.count("query_history") == 2
    assert "the last 1 y, hourly means with lowest and highest values" in html_of(app)
    assert "bucket=3600&amp;format=csv" in html_of(app)


def html_of(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html"))
