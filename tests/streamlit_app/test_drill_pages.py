"""Pages in a drill and beside one: which world is shown, that worlds never mix, and the way back."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit.testing.v1 import AppTest

from batterytwin.alerts import AlertState
from clients.types import DrillState, Role
from streamlit_app.backend import Backend
from streamlit_app.download_routes import Download, DownloadRoutes
from streamlit_app.drill_choice import is_name
from streamlit_app.gate import Gate
from streamlit_app.scoped_cache import Scope
from streamlit_app.sessions import SessionStore
from tests.streamlit_app.dummy_client import PASSWORD, DummyClient
from tests.streamlit_app.dummy_scenario_client import SIMULATED_V
from tests.streamlit_app.test_downloads import wanted
from tests.streamlit_app.test_gate import COOKIE, Browser
from tests.streamlit_app.test_pages import only, select, texts, values

Opener = Callable[[str], AppTest]
BATTERY = "BRK-U1-S03-B07"
SIMULATED = f"{SIMULATED_V:.3f} V"


def in_drill(app: AppTest, drill_id: str = "d1", **address: str) -> AppTest:
    app.query_params["drill"] = drill_id
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def label(app: AppTest, words: str) -> bool:
    return any(words in button.label for button in app.button)


def test_a_battery_of_a_drill_is_shown_under_a_banner_and_all_ways_lead_on_in_the_drill(
    open_as: Opener, dummy: DummyClient
) -> None:
    dummy.run_drill("d1")
    app = in_drill(open_as("somchai"), battery=BATTERY)
    assert not app.exception
    assert values(app)["Voltage"] == SIMULATED
    assert "SIMULATION MODE \N{EN DASH} Bangrak" in texts(app)
    assert "27 Nov 2026, 11:00:00" in texts(app), "the drill's own time, in Bangkok"
    assert app.query_params["drill"] == "d1"
    subjects = [link.proto.query_string for link in app.page_link if "battery=" in link.proto.query_string]
    assert subjects
    assert all("drill=d1" in query for query in subjects)
    asked = {
        call for call in dummy.calls if call.startswith(("get_twin", "get_string", "query_history", "list_alerts"))
    }
    assert asked
    assert all(call.endswith("@d1") for call in asked)
    assert not [call for call in dummy.calls if call.startswith("get_remaining_life")], "copies have no life to tell"
    assert "Record what happened" not in texts(app), "nothing that is not real is recorded"


def test_live_and_simulated_answers_never_mix(open_as: Opener, dummy: DummyClient) -> None:
    """Each within the life of the other's answers, in one browser."""
    dummy.run_drill("d1")
    app = open_as("anna")
    app.query_params["battery"] = BATTERY
    app.run()
    real = values(app)["Voltage"]
    assert real != SIMULATED
    assert "SIMULATION" not in texts(app)
    assert values(in_drill(app, battery=BATTERY))["Voltage"] == SIMULATED
    app.button(key="drill_leave").click().run()
    assert not app.exception
    assert values(app)["Voltage"] == real
    assert "SIMULATION" not in texts(app)
    assert "drill" not in app.query_params
    assert values(in_drill(app, battery=BATTERY))["Voltage"] == real, "an old address does not lead back into it"


@pytest.mark.parametrize("state", [DrillState.STOPPED, DrillState.FAILED])
def test_a_drill_that_has_ended_leads_back_with_a_sentence(
    open_as: Opener, dummy: DummyClient, backend: Backend, state: DrillState
) -> None:
    drill = dummy.run_drill("d1", title="Monday morning")
    app = in_drill(open_as("anna"))
    assert "SIMULATION" in texts(app)
    dummy.drills["d1"] = replace(drill, state=state, stopped_by="malee", reason="the server was restarted")
    backend.drills.forget(Scope("anna", Role.ADMIN, ()))
    app.run()
    assert not app.exception
    assert "SIMULATION" not in texts(app)
    assert "Monday morning" in texts(app)
    assert ("stopped by malee" if state is DrillState.STOPPED else "the server was restarted") in texts(app)
    assert values(app)["Batteries"] == "1,944"
    app.run()
    assert "Monday morning" not in texts(app), "it is said once"


@pytest.mark.parametrize("name", ["nobody", "../d1", "d1 d1"])
def test_an_address_of_no_drill_shows_the_live_fleet(open_as: Opener, dummy: DummyClient, name: str) -> None:
    dummy.run_drill("d1")
    app = in_drill(open_as("anna"), name)
    assert not app.exception
    assert "SIMULATION" not in texts(app)
    assert ("There is no drill nobody" in texts(app)) is is_name(name)


def test_a_drill_that_ends_between_two_questions_is_no_exception(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    app = in_drill(open_as("anna"), battery=BATTERY)
    dummy.drills.clear()  # the banner's answer is young; what the page asks is not
    app.session_state["battery_shown"] = "BRK-U1-S03-B09"
    app.query_params["battery"] = "BRK-U1-S03-B09"
    app.run()
    assert not app.exception
    assert "SIMULATION" not in texts(app)


def test_a_place_that_was_not_copied_says_so(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    app = in_drill(open_as("anna"), battery="HKT-U1-S01-B01")
    assert not app.exception
    assert "not in this drill" in texts(app)


def test_live_and_simulated_stand_side_by_side(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    open_as("anna")
    app = in_drill(only("side"), kind="battery", name=BATTERY)
    assert not app.exception
    assert list(app.table[0].value.columns) == ["Newest value", "Live", "Simulation", "Difference"]
    assert {"get_twin", "query_history@d1"} <= set(dummy.calls)
    app.segmented_control(key="side_kind").set_value("String").run()
    assert not app.exception
    assert {"get_string", "get_string@d1"} <= set(dummy.calls)


def test_pages_about_the_live_fleet_ask_nothing_of_a_drill(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    open_as("anna")
    life = only("life")
    life.query_params["drill"] = "d1"
    life.run()
    assert not life.exception
    assert all("@" not in call for call in dummy.calls)


def test_live_pages_note_that_drills_run_and_lead_there(open_as: Opener, dummy: DummyClient) -> None:
    app = open_as("anna").run()
    assert not label(app, "Watch")
    dummy.run_drill("d1", title="Monday morning")
    app = open_as("viewer").run()
    assert "A drill runs beside the live fleet" in texts(app)
    assert label(app, "Watch Monday morning")


def test_an_engineer_acknowledges_in_the_drill_and_nothing_real_changes(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    open_as("somchai")
    app = in_drill(only("alerts"))
    assert not app.exception
    assert len(app.dataframe[0].value) == 2
    raised = next(i for i, state in enumerate(app.dataframe[0].value["state"]) if state == "Raised")
    select(app, raised)
    before = [alert.state for alert in dummy.list_alerts(token="access-1").alerts]
    next(button for button in app.button if button.label == "Acknowledge").click().run()
    inside = dummy.in_drill("d1")
    seen = [alert for alert in inside.list_alerts(token="access-1").alerts if alert.state is AlertState.ACKNOWLEDGED]
    assert "somchai" in {alert.acknowledged_by for alert in seen}
    assert [alert.state for alert in dummy.list_alerts(token="access-1").alerts] == before


def test_a_download_of_a_drill_holds_the_drill_and_says_so_in_its_name(dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    sessions = SessionStore(dummy.refresh)
    browser = Browser(
        Starlette(
            routes=DownloadRoutes(sessions, dummy, COOKIE).routes(),
            middleware=[Middleware(Gate, sessions=sessions, cookie_name=COOKIE)],
        )
    )
    browser.cookies[COOKIE] = sessions.open(dummy.login("somchai", PASSWORD))
    simulated: Download = replace(wanted(), drill_id="d1")
    answer = browser.request("GET", simulated.url)
    assert (answer.status, answer.text.splitlines()[0]) == (200, "CSV None 1@d1")
    assert "SIMULATION_d1" in answer.header("content-disposition")
    assert browser.request("GET", replace(wanted(), drill_id="d2").url).status == 404
    assert browser.request("GET", replace(wanted(), drill_id="a\nb").url).status == 400
