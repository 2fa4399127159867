"""`batterytwin scenario play`: a drill that leaves everything as it was."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.inventory import load_fleet
from tests.simulator.small_fleet import write_fleet
from twin_server.cli import app
from twin_server.inventory_part import part_of_inventory

BLOCK = "BRK-U1-S01-B02"


@pytest.fixture
def fleet_file(tmp_path: Path) -> Path:
    return write_fleet(tmp_path / "fleet.toml", sites=("BRK", "PKN"), strings=2)


def play(fleet_file: Path, *options: str) -> list[dict[str, object]]:
    asked = ["scenario", "play", *options, "--fleet-file", str(fleet_file), "--json"]
    result = CliRunner().invoke(app, asked, catch_exceptions=False)
    return [json.loads(line) for line in result.output.splitlines()]


def test_what_is_played_is_told_with_its_time(fleet_file: Path) -> None:
    told = play(fleet_file, "open_cell", "--target", BLOCK, "--hours", "0.5", "--after", "6")
    raised = {(one["where"], one["words"]) for one in told[:-1] if one["what"] == "fault raised"}
    assert ("BRK-U1-S01 block 2", "open cell") in raised
    assert all(float(str(one["hours"])) >= 0.1 for one in told[:-1])
    assert told[-1]["standing"] == ["BRK-U1-S01: open cell"]
    assert told[-1]["readings"] == 30 * 48, "the strings of the location live on beside it"


def test_a_target_is_found_whatever_its_location_is_called(tmp_path: Path) -> None:
    fleet_file = write_fleet(tmp_path / "fleet.toml", sites=("HQ-1", "HQ-2"), strings=2)
    told = play(fleet_file, "shorted_cell", "--target", "HQ-2-U1-S01-B02", "--hours", "0.1", "--after", "5")
    assert told[-1]["readings"] == 6 * 48, "its location is copied whole, and no other"
    with pytest.raises(NotFoundError, match="HQ-3"):
        play(fleet_file, "power_outage", "--target", "HQ-3")


def test_a_drill_keeps_its_pace_and_its_report(fleet_file: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    begun_s = time.monotonic()
    options = ["charger_overvoltage", "--target", "BRK-U1-S01", "--hours", "0.1", "--after", "1"]
    told = play(fleet_file, *options, "--speed", "600", "--out", str(report))
    assert time.monotonic() - begun_s >= 0.6
    kept = json.loads(report.read_text())
    assert kept["events"] == told[:-1]
    assert kept["parameters"] == {"offset_v_cell": 0.1, "duration_h": 24.0}
    with pytest.raises(InvalidArgumentError):
        play(fleet_file, *options, "--out", str(tmp_path / "nowhere" / "report.json"))


def test_a_report_is_replaced_by_another_one_alone(fleet_file: Path, tmp_path: Path) -> None:
    kept, new = tmp_path / "kept.json", tmp_path / "new.json"
    kept.write_text("what was played before")
    for report in (kept, new):
        with pytest.raises(NotFoundError):
            play(fleet_file, "power_outage", "--target", "XXX", "--out", str(report))
    assert kept.read_text() == "what was played before"
    assert not new.exists()


def test_wrong_words_are_told_in_one_line(fleet_file: Path) -> None:
    for options in (["shorted_cell", "--set", "cells=9"], ["shorted_cell", "--set", "cells"], ["nothing"]):
        with pytest.raises(InvalidArgumentError):
            play(fleet_file, *options, "--target", BLOCK)


def test_a_part_of_a_fleet_has_whole_strings(fleet_file: Path) -> None:
    fleet = load_fleet(fleet_file)
    part = part_of_inventory(fleet, [BLOCK, "PKN"])
    strings = [string.string_id for location in part.locations for string in location.strings()]
    assert strings == ["BRK-U1-S01", *(string.string_id for string in fleet.locations[1].strings())]
    assert part.battery_count() == 72
    assert part_of_inventory(fleet, []) == fleet
    with pytest.raises(NotFoundError):
        part_of_inventory(fleet, ["BRK", "XXX"])
