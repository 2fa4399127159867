"""What scenarios look like in a branch, and that its twins name them (vrla facts, section 7)."""

import numpy as np
import pytest

from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import Regime, regime_of
from simulator.scenario_course import Course, course_of
from tests.actors import branch_signatures as signatures
from tests.actors.branch_runs import HOUR_US, STRING, LiveWorld, live_world, play


@pytest.fixture(scope="module")
def world() -> LiveWorld:
    return live_world()


def test_one_shorted_cell_takes_two_volts_of_its_block_and_gives_the_others_95_mv(world: LiveWorld) -> None:
    found = signatures.shorted_cell(world)
    assert found["block_step_v"] == pytest.approx(-2.2, abs=0.15)
    assert found["others_step_mv"] == pytest.approx(95.0, abs=15.0)
    assert found["current_a"] > 0.0
    assert found["named"]


def test_an_open_cell_takes_what_is_left_of_the_string_voltage(world: LiveWorld) -> None:
    found = signatures.open_cell(world)
    assert 21.0 < found["block_v"] < 31.0
    assert found["current_a"] < 0.015
    assert found["named"]


def test_a_charger_that_is_100_mv_a_cell_too_high_trebles_the_current(world: LiveWorld) -> None:
    found = signatures.charger_overvoltage(world)
    assert 0.55 <= found["least_step_v"] <= found["most_step_v"] <= 0.65
    assert found["current_ratio"] == pytest.approx(3.0, rel=0.15)
    assert found["named"]


def test_a_failed_cooling_is_felt_by_posts_in_a_quarter_of_an_hour_and_by_cores_in_hours(world: LiveWorld) -> None:
    found = signatures.failed_cooling(world)
    assert 0.94 <= found["core_over_expected_least"] <= found["core_over_expected_most"] <= 1.06
    assert found["post_lag_off_most_k"] < 0.3
    assert found["named"]


def test_a_drifting_resistance_is_invisible_on_float_and_seen_under_load(world: LiveWorld) -> None:
    found = signatures.drifting_resistance(world)
    assert found["on_float_most_mv"] < 5.0
    assert found["on_load_least_mv"] > 30.0
    assert found["others_on_load_most_mv"] < 30.0
    assert found["resistance_ratio"] == pytest.approx(1.5, rel=0.02)


def test_an_outage_is_ended_by_its_weakest_block_which_the_twins_name(world: LiveWorld) -> None:
    found = signatures.outage_with_weak_block(world)
    assert 30 < found["carried_s"] < 0.3 * 3_600, "the end voltage disconnects the load before the mains return"
    assert found["ended_by_weakest"]
    assert found["weakest_v"] < 9.0 < found["median_v"]
    assert regime_of(np.array([found["regime"]], np.int16))[0] == Regime.RECHARGE
    assert found["named"]


@pytest.mark.parametrize(("name", "parameters", "fault", "hours"), signatures.SENSORS)
def test_faulty_sensors_are_named(
    world: LiveWorld, name: str, parameters: dict[str, float], fault: FaultClass, hours: float
) -> None:
    assert signatures.sensor_named(world, name, parameters, fault, hours)


def test_a_runaway_is_named_before_the_block_is_lost(world: LiveWorld) -> None:
    found = signatures.runaway(world)
    assert found["named"]
    assert found["core_c"] < 60.0


def test_a_changed_course_takes_hold_and_what_it_no_longer_holds_passes(world: LiveWorld) -> None:
    run = world.branch()
    begin_s = world.now_us * 1e-6
    course = course_of(world.inventory, [play("charger_overvoltage", STRING, start_s=0.0)], begin_s + 600.0)
    run.branch.advance(world.now_us + 600_000_000)
    usual_v = run.truth.blocks.voltage_v.mean()
    run.plant.change(course)
    run.branch.advance(world.now_us + HOUR_US)
    assert run.truth.blocks.voltage_v.mean() - usual_v == pytest.approx(0.6, abs=0.05)
    run.plant.change(Course())
    run.branch.advance(world.now_us + 3 * HOUR_US)
    assert run.truth.blocks.voltage_v.mean() == pytest.approx(usual_v, abs=0.05)
