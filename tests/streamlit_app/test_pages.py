import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from batterytwin.alerts import AlertState, Severity
from batterytwin.telemetry import Quality
from streamlit_app import answers, visitor
from streamlit_app.backend import Backend
from streamlit_app.views import alerts as alerts_page
from streamlit_app.wording import RULE_TEXT
from tests.streamlit_app.conftest import log_in
from tests.streamlit_app.dummy_client import PASSWORD, USERS, DummyClient
from tests.streamlit_app.dummy_fleet import NOW, SITES, columns, first_alerts

Opener = Callable[[str], AppTest]

PAGE = """
import streamlit as st
from streamlit_app import links
from streamlit_app.pages import build_pages
from streamlit_app.views import {page}
from streamlit_app.visitor import current_visitor

pages = build_pages(current_visitor().identity.username)
links.register(pages)
st.navigation(list(pages.values()), position="hidden")
{page}.show()
"""


def texts(app: AppTest) -> str:
    """Everything that the page says."""
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(str(element.value) for element in elements)


def values(app: AppTest) -> dict[str, str]:
    """Tiles by label; of several alike, the first."""
    found: dict[str, str] = {}
    for tile in app.metric:
        found.setdefault(tile.label, tile.value)
    return found


def only(page: str) -> AppTest:
    return AppTest.from_string(PAGE.format(page=page), default_timeout=30)


def test_the_fleet_page_has_nine_cards_that_add_up(open_as: Opener) -> None:
    app = open_as("anna").run()
    assert not app.exception
    assert values(app)["Batteries"] == "1,944"
    assert [tile.label for tile in app.metric].count("Healthy") == 9
    assert {link.label for link in app.page_link} >= {site.display_name for site in SITES}


@pytest.mark.parametrize("username", ["somchai", "viewer"])
def test_people_see_their_own_sites_alone(open_as: Opener, username: str) -> None:
    app = open_as(username).run()
    assigned = USERS[username][1]
    names = {site.display_name: site.location_id for site in SITES}
    assert {names[link.label] for link in app.page_link if link.label in names} == set(assigned)
    assert values(app)["Batteries"] == f"{216 * len(assigned):,}"


def test_the_fleet_page_names_what_is_critical(open_as: Opener) -> None:
    app = open_as("anna").run()
    critical = [alert for alert in first_alerts() if alert.severity is Severity.CRITICAL]
    newest = max(critical, key=lambda alert: alert.raise_time)
    assert newest.battery_id in {link.label for link in app.page_link}
    assert RULE_TEXT[newest.rule] in texts(app)


def test_nothing_of_one_person_is_shown_to_the_next(
    open_as: Opener, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One browser connection, three people after another, each within the life of the others' answers."""
    app = open_as("anna")
    app.query_params["site"] = "BRK"
    app.run()
    assert values(app)["Batteries"] == "216"
    log_in(backend, "viewer", monkeypatch)
    app.run()
    assert "assigned to you" in texts(app)
    assert "BRK-U1" not in texts(app)
    assert not app.metric
    assert not app.dataframe
    assert app.session_state["owner"] == "viewer"
    assert "site_choice" not in app.session_state


def test_the_site_page_lists_216_batteries_in_string_order(open_as: Opener) -> None:
    app = open_as("anna")
    app.query_params["site"] = "HKT"
    app.run()
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["battery"]) == [
        b.battery_id for site in SITES if site.location_id == "HKT" for b in site.batteries()
    ]
    assert table["soh"].isna().sum() == (columns(["HKT"], []).as_of_unix_ns == 0).sum()


def test_site_filters_narrow_the_table(open_as: Opener) -> None:
    app = open_as("anna")
    app.query_params["site"] = "BRK"
    app.run()
    app.multiselect(key="site_strings").set_value(["BRK-U1-S02"]).run()
    assert len(app.dataframe[0].value) == 24
    app.toggle(key="site_alerts").set_value(True).run()
    assert "No battery matches" in texts(app) or (app.dataframe[0].value["alerts"] > 0).all()
    app.toggle(key="site_alerts").set_value(False)
    app.multiselect(key="site_strings").set_value([])
    app.multiselect(key="site_qualities").set_value([Quality.STALE]).run()
    assert set(app.dataframe[0].value["quality"]) == {"Stale"}


@pytest.mark.parametrize("metric", ["State of charge", "Voltage", "Temperature", "Resistance", "Innovation"])
def test_the_map_shows_every_metric(open_as: Opener, metric: str) -> None:
    app = open_as("anna")
    app.query_params["site"] = "CNX"
    app.run()
    app.segmented_control(key="site_metric").set_value(metric).run()
    assert not app.exception


def test_the_battery_page_shows_measured_beside_estimated(open_as: Opener) -> None:
    app = open_as("anna")
    app.query_params["battery"] = "BRK-U1-S03-B07"
    app.run()
    assert not app.exception
    shown = {tile.label: (tile.value, tile.delta) for tile in app.metric}
    assert shown["Voltage"][0].endswith(" V")
    for label in ("State of charge", "State of health", "Resistance health", "Model resistance R0"):
        assert shown[label][1].startswith("± ")
    assert "Bangkok" in str([caption.proto for caption in app.caption])
    assert "HX12-120" in str([table.value for table in app.table])


def battery_of(quality: Quality, *, known: bool) -> str:
    table = columns([site.location_id for site in SITES], [])
    rows = [i for i in range(len(table)) if table.qualities[i] == quality and bool(table.as_of_unix_ns[i]) is known]
    return table.battery_ids[rows[0]]


LURE = "**Log in again** at [the server](https://evil.example) or www.evil.example"


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("site", "site"), ("string", "string"), ("battery", "battery"), ("projection", "projection"),
        ("drill_report", "report"),
    ],
)  # fmt: skip
def test_an_address_puts_no_words_or_links_into_the_mouth_of_the_dashboard(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, page: str, name: str
) -> None:
    log_in(backend, "anna", monkeypatch)
    app = only(page)
    app.query_params[name] = LURE
    app.run()
    assert not app.exception
    (said,) = [re.sub(r"\\.", "", error.value) for error in app.error]
    for bait in ("**", "](", "://", "www."):
        assert bait not in said


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.NO_DATA, Quality.SUSPECT])
def test_old_values_are_shown_with_their_age_and_greyed(open_as: Opener, quality: Quality) -> None:
    app = open_as("anna")
    app.query_params["battery"] = battery_of(quality, known=True)
    app.run()
    assert values(app)["Voltage"].endswith(" V")
    assert "age" in texts(app)
    assert app.get_by_key("panel_dim_measured")


def test_a_battery_that_never_spoke_shows_no_number(open_as: Opener) -> None:
    app = open_as("anna")
    app.query_params["battery"] = battery_of(Quality.NO_DATA, known=False)
    app.run()
    assert not app.exception
    assert {tile.value for tile in app.metric} == {"\N{EN DASH}"}
    assert "No sample yet" in texts(app)


@pytest.mark.parametrize("battery_id", ["NOPE-U1-S01-B01", "<script>", "HKT-U1-S01-B01"])
def test_a_battery_that_is_not_ones_own_is_not_shown(open_as: Opener, battery_id: str) -> None:
    app = open_as("somchai")
    app.query_params["battery"] = battery_id
    app.run()
    assert not app.exception
    assert not app.metric
    assert "There is no battery" in texts(app)
    assert "To the fleet" in {link.label for link in app.page_link}


def test_last_known_values_stay_while_the_server_is_away(
    open_as: Opener, dummy: DummyClient, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_as("anna").run()
    dummy.away = True
    now = time.time()
    for cache in (backend.live, backend.inventory):
        monkeypatch.setattr(cache, "_clock", lambda: now + 300)
    app.run()
    assert not app.exception
    assert values(app)["Batteries"] == "1,944"
    assert "last known values" in texts(app)


def test_a_page_says_so_when_there_is_nothing_to_show_yet(open_as: Opener, dummy: DummyClient) -> None:
    app = open_as("anna")
    dummy.away = True
    app.run()
    assert not app.exception
    assert "does not answer yet" in texts(app)


def test_a_battery_without_any_answer_yet_is_one_sentence_that_tries_again(open_as: Opener, dummy: DummyClient) -> None:
    app = open_as("anna").run()
    app.query_params["battery"] = "BRK-U1-S03-B07"
    battery = only("battery")
    battery.query_params["battery"] = "BRK-U1-S03-B07"
    dummy.away = True
    battery.run()
    assert not battery.exception
    assert [warning.value for warning in battery.warning].count(battery.warning[0].value) == 1
    dummy.away = False
    battery.run()
    assert values(battery)["Voltage"].endswith(" V")


def select(app: AppTest, *rows: int) -> AppTest:
    """Selects rows of the alert table, as a click does."""
    app.session_state[str(app.dataframe[0].key)] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_an_engineer_acknowledges_with_a_note(
    backend: Backend, dummy: DummyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(backend, "somchai", monkeypatch)
    app = only("alerts").run()
    assert not app.exception
    raised = next(i for i, state in enumerate(app.dataframe[0].value["state"]) if state == "Raised")
    listed = dummy.list_alerts(states=(AlertState.RAISED, AlertState.ACKNOWLEDGED), token="access-1").alerts
    select(app, raised)
    app.text_input[0].set_value("fan replaced")
    next(button for button in app.button if button.label == "Acknowledge").click().run()
    alert = dummy.alert(listed[raised].alert_id)
    assert (alert.state, alert.acknowledged_by, alert.acknowledge_note) == (
        AlertState.ACKNOWLEDGED,
        "somchai",
        "fan replaced",
    )


def test_a_viewer_reads_alerts_and_cannot_handle_them(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(backend, "viewer", monkeypatch)
    app = select(only("alerts").run(), 0)
    assert "Viewers read alerts" in texts(app)
    assert not app.button


def test_a_new_alert_does_not_move_a_selection(
    backend: Backend, dummy: DummyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(backend, "anna", monkeypatch)
    app = only("alerts").run()
    first = app.dataframe[0].value["source"].iloc[0]
    newest = dummy.list_alerts(token="access-1").alerts[0]
    dummy.raise_alert(replace(newest, alert_id="new", battery_id="BRK-U1-S01-B01", raise_time=NOW))
    now = time.time()
    monkeypatch.setattr(backend.live, "_clock", lambda: now + 60)
    select(app, 0)
    assert app.dataframe[0].value["source"].iloc[0] == first
    assert "1 newer alert" in texts(app)


def test_a_list_of_alerts_that_was_cut_off_says_so(
    backend: Backend, dummy: DummyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(backend, "anna", monkeypatch)
    monkeypatch.setattr(answers, "ALERTS_SHOWN", len(dummy.list_alerts(token="access-1").alerts) + 1)
    app = only("alerts").run()
    app.segmented_control(key="alerts_state").set_value("All").run()
    assert "Older ones" not in texts(app)
    monkeypatch.setattr(answers, "ALERTS_SHOWN", 3)
    now = time.time()
    monkeypatch.setattr(backend.live, "_clock", lambda: now + 60)
    app.run()
    assert len(app.dataframe[0].value) == 3
    assert "The newest 3 alerts. Older ones may match too" in texts(app)


def test_alerts_are_filtered_by_severity_and_state(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(backend, "anna", monkeypatch)
    app = only("alerts").run()
    app.selectbox(key="alerts_severity").set_value(3).run()
    assert {rank for ranks in app.dataframe[0].value["severity"] for rank in ranks} == {"Critical"}
    app.segmented_control(key="alerts_state").set_value("Resolved").run()
    assert not app.exception
    assert "No alert matches" in texts(app)


def test_the_account_page_logs_out(backend: Backend, dummy: DummyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    name = log_in(backend, "somchai", monkeypatch)
    app = only("account").run()
    assert "BRK, NBI" in str([table.value for table in app.table])
    app.button(key="log_out").click().run()
    assert backend.sessions.find(name) is None
    assert "logout" in dummy.calls
    assert "You are logged out." in texts(app)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ((PASSWORD, "a new passphrase", "a new passphrase"), "The password is changed"),
        (("not my password", "a new passphrase", "a new passphrase"), "password is wrong"),
        ((PASSWORD, "short", "short"), "at least 10"),
        ((PASSWORD, "a new passphrase", "another passphrase"), "differ"),
    ],
)
def test_a_password_is_changed_with_care(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], says: str
) -> None:
    name = log_in(backend, "somchai", monkeypatch)
    app = only("account").run()
    for field, text in zip(app.text_input, typed, strict=True):
        field.set_value(text)
    next(button for button in app.button if button.label == "Change").click().run()
    assert not app.exception
    assert says in texts(app)
    assert backend.sessions.find(name) is not None


@pytest.mark.usefixtures("backend")
def test_without_a_session_no_page_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor, "session_cookie", lambda _: None)
    app = AppTest.from_file("../../streamlit_app/app.py", default_timeout=30).run()
    assert not app.metric
    assert "You are logged out." in texts(app)


def test_a_page_asks_the_server_a_handful_of_questions(open_as: Opener, dummy: DummyClient) -> None:
    """Never one per battery."""
    app = open_as("anna")
    app.query_params["site"] = "BRK"
    app.run()
    assert len(dummy.calls) <= 6


def test_ten_visitors_of_one_name_cost_the_server_no_more_than_one(open_as: Opener, dummy: DummyClient) -> None:
    open_as("anna").run()
    before = len(dummy.calls)
    for _ in range(3):
        open_as("anna").run()
    assert len(dummy.calls) - before <= 3 * 1 + 4, "logins and at most one renewal of each answer"


def test_details_are_limited(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(backend, "anna", monkeypatch)
    app = select(only("alerts").run(), *range(6))
    assert f"and {6 - alerts_page.DETAILS_SHOWN} more" in texts(app)
