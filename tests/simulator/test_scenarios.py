"""Scenarios: every one of the library can be played, and nothing is accepted that none could mean."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.inventory import Inventory, load_fleet
from simulator.conditions import string_faults
from simulator.fault_labels import FaultTargets
from simulator.faults import FaultKind
from simulator.scenario import Scenario, TargetLevel, parse_scenario
from simulator.scenario_course import Course, ScenarioPart, course_of
from simulator.scenario_library import find_scenario, scenario_library
from tests.simulator.small_fleet import START_S, write_fleet
from twin_server.cli import app
from twin_server.scenario_parts import read_definition

_TARGET = {TargetLevel.LOCATION: "BRK", TargetLevel.STRING: "BRK-U1-S01", TargetLevel.BATTERY: "BRK-U1-S01-B02"}

_TWICE_TOML = """
name = "twice"
title = "A hot outage"
targets = ["location"]

[[parameter]]
name = "hours"
unit = "h"
default = 0.5
least = 0.1
most = 4.0
words = "How long."

[[effect]]
kind = "OUTAGE"
start_h = 1.0
duration_h = "hours"

[[effect]]
kind = "ROOM"
magnitude = 5.0
duration_h = 2.0
"""

_TWICE_YAML = """
name: twice
title: A hot outage
targets: [location]
parameter:
  - {name: hours, unit: h, default: 0.5, least: 0.1, most: 4.0, words: How long.}
effect:
  - {kind: OUTAGE, start_h: 1.0, duration_h: hours}
  - {kind: ROOM, magnitude: 5.0, duration_h: 2.0}
"""


@pytest.fixture
def two_sites(tmp_path: Path) -> Inventory:
    return load_fleet(write_fleet(tmp_path / "fleet.toml", sites=("BRK", "PKN"), strings=2, blocks=3))


@pytest.mark.parametrize("scenario", scenario_library().values(), ids=lambda scenario: scenario.name)
def test_every_scenario_plays_at_its_defaults_and_its_limits(scenario: Scenario, two_sites: Inventory) -> None:
    chosen = [
        {},
        {p.name: p.least for p in scenario.parameters},
        {p.name: p.most for p in scenario.parameters},
    ]
    for level in scenario.targets:
        for parameters in chosen:
            course = course_of(two_sites, [ScenarioPart(scenario, (_TARGET[level],), parameters)], START_S)
            assert course != Course()
            targets = FaultTargets(two_sites, course.faults)
            _, acting = string_faults(targets, 4)
            asked = {fault.magnitude for fault in course.faults if fault.kind < FaultKind.HVAC_FAILURE}
            assert set(acting.magnitude.tolist()) <= asked | {0.0}, "limits allow what the plant does not take"


def test_a_target_stands_for_what_it_holds_and_for_what_holds_it(two_sites: Inventory) -> None:
    ageing = course_of(two_sites, [ScenarioPart(find_scenario("accelerated_ageing"), ("PKN",))], START_S)
    assert {fault.target_id[:3] for fault in ageing.faults} == {"PKN"}
    assert len(ageing.faults) == 6
    everywhere = course_of(two_sites, [ScenarioPart(find_scenario("power_outage"))], START_S)
    assert [outage.location_id for outage in everywhere.outages] == ["BRK", "PKN"]


def test_scenarios_are_composed_and_begin_when_they_are_told_to(two_sites: Inventory) -> None:
    parts = [
        ScenarioPart(find_scenario("power_outage"), ("BRK",), {"duration_h": 0.25}, start_s=60.0),
        ScenarioPart(find_scenario("shorted_cell"), ("BRK-U1-S01-B02",), start_s=30.0),
    ]
    course = course_of(two_sites, parts, START_S)
    assert (course.outages[0].start_s, course.outages[0].end_s) == (START_S + 60.0, START_S + 960.0)
    assert course.faults[0].start_s == START_S + 30.0


def test_toml_and_yaml_say_the_same(two_sites: Inventory) -> None:
    assert parse_scenario(_TWICE_TOML) == parse_scenario(_TWICE_YAML)
    course = course_of(two_sites, [ScenarioPart(parse_scenario(_TWICE_YAML), ("BRK",), {"hours": 2.0})], START_S)
    assert course.outages[0].end_s - course.outages[0].start_s == 7_200.0
    assert course.rooms[0].rise_k == 5.0


@pytest.mark.parametrize(
    "spoil",
    [
        ('kind = "OUTAGE"', 'kind = "EARTHQUAKE"'),
        ('kind = "OUTAGE"', 'kind = "LATE_ROWS"'),
        ('duration_h = "hours"', 'duration_h = "days"'),
        ('duration_h = "hours"', "duration_h = 1.0"),
        ("default = 0.5", "default = 9.0"),
        ('targets = ["location"]', "targets = []"),
        ("magnitude = 5.0", "magnitude = 5.0\nsurprise = 1"),
        ('title = "A hot outage"', ""),
    ],
)
def test_what_no_scenario_could_mean_is_refused(spoil: tuple[str, str]) -> None:
    with pytest.raises(InvalidArgumentError):
        parse_scenario(_TWICE_TOML.replace(*spoil))


@pytest.mark.parametrize(
    "text",
    [
        "name: 2026-13-45",
        "name: !!int many",
        "name: !!timestamp now",
        "version = " + "9" * 5_000,
        "version: " + "9" * 5_000,
        "name = " + "[" * 3_000,
        "name: " + "[" * 3_000 + "]" * 3_000,
        "[" * 60_000,
        '{"name":' + "[" * 30_000,
        "a: &a [x]\nb: *a",
        "",
    ],
)
def test_text_that_is_no_scenario_is_refused_at_once_whatever_it_is(text: str) -> None:
    begun_s = time.process_time()
    with pytest.raises(InvalidArgumentError):
        read_definition(text)
    assert time.process_time() - begun_s < 2.0, "the server has other work"
    if "[[" not in text:
        with pytest.raises(InvalidArgumentError):
            parse_scenario(text)


def test_wrong_targets_parameters_and_names_are_refused(two_sites: Inventory) -> None:
    outage = find_scenario("power_outage")
    for part in (
        ScenarioPart(outage, ("XXX",)),
        ScenarioPart(outage, ("BRK-U1-S01-B02",)),
        ScenarioPart(outage, ("BRK",), {"duration_h": 25.0}),
        ScenarioPart(outage, ("BRK",), {"colour": 1.0}),
    ):
        with pytest.raises(InvalidArgumentError):
            course_of(two_sites, [part], START_S)
    with pytest.raises(InvalidArgumentError, match="overlap"):
        course_of(two_sites, [ScenarioPart(outage), ScenarioPart(outage, start_s=60.0)], START_S)
    with pytest.raises(NotFoundError):
        find_scenario("nothing")


@pytest.mark.parametrize("kind", ["OUTAGE", "ROOM", "SHORTED_CELL", "DROPOUT", "HVAC_FAILURE"])
def test_what_ends_before_it_has_begun_is_refused_before_it_is_played(two_sites: Inventory, kind: str) -> None:
    for duration_h in (0.0, -1.0):
        effect = {"kind": kind, "start_h": 2.0, "duration_h": duration_h, "magnitude": 1.0}
        scenario = Scenario.model_validate({"name": "a", "title": "a", "targets": ["location"], "effect": [effect]})
        with pytest.raises(InvalidArgumentError, match="duration above 0"):
            course_of(two_sites, [ScenarioPart(scenario)], START_S)


def test_a_room_becomes_colder_by_its_magnitude_and_not_by_its_rate(two_sites: Inventory) -> None:
    for rate_k_h in (0.0, -2.0):
        effect = {"kind": "ROOM", "magnitude": 5.0, "rate_k_h": rate_k_h}
        scenario = Scenario.model_validate({"name": "a", "title": "a", "targets": ["location"], "effect": [effect]})
        with pytest.raises(InvalidArgumentError, match="rate above 0"):
            course_of(two_sites, [ScenarioPart(scenario)], START_S)


def test_the_example_of_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    example = parse_scenario(text.split("```toml", 1)[1].split("```", 1)[0])
    assert [effect.kind for effect in example.effects] == ["ROOM", "OUTAGE"]


def test_the_command_line_lists_shows_and_checks(tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["scenario", "list", "--json"])
    assert listed.output.count("\n") == len(scenario_library())
    assert "38" in runner.invoke(app, ["scenario", "show", "hvac_failure"]).output
    own = tmp_path / "own.yaml"
    own.write_text(_TWICE_YAML)
    assert "hours" in runner.invoke(app, ["scenario", "show", str(own)]).output
    for wrong in (b"name: [", b"name: \xff", b"name: 2026-13-45"):
        own.write_bytes(wrong)
        assert isinstance(runner.invoke(app, ["scenario", "show", str(own)]).exception, InvalidArgumentError)
