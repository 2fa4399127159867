"""The pages of what-if over a client without a server."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from batterytwin.errors import InvalidArgumentError
from clients.types import DrillState, ScenarioPart
from simulator.scenario import parse_scenario
from streamlit_app.drill_files import report_csv, report_html
from streamlit_app.drill_story import Kind, median_reaction, story
from streamlit_app.drill_times import DrillTimes
from streamlit_app.json_file import json_file
from streamlit_app.own_scenario import definition_of, effect_kinds
from streamlit_app.planned_parts import MOST_PARTS, begin_with, planned, scenario_of
from streamlit_app.scenario_composer import matching
from streamlit_app.scenario_form import step_of
from tests.streamlit_app import dummy_scenarios
from tests.streamlit_app.dummy_client import DummyClient
from tests.streamlit_app.dummy_scenarios import BEGIN, LIBRARY, START
from tests.streamlit_app.test_pages import only, texts, values

Opener = Callable[[str], AppTest]


@pytest.fixture
def panel(open_as: Opener) -> AppTest:
    """The control panel before an engineer."""
    open_as("somchai")
    return only("what_if")


def test_a_drill_is_composed_of_several_scenarios_and_started(panel: AppTest, dummy: DummyClient) -> None:
    panel.run()
    assert not panel.exception
    assert panel.button(key="start_drill").disabled
    panel.button(key="add_drill_hvac_failure").click().run()
    panel.button(key="add_drill_shorted_cell").click().run()
    assert "Choose where each scenario happens" in texts(panel), "a cell shorts in some battery and not everywhere"
    panel.multiselect(key="sites_drill_1").set_value(["BRK"])
    panel.number_input(key="value_rate_k_h_drill_1").set_value(4.0)
    panel.selectbox(key="string_drill_2").set_value("BRK-U1-S01").run()
    panel.multiselect(key="blocks_drill_2_BRK-U1-S01").set_value(["BRK-U1-S01-B02"])
    panel.number_input(key="start_drill_2").set_value(30.0).run()
    panel.text_input(key="drill_title_0").set_value("Monday morning")
    panel.button(key="start_drill").click().run()
    assert not panel.exception
    (drill,) = dummy.drills.values()
    assert (drill.title, drill.speed, drill.started_by) == ("Monday morning", 60.0, "somchai")
    room, cell = drill.parts
    assert (room.scenario_name, room.targets, room.parameters) == (
        "hvac_failure", ("BRK",), {"rate_k_h": 4.0, "duration_h": 24.0}
    )  # fmt: skip
    assert (cell.scenario_name, cell.targets, cell.start_s) == ("shorted_cell", ("BRK-U1-S01-B02",), 1_800.0)
    assert "Monday morning" in texts(panel)
    assert "1 of at most 5" in texts(panel)


def test_the_sixth_drill_is_refused_in_a_sentence(panel: AppTest, dummy: DummyClient) -> None:
    for number in range(1, 6):
        dummy.run_drill(f"d{number}")
    panel.run()
    panel.button(key="add_drill_hvac_failure").click().run()
    panel.button(key="start_drill").click().run()
    assert not panel.exception
    assert "Max 5 concurrent simulations exceeded" in texts(panel)
    assert len(dummy.drills) == 5


def test_a_viewer_watches_and_can_start_change_and_stop_nothing(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    open_as("viewer")
    app = only("what_if").run()
    assert not app.exception
    assert {button.label for button in app.button} == {"Watch", "Side by side", "Report"}
    assert "Viewers watch drills" in texts(app)


def test_a_drill_is_stopped_after_a_question(panel: AppTest, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    panel.run()
    panel.button(key="stop_d1").click().run()
    assert dummy.drills["d1"].state == DrillState.RUNNING
    assert "Stop this drill?" in texts(panel)
    panel.button(key="sure_d1").click().run()
    assert not panel.exception
    assert (dummy.drills["d1"].state, dummy.drills["d1"].stopped_by) == (DrillState.STOPPED, "somchai")


def test_a_drill_is_changed_while_it_runs_and_not_over_the_head_of_another(panel: AppTest, dummy: DummyClient) -> None:
    dummy.run_drill("d1", dummy_scenarios.part(rate_k_h=3.0))
    panel.run()
    panel.button(key="edit_d1").click().run()
    field = panel.number_input(key="value_rate_k_h_edit_d1_1_1")
    assert field.value == 3.0
    field.set_value(5.0)
    panel.select_slider(key="speed_edit_d1_1").set_value(300.0).run()
    panel.button(key="apply_edit_d1_1").click().run()
    assert not panel.exception
    changed = dummy.drills["d1"]
    assert (changed.revision, changed.speed, changed.parts[0].parameters["rate_k_h"]) == (2, 300.0, 5.0)
    panel.button(key="edit_d1").click().run()
    dummy.update_scenario("d1", speed=10.0, token="access-1")
    panel.button(key="apply_edit_d1_2").click().run()
    assert not panel.exception
    assert "Somebody has changed the drill meanwhile" in texts(panel)
    assert dummy.drills["d1"].speed == 10.0


def test_a_drill_with_more_scenarios_than_one_composes_here_keeps_them_when_it_is_changed(
    panel: AppTest, dummy: DummyClient
) -> None:
    given = [dummy_scenarios.part("power_outage", duration_h=0.1 * n) for n in range(1, MOST_PARTS + 4)]
    given[-1] = replace(given[-1], start_s=20.0 * 366 * 86_400)
    dummy.run_drill("d1", *given)
    panel.run()
    panel.button(key="edit_d1").click().run()
    panel.select_slider(key="speed_edit_d1_1").set_value(300.0).run()
    panel.button(key="apply_edit_d1_1").click().run()
    assert not panel.exception
    changed = dummy.drills["d1"]
    assert changed.speed == 300.0
    assert [one.parameters for one in changed.parts] == [one.parameters for one in given]
    assert changed.parts[-1].start_s == given[-1].start_s


def test_a_scenario_of_ones_own_is_checked_before_it_is_played(panel: AppTest, dummy: DummyClient) -> None:
    panel.run()
    panel.text_area(key="own_drill").set_value('kind = "EARTHQUAKE"').run()
    panel.button(key="add_own_drill").click().run()
    assert "nothing is called EARTHQUAKE" in texts(panel).replace("\\", "")
    panel.text_area(key="own_drill").set_value("name: own").run()
    panel.button(key="add_own_drill").click().run()
    panel.button(key="start_drill").click().run()
    assert not panel.exception
    (drill,) = dummy.drills.values()
    assert drill.parts[0].scenario_name == ""
    assert scenario_of(drill.parts[0].definition).title == "A scenario of mine"


def test_a_plan_that_cannot_be_read_whole_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit_app.planned_parts.st.session_state", {})
    known = ScenarioPart(LIBRARY.scenarios[0].name)
    for _ in range(2):  # it is not taken for the plan the next time either
        with pytest.raises(InvalidArgumentError):
            begin_with("drill", [known, ScenarioPart(definition="from a newer server"), known], LIBRARY.scenarios)
        assert planned("drill") == ()
    begin_with("drill", [known, known], LIBRARY.scenarios)
    assert [part.given for part in planned("drill")] == [known, known]


def test_the_report_tells_what_happened_in_order(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1")
    open_as("viewer")
    app = only("drill_report")
    app.query_params["report"] = "d1"
    app.run()
    assert not app.exception
    kinds = [found for (found,) in app.dataframe[0].value["kind"]]
    assert kinds == ["Change", "Critical", "Critical", "Acknowledged", "Change"]
    assert values(app)["Median reaction"] == "20 s"
    assert "Hottest post" in texts(app)
    assert len(app.get("download_button")) == 3


def test_the_list_of_reports_holds_those_that_have_ended(open_as: Opener, dummy: DummyClient) -> None:
    dummy.run_drill("d1", title="Monday morning")
    open_as("viewer")
    app = only("drill_report").run()
    assert not app.exception
    assert list(app.dataframe[0].value["title"]) == ["Monday morning"]


def test_files_of_a_report_say_that_it_is_simulated_and_keep_everything() -> None:
    report = dummy_scenarios.report(dummy_scenarios.drill("d1", title="<b>Monday</b>"))
    page = report_html(report, {"BRK": "Bangrak"}, LIBRARY).decode()
    assert "SIMULATION" in page
    assert "<b>Monday</b>" not in page
    assert "Bangrak" in page
    assert "http" not in page, "nothing from elsewhere"
    rows = report_csv(report).decode().splitlines()
    assert len(rows) == 1 + len(story(report))
    assert rows[0].startswith("drill_time_utc,real_time_utc,kind")
    told = json.loads(json_file(report))
    assert told["drill"]["state"] == "RUNNING"
    assert len(told["alerts"]) == 2


def test_reactions_are_told_by_the_clock_of_the_people() -> None:
    """At sixty times real time twelve minutes of the drill are twelve seconds, and a reaction stays what it was."""
    report = dummy_scenarios.report(dummy_scenarios.drill("d1"))
    times = DrillTimes(report)
    assert times.real(BEGIN + timedelta(minutes=12)) == START + timedelta(seconds=12)
    assert times.real(BEGIN + timedelta(hours=1, minutes=10)) == START + timedelta(seconds=70)
    assert times.real(BEGIN - timedelta(hours=1)) == START
    assert median_reaction(report) == timedelta(seconds=20)
    assert [line.kind for line in story(report)].count(Kind.ACKNOWLEDGED) == 1


def test_the_library_is_searched_by_every_word() -> None:
    assert [found.name for found in matching(LIBRARY.scenarios, "ROOM warms")] == ["hvac_failure"]
    assert len(matching(LIBRARY.scenarios, " ")) == 3
    assert matching(LIBRARY.scenarios, "mains cell") == []


def test_what_the_builder_writes_is_a_scenario() -> None:
    kinds = effect_kinds(LIBRARY.scenarios)
    nan = float("nan")
    effects = [
        {"kind": "ROOM", "start_h": nan, "duration_h": nan, "magnitude": 8.0, "rate_k_h": 2.0, "hottest_c": nan},
        {"kind": "OUTAGE", "start_h": 3.0, "duration_h": 1.0, "magnitude": 1.0, "rate_k_h": nan, "hottest_c": nan},
    ]
    scenario = parse_scenario(definition_of('3 "warm" rooms', effects, kinds))
    assert scenario.title == '3 "warm" rooms'
    assert [effect.kind for effect in scenario.effects] == ["ROOM", "OUTAGE"]
    assert (scenario.effects[0].rate_k_h, scenario.effects[0].hottest_c, scenario.effects[1].start_h) == (
        2.0,
        None,
        3.0,
    )


@pytest.mark.parametrize(("index", "step"), [(0, 0.25), (1, 2.5)])
def test_a_step_is_a_tenth_to_a_half_of_the_usual_value(index: int, step: float) -> None:
    parameter = LIBRARY.scenarios[0].parameters[index]
    assert step_of(parameter) == step
    for found in _parameters():
        assert 0.0 < step_of(found) <= max(abs(found.default_value), found.most - found.least)


def _parameters() -> Iterator:  # type: ignore[type-arg]
    for scenario in LIBRARY:
        yield from scenario.parameters
