"""`batterytwin project`: the years to come, as they are and with a scenario."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from actors.filter_layout import state_records
from actors.life_projection import LifeEnsemble
from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import load_fleet
from batterytwin.life import MEDIAN
from simulator.plant import Plant
from simulator.room import room_series_c
from simulator.scenario import Scenario
from simulator.scenario_course import ScenarioPart, course_of
from simulator.scenario_library import find_scenario
from simulator.site_ageing import ageing_by_day
from tests.actors.test_life_projection import blocks
from tests.simulator.small_fleet import START, START_S, with_outages, write_fleet
from twin_server.branch_world import BranchOrigin, origin_of_nothing
from twin_server.cli import app
from twin_server.fleet_setup import make_specs
from twin_server.inventory_part import part_of_inventory
from twin_server.plant_days import plant_days
from twin_server.projection import Projection, ProjectionOptions, Projector
from twin_server.projection_blocks import physics_of


@pytest.fixture(scope="module")
def fleet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    return write_fleet(folder / "fleet.toml", sites=("BRK", "PKN"), strings=2, installed_on="2025-01-15")


def project(fleet_file: Path, *options: str) -> dict[str, Any]:
    asked = ["project", "--fleet-file", str(fleet_file), "--members", "10", *options, "--json"]
    result = CliRunner().invoke(app, asked, catch_exceptions=False)
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def test_a_room_without_cooling_costs_blocks_of_its_own_site_alone(fleet_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "answer.json"
    lasting = ["--scenario", "hvac_failure", "--set", "duration_h=17520", "--target", "BRK"]
    answer = project(fleet_file, *lasting, "--years", "4", "--out", str(out))
    assert json.loads(out.read_text()) == answer
    usual, hot = answer["baseline"], answer["with_scenario"]
    assert hot["first_loss_days"]["BRK"][2] < 0.6 * usual["first_loss_days"]["BRK"][2]
    assert hot["first_loss_days"]["PKN"] == usual["first_loss_days"]["PKN"]
    assert len(usual["replacements"]) == 4
    assert hot["replacements"][2][2] > usual["replacements"][2][2]
    assert answer["scenario"][0]["parameters"]["duration_h"] == 17_520.0


def test_every_kelvin_costs_more_and_systems_are_told_gravest_first(fleet_file: Path) -> None:
    answer = project(fleet_file, "--warmth", "--price", "100", "--minutes", "45")
    medians = [row["replacements"][2] for row in answer["warmth"]]
    assert medians == sorted(medians)
    assert medians[0] < medians[5]
    assert answer["warmth"][5]["cost"] == pytest.approx(100.0 * medians[5])
    rows = answer["baseline"]["carrying"]
    assert sorted(row["system_id"] for row in rows) == ["BRK-U1", "PKN-U1"]
    assert all(row["with_one_more_string"] >= row["in_half_a_year"] for row in rows)
    assert [row["in_half_a_year"] for row in rows] == sorted(row["in_half_a_year"] for row in rows)


def test_days_by_the_minute_show_what_an_outage_does(fleet_file: Path) -> None:
    answer = project(fleet_file, "--scenario", "power_outage", "--target", "BRK", "--by-minute", "2", "--years", "1")
    usual, out = (
        {row["location_id"]: row for row in answer["by_minute"][name]} for name in ("baseline", "with_scenario")
    )
    assert out["BRK"]["load_h"] == pytest.approx(0.5, abs=0.05)
    assert out["BRK"]["voltage_min_v"] < 12.5 < usual["BRK"]["voltage_min_v"]
    assert out["PKN"] == usual["PKN"]
    assert usual["BRK"]["first_runaway_day"] is None


def test_a_block_that_runs_away_is_told_with_its_day(fleet_file: Path) -> None:
    inventory = load_fleet(fleet_file)
    keys = {battery.battery_id: n for n, battery in enumerate(inventory.locations[0].batteries(), start=1)}
    part = part_of_inventory(inventory, ["BRK-U1-S01"])
    origin = origin_of_nothing(part, make_specs(part, keys), round(START_S * 1e6))
    runaway = ScenarioPart(find_scenario("thermal_runaway"), ("BRK-U1-S01-B02",), {"factor": 40.0}, start_s=86_400.0)
    days = plant_days(origin, 6, 1, course_of(part, [runaway], START_S))
    assert days[0].first_runaway_day is not None
    assert 2 <= days[0].first_runaway_day <= 6


def test_wrong_options_are_told_before_anything_is_computed(fleet_file: Path) -> None:
    for options in (["--years", "100"], ["--members", "1"], ["--scenario", "room_set_point", "--set", "rise_k=99"]):
        with pytest.raises(InvalidArgumentError):
            project(fleet_file, *options)


def test_ageing_of_a_day_is_the_mean_of_the_factor_and_not_the_factor_of_the_mean(fleet_file: Path) -> None:
    world = with_outages(Plant(load_fleet(fleet_file), 3, START)).fleet.world
    aged_s = ageing_by_day(world, START_S, 30, np.array([0.0, 4.0]))
    hours_s = START_S + 3_600.0 * (np.arange(30 * 24, dtype=np.float64) + 0.5)
    for site in range(2):
        air_c = room_series_c(world.rooms, world.climate, world.mains, site, hours_s)
        for k, offset_k in enumerate((0.0, 4.0)):
            factor = np.exp(50_000.0 / 8.314462618 * (1 / 293.15 - 1 / (air_c + offset_k + 273.15)))
            assert aged_s[site, -1, k] == pytest.approx(factor.sum() * 3_600.0, rel=1e-6)


def small_origin(fleet_file: Path) -> BranchOrigin:
    inventory = load_fleet(fleet_file)
    batteries = [battery for location in inventory.locations for battery in location.batteries()]
    keys = {battery.battery_id: n for n, battery in enumerate(batteries, start=1)}
    return origin_of_nothing(inventory, make_specs(inventory, keys), round(START_S * 1e6))


def median_days(origin: BranchOrigin) -> NDArray[np.float64]:
    projection = Projector(origin, ProjectionOptions(30.0, 100, 1)).project()
    return np.median(projection.lives.end_day[:, :, 0].astype(np.float64), axis=0)


def test_without_a_scenario_lives_are_those_of_the_live_products_physics_whatever_hour_it_is(fleet_file: Path) -> None:
    origin = small_origin(fleet_file)
    told = physics_of(origin).quantile_days[:, MEDIAN]
    usual = median_days(origin)
    assert np.abs(np.log(usual / told)).max() < 0.15, "100 members tell the median of one block to about 4 %"
    assert np.median(usual / told) == pytest.approx(1.0, abs=0.02)
    state_records(origin.memory.state)["temperature_c"] += 9.0  # the cooling has failed an hour ago
    assert median_days(origin) == pytest.approx(usual, rel=0.02)


def test_what_ages_blocks_does_so_while_it_lasts(fleet_file: Path) -> None:
    origin = small_origin(fleet_file)
    projector = Projector(origin, ProjectionOptions(4.0, 10, 1))

    def replaced(duration_h: float | None, start_s: float = 0.0) -> int:
        effect = {"kind": "ACCELERATED_AGEING", "magnitude": 10.0, "duration_h": duration_h}
        scenario = Scenario.model_validate({"name": "a", "title": "a", "targets": ["location"], "effect": [effect]})
        course = projector.course([ScenarioPart(scenario, start_s=start_s)])
        return int(projector.project(course).replacements(1_461.0).sum())

    usual = int(projector.project().replacements(1_461.0).sum())
    assert replaced(24.0) == pytest.approx(usual, rel=0.1)
    assert replaced(None, start_s=5.0 * 366.0 * 86_400.0) == usual
    assert usual < replaced(8_766.0) < 0.5 * replaced(None)


def test_a_block_that_is_at_its_end_already_is_replaced_and_no_loss_to_come() -> None:
    ends = np.array([[[0.0, 80.0], [50.0, np.inf]], [[0.0, 30.0], [np.inf, np.inf]]], np.float32)
    projection = Projection(ProjectionOptions(1.0, 2), blocks(2), LifeEnsemble(ends, np.empty((0, 2, 2), np.float32)))
    assert projection.first_end_days(0).tolist() == [50.0, 30.0]
    assert projection.replacements(60.0).tolist() == [2, 2]
