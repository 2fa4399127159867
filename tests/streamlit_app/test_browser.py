"""The dashboard as a person meets it: its own process, a real server with the whole fleet, and a real browser."""

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect, sync_playwright

from batterytwin.access import Role
from batterytwin.alerts import AlertState
from batterytwin.events import HealthEvidenceKind
from batterytwin.inventory import load_fleet
from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.sync_client import TwinClient
from storage.drill_databases import DrillDatabases
from storage.server_store import ServerStore
from tests.fixtures.server import QUICK_HASHES, RunningServer, serve_in_thread
from twin_server.access_admin import add_user
from twin_server.drill_local import LocalDrillHosts
from twin_server.live_drill import DrillPlace
from twin_server.passwords import Passwords

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NINE: Final = load_fleet().locations
HOT: Final = "BRK-U1-S03-B07"
TESTED: Final = "BRK-U1-S03-B08"
ENGINEER, PASSWORD = "malee", "a long enough password"
WIDE: Final = ViewportSize(width=1440, height=900)
PHONE: Final = ViewportSize(width=390, height=844)


@pytest.fixture
def full_fleet(database_url: str) -> None:
    """The nine sites and an engineer for them, in the database before the server opens it."""

    async def prepare() -> None:
        store = await ServerStore.connect(database_url)
        try:
            await store.register_inventory(load_fleet())
            sites = [site.location_id for site in NINE]
            await add_user(store, ENGINEER, Role.ENGINEER, sites, password=PASSWORD, passwords=Passwords(QUICK_HASHES))
        finally:
            await store.close()

    asyncio.run(prepare())


@pytest.fixture
def fed_server(full_fleet: None, database_url: str, tmp_path: Path) -> Iterator[RunningServer]:  # noqa: ARG001 - first
    """A server whose batteries are all live, and which plays drills; one has been too hot for ten minutes."""
    now_ns = time.time_ns()
    databases = DrillDatabases(database_url)
    place = DrillPlace(LocalDrillHosts(), databases, database_url, tmp_path / "archive", tmp_path)
    with serve_in_thread(database_url, tmp_path, drills=place) as server, TwinClient(server.target) as client:
        for site in NINE:
            ids = [battery.battery_id for battery in site.batteries() if battery.battery_id != HOT]
            for age_s in (120, 60, 0):
                batch = ReadingBatch(_readings(ids, now_ns - age_s * 10**9, 26.0))
                client.ingest(batch, token=server.gateway_tokens[site.location_id])
        for age_s in range(600, -1, -50):
            batch = ReadingBatch(_readings([HOT], now_ns - age_s * 10**9, 47.0))
            client.ingest(batch, token=server.gateway_tokens["BRK"])
        yield server
    assert databases.left_over() == []


def _fresh_samples(server: RunningServer) -> None:
    """One more sample of each battery of the first site, as the last one was."""
    now_ns, token = time.time_ns(), server.gateway_tokens[NINE[0].location_id]
    ids = [battery.battery_id for battery in NINE[0].batteries() if battery.battery_id != HOT]
    with TwinClient(server.target) as client:
        client.ingest(ReadingBatch(_readings(ids, now_ns, 26.0)), token=token)
        client.ingest(ReadingBatch(_readings([HOT], now_ns, 47.0)), token=token)


def _readings(ids: list[str], time_ns: int, temperature_c: float) -> ReadingColumns:
    n = len(ids)
    return ReadingColumns(
        ids,
        np.full(n, time_ns, np.int64),
        voltage_v=np.full(n, 13.62, np.float32),
        current_a=np.full(n, 0.06, np.float32),
        temperature_c=np.full(n, temperature_c, np.float32),
        internal_resistance_mohm=np.full(n, 4.0, np.float32),
    )


@pytest.fixture
def dashboard_url(fed_server: RunningServer, tmp_path: Path) -> Iterator[str]:
    """Address of a dashboard started as the product starts it, from a folder that is not the checkout."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit_app", "--target", fed_server.target, "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        url = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health") as answer:
                if answer.status == 200:
                    break
            time.sleep(0.1)
        assert process.poll() is None, "the dashboard ended while it started"
        yield url
    finally:
        process.terminate()
        process.wait(10)


_PATIENCE_MS: Final = 90_000  # a busy machine draws slowly, and that is not what is tested


@pytest.fixture
def browser_context(dashboard_url: str) -> Iterator[BrowserContext]:
    """A fresh browser that must not leave this machine."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport=WIDE, base_url=dashboard_url)
        context.set_default_timeout(_PATIENCE_MS)
        outside: list[str] = []
        context.on("request", lambda request: outside.append(request.url) if _leaves(request.url) else None)
        yield context
        browser.close()
        assert outside == []


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1"


@pytest.mark.timeout(900)
def test_an_engineers_day(browser_context: BrowserContext, fed_server: RunningServer) -> None:
    page = browser_context.new_page()
    with _told_what_was_in_sight(page):
        _log_in(page)
        _the_login_survives_a_reload(page, browser_context)
        _nine_cards(page)
        _a_site_shows_216_cells_and_opens_a_battery(page)
        _fresh_samples(fed_server)  # a busy machine may have taken minutes to come here
        _a_string_shows_24_blocks_and_opens_one(page)
        _a_capacity_test_is_evidence_at_once(page, fed_server)
        _zoom_survives_new_data(page, fed_server)
        _the_past_is_downloaded(page)
        _lives_are_told(page)
        _an_alert_is_acknowledged(page, fed_server)
        _a_drill_is_played(page, fed_server)
        _every_page_fits_a_phone(page)
        _log_out(page, browser_context)


@contextmanager
def _told_what_was_in_sight(page: Page) -> Iterator[None]:
    """Prints address and text of the page where a step fails: what a person would have seen instead."""
    try:
        yield
    except BaseException:
        print(page.url, page.inner_text("body"), sep="\n")
        raise


def _log_in(page: Page) -> None:
    page.goto("/site?site=BRK")
    assert urlsplit(page.url).path == "/login"
    page.fill("input[name=username]", ENGINEER)
    page.fill("input[name=password]", "not the password")
    page.click("button")
    page.wait_for_selector("[role=alert]")
    page.fill("input[name=password]", PASSWORD)
    page.click("button")
    page.wait_for_url("**/site?site=BRK")
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image")


def _the_login_survives_a_reload(page: Page, context: BrowserContext) -> None:
    page.reload()
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image")
    cookie = next(cookie for cookie in context.cookies() if cookie["name"].startswith("batterytwin"))
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["value"] not in page.evaluate("document.cookie + JSON.stringify(localStorage)")


def _nine_cards(page: Page) -> None:
    page.goto("/")
    cards = page.locator('[class*="st-key-card_"]')
    expect(cards).to_have_count(9)
    for site in NINE:
        expect(cards.filter(has_text=site.display_name).filter(has_text="216 batteries")).to_have_count(1)
    expect(page.locator(".st-key-stats_totals")).to_contain_text("1,944")
    expect(page.locator("body")).not_to_contain_text("Test site")


def _a_site_shows_216_cells_and_opens_a_battery(page: Page) -> None:
    page.get_by_role("link", name="Bangrak").click()
    page.wait_for_url("**/site?site=BRK")
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image")
    shape = page.evaluate(
        "(() => { const d = document.querySelector('.js-plotly-plot')._fullData;"
        " return [d[0].z.length, d[0].z[0].length, d[0].customdata.flat().length] })()"
    )
    assert shape == [9, 24, 216]
    area = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    cell = (area["x"] + area["width"] * 6.5 / 24, area["y"] + area["height"] * 2.5 / 9)
    page.mouse.move(*cell)
    page.mouse.click(*cell)
    page.wait_for_url(f"**/battery?battery={HOT}")
    expect(page.locator(".st-key-panel_live_measured")).to_contain_text("47.0 °C")
    expect(page.locator(".st-key-panel_live_estimated")).to_contain_text(re.compile(r"± [\d.]+ %"))


def _zoom_survives_new_data(page: Page, server: RunningServer) -> None:
    page.goto(f"/battery?battery={HOT}")
    page.wait_for_selector('[class*="st-key-panel_past"] .js-plotly-plot .nsewdrag')
    chart = page.locator('[class*="st-key-panel_past"] .js-plotly-plot .nsewdrag').first
    chart.scroll_into_view_if_needed()
    tools = page.locator(".st-key-panel_past .modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
    assert tools == ["Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"], "nothing that sends data elsewhere"
    area = chart.bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + 200, area["y"] + 40)
    page.mouse.down()
    page.mouse.move(area["x"] + 500, area["y"] + 45, steps=6)
    page.mouse.up()
    graph = "document.querySelector('[class*=\"st-key-panel_past\"] .js-plotly-plot')"
    zoomed = page.evaluate(f"{graph}._fullLayout.xaxis.range")
    drawn = page.evaluate(f"{graph}.layout.xaxis.range")
    points = page.evaluate(f"{graph}.data[0].x.length")
    with TwinClient(server.target) as client:
        # as far ahead as is accepted: a day is drawn in points of two minutes, and this must be a new one
        newer = _readings([HOT], time.time_ns() + 110 * 10**9, 46.0)
        client.ingest(ReadingBatch(newer), token=server.gateway_tokens["BRK"])
    page.wait_for_function(f"{graph}.data[0].x.length > {points}")
    assert page.evaluate(f"{graph}._fullLayout.xaxis.range") == zoomed == drawn


def _lives_are_told(page: Page) -> None:
    page.goto(f"/battery?battery={HOT}")
    expect(page.locator(".st-key-panel_life")).to_contain_text("Twin alone")
    # the chart of the future has a layer for bars too, with none in it, and may be drawn first
    page.locator(".st-key-panel_life .js-plotly-plot .barlayer .point").first.wait_for(state="attached")
    page.get_by_role("link", name="Life", exact=True).click()
    expect(page.locator(".st-key-panel_life_table")).to_contain_text("Every battery")
    expect(page.locator(".st-key-panel_life_first")).to_contain_text("-U1-S")
    page.get_by_role("link", name="Plan", exact=True).click()
    expect(page.locator(".st-key-stats_plan")).to_contain_text("Blocks to exchange")


def _the_past_is_downloaded(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert download.value.failure() is None
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("battery_id,time,voltage_v,")
    assert len(lines) >= 13
    assert all(line.startswith(f"{HOT},20") for line in lines[1:])


def _a_string_shows_24_blocks_and_opens_one(page: Page) -> None:
    page.get_by_role("link", name="U1 S03 side by side").click()
    page.wait_for_url("**/string?string=BRK-U1-S03")
    figure = page.locator(".st-key-panel_blocks .js-plotly-plot")
    figure.locator(".barlayer .point").first.wait_for(state="attached")
    drawn = figure.evaluate(
        "plot => plot._fullData.map("
        "d => [d.x.length, new Set(d.customdata).size, Array.from(d.y).every(Number.isFinite)])"
    )
    assert drawn == [[24, 24, True]] * 6, "signs, three deviations, charge and health, all on one axis"
    expect(page.locator(".st-key-stats_live_electric")).to_contain_text("326.88 V")
    expect(page.locator('[data-testid="stMain"]')).to_contain_text("24 live")
    expect(page.locator('[class*="autonomy"]').first).to_contain_text(re.compile(r"\d+ (min|h)"))
    area = figure.locator(".nsewdrag").nth(1).bounding_box()
    assert area is not None
    block = (area["x"] + area["width"] * 7.5 / 24, area["y"] + area["height"] / 2)
    page.mouse.move(*block)
    page.mouse.click(*block)
    page.wait_for_url(f"**/battery?battery={TESTED}")


def _a_capacity_test_is_evidence_at_once(page: Page, server: RunningServer) -> None:
    health = page.locator(".st-key-panel_health")
    expect(health).to_contain_text("A capacity test settles it")
    form = page.locator(".st-key-panel_record")
    form.get_by_label("Charge taken out, Ah").fill("960")
    form.get_by_label("Voltage at the end, V").fill("10.5")
    form.get_by_role("button", name="Record").click()
    expect(form).to_contain_text("Charge taken out is 960")
    form.get_by_label("Charge taken out, Ah").fill("96")
    form.get_by_role("button", name="Record").click()
    expect(form).to_contain_text("Capacity test recorded. State of health is now")
    expect(health).to_contain_text("Last evidence of capacity: capacity test")
    expect(page.locator(".st-key-panel_events")).to_contain_text("96.0 Ah at 12.0 A")
    with TwinClient(server.target, server.admin_token) as client:
        twin = client.get_twin(TESTED)
        assert [event.recorded_by for event in client.list_events(battery_id=TESTED)] == [ENGINEER]
    assert twin.capacity_evidence_kind is HealthEvidenceKind.CAPACITY_TEST
    assert twin.soh_capacity is not None
    assert twin.soh_capacity.value == pytest.approx(0.8, abs=0.06)


def _an_alert_is_acknowledged(page: Page, server: RunningServer) -> None:
    page.goto("/alerts")
    page.wait_for_selector('[data-testid="stDataFrame"] canvas')
    table = page.locator('[data-testid="stDataFrame"]').bounding_box()
    assert table is not None
    page.mouse.click(table["x"] + 18, table["y"] + 35 + 17)
    chosen = page.locator(".st-key-panel_chosen")
    chosen.get_by_label("Note").fill("cleaned the filter")
    chosen.get_by_role("button", name="Acknowledge").click()
    page.wait_for_selector('[data-testid="stToast"]')
    with TwinClient(server.target, server.admin_token) as client:
        alerts = client.list_alerts("BRK", HOT).alerts
    seen = [alert for alert in alerts if alert.state is AlertState.ACKNOWLEDGED]
    assert [(alert.acknowledged_by, alert.acknowledge_note) for alert in seen] == [(ENGINEER, "cleaned the filter")]


def _a_drill_is_played(page: Page, server: RunningServer) -> None:
    page.goto("/what-if")
    page.get_by_placeholder(re.compile("Search")).fill("open cell")
    page.get_by_placeholder(re.compile("Search")).press("Enter")
    expect(page.locator(".st-key-add_drill_shorted_cell")).to_have_count(0)  # the library is narrowed
    page.locator(".st-key-add_drill_open_cell button").click()
    part = page.locator('[class*="st-key-panel_part_drill"]')
    expect(part.get_by_label("Batteries")).to_have_count(1)
    part.get_by_label("Batteries").fill("B05")
    part.get_by_label("Batteries").press("Enter")
    page.get_by_placeholder("As its scenarios").fill("Open cell on Monday")
    page.get_by_placeholder("As its scenarios").press("Enter")
    page.get_by_role("button", name="Start the drill").click()
    page.get_by_role("button", name="Watch it").click()
    banner = page.locator(".st-key-drill_banner")
    expect(banner).to_contain_text("SIMULATION MODE")
    page.wait_for_url("**/site?site=CNX&drill=*")
    drill_id = re.search("drill=([^&]+)", page.url)
    assert drill_id is not None
    with TwinClient(server.target, server.admin_token) as client:
        inside = client.in_drill(drill_id.group(1))
        assert len(inside.get_fleet_snapshot().twins.battery_ids) == 216
    page.reload()
    expect(banner).to_contain_text("Open cell on Monday")
    banner.get_by_role("link", name="Side by side").click()
    page.wait_for_selector('[class*="st-key-side_"] .js-plotly-plot .nsewdrag')
    page.get_by_role("button", name="Back to live").click()
    expect(banner).to_have_count(0)
    page.goto("/what-if")
    row = page.locator('[class*="st-key-panel_drill_"]')
    row.get_by_role("button", name="Stop").click()
    row.get_by_role("button", name="Stop it").click()
    expect(row).to_have_count(0)
    page.goto(f"/site?site=CNX&drill={drill_id.group(1)}")
    expect(page.locator(".st-key-drill_end")).to_contain_text(f"stopped by {ENGINEER}")
    page.locator(".st-key-drill_end").get_by_role("link", name="Its report").click()
    expect(page.locator(".st-key-panel_report_parts")).to_contain_text("Open cell")


def _every_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    for path in (
        "/",
        "/site?site=HKT",
        f"/battery?battery={HOT}",
        "/string?string=HKT-U1-S01",
        "/alerts",
        "/account",
        "/what-if",
        "/projections",
    ):
        page.goto(path)
        page.wait_for_selector('[data-testid="stMainBlockContainer"] [class*="st-key-"]')
        main = "document.querySelector('[data-testid=\"stMain\"]')"
        assert page.evaluate(f"{main}.scrollWidth") <= PHONE["width"]
    page.set_viewport_size(WIDE)


def _log_out(page: Page, context: BrowserContext) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert not [cookie for cookie in context.cookies() if cookie["name"].startswith("batterytwin")]
    page.goto("/alerts")
    assert urlsplit(page.url).path == "/login"
