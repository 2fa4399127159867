"""What scenarios look like in a branch, and that its twins name them (vrla facts, section 7)."""

import numpy as np
import pytest
from numpy.typing import NDArray

from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import Regime, StringMode, mode_of, regime_of
from simulator.scenario_course import Course, ScenarioPart, course_of
from tests.actors.branch_runs import BLOCK, BRK, HOUR_US, PLACE, STRING, BranchRun, LiveWorld, live_world, play


@pytest.fixture(scope="module")
def world() -> LiveWorld:
    return live_world()


def _run(world: LiveWorld, hours: float, *parts: ScenarioPart, period_s: float = 60.0) -> BranchRun:
    run = world.branch(*parts, period_s=period_s)
    run.news = run.branch.advance(world.now_us + round(hours * HOUR_US))
    return run


def _named(run: BranchRun, fault: FaultClass, position: int) -> bool:
    return any(f.raised and (f.fault, f.position) == (fault, position) for f in run.news.findings)


def _step_v(run: BranchRun) -> NDArray[np.float64]:
    volts = run.column("voltage_v")
    step_v: NDArray[np.float64] = np.median(volts[-5:], axis=0) - np.median(volts[:5], axis=0)
    return step_v


def test_one_shorted_cell_takes_two_volts_of_its_block_and_gives_the_others_95_mv(world: LiveWorld) -> None:
    run = _run(world, 1.0, play("shorted_cell", BLOCK))
    step_v = _step_v(run)
    assert step_v[PLACE] == pytest.approx(-2.2, abs=0.15)
    assert np.median(np.delete(step_v, PLACE)) == pytest.approx(0.095, abs=0.015)
    assert run.truth.strings.current_a[0] > 0.0
    assert _named(run, FaultClass.SHORTED_CELL, PLACE)


def test_an_open_cell_takes_what_is_left_of_the_string_voltage(world: LiveWorld) -> None:
    run = _run(world, 0.5, play("open_cell", BLOCK))
    assert 21.0 < run.column("voltage_v")[-1, PLACE] < 31.0
    assert run.truth.strings.current_a[0] < 0.015
    assert _named(run, FaultClass.OPEN_CELL, PLACE)


def test_a_charger_that_is_100_mv_a_cell_too_high_trebles_the_current(world: LiveWorld) -> None:
    run = _run(world, 4.0, play("charger_overvoltage", STRING, start_s=3_600.0), period_s=120.0)
    volts = run.column("voltage_v")
    before_a = world.branch().plant
    before_a.visits(world.now_us, world.now_us + HOUR_US // 4)
    assert _step_v(run) == pytest.approx(np.full(24, 0.6), abs=0.05)
    assert np.isfinite(volts).all()
    ratio = run.truth.strings.current_a[0] / before_a.plant.fleet.strings.current_a[0]
    assert ratio == pytest.approx(3.0, rel=0.15)
    assert _named(run, FaultClass.CHARGER_VOLTAGE, -1)


def test_a_failed_cooling_is_felt_by_posts_in_a_quarter_of_an_hour_and_by_cores_in_hours(world: LiveWorld) -> None:
    hours = 5.0
    run = _run(world, hours, play("hvac_failure", BRK, start_s=0.0), period_s=120.0)
    calm = _run(world, hours, period_s=1_800.0)
    core_k = run.truth.blocks.core_c - calm.truth.blocks.core_c
    post_k = run.truth.blocks.post_c - calm.truth.blocks.post_c
    tau_h = 23_000.0 * 0.58 / 3_600.0
    expected_k = 2.0 * (hours - tau_h * (1.0 - np.exp(-hours / tau_h)))
    assert core_k == pytest.approx(np.full(24, expected_k), rel=0.06)
    lag_k = 2.0 * hours - post_k  # of its own, and of the core that warms it
    assert lag_k == pytest.approx(0.6 * (2.0 * hours - core_k) + 2.0 * 0.25, abs=0.3)
    assert _named(run, FaultClass.ROOM_COOLING, -1)


def test_a_drifting_resistance_is_invisible_on_float_and_seen_under_load(world: LiveWorld) -> None:
    drift = play("resistance_drift", BLOCK, start_s=0.0)
    outage = play("power_outage", BRK, start_s=24.5 * 3_600.0, duration_h=0.02)
    run, sound = (_run(world, 24.6, *parts, period_s=1_200.0) for parts in ((drift, outage), (outage,)))
    calm = mode_of(run.column("status").astype(np.int16))[:, 0] == StringMode.FLOAT
    off_v = run.column("voltage_v") - sound.column("voltage_v")
    assert np.abs(off_v[calm]).max() < 0.005
    assert np.abs(off_v[~calm][5:, PLACE]).min() > 0.03
    assert np.abs(np.delete(off_v[~calm], PLACE, axis=1)).max() < 0.03
    ratio = run.truth.blocks.resistance_ratio / sound.truth.blocks.resistance_ratio
    assert ratio[PLACE] == pytest.approx(1.5, rel=0.02)


def test_an_outage_is_ended_by_its_weakest_block_which_the_twins_name(world: LiveWorld) -> None:
    weak = play("weak_block", BLOCK, start_s=0.0, lost=0.5)
    run = _run(world, 0.35, weak, play("power_outage", BRK, start_s=60.0, duration_h=0.3, load=3.0))
    volts, modes = run.column("voltage_v"), mode_of(run.column("status").astype(np.int16))[:, 0]
    load = volts[modes == StringMode.DISCHARGE]
    assert 30 < len(load) < 0.3 * 3_600, "the end voltage disconnects the load before the mains return"
    assert int(load[-1].argmin()) == PLACE
    assert load[-1, PLACE] < 9.0 < np.median(load[-1])
    assert regime_of(run.branch.live()["status"])[0] == Regime.RECHARGE
    assert _named(run, FaultClass.WEAK_BLOCK, PLACE) or _named(run, FaultClass.REVERSAL, PLACE)


@pytest.mark.parametrize(
    ("name", "parameters", "fault", "hours"),
    [
        ("voltage_sensor_offset", {"offset_v": 0.5}, FaultClass.VOLTAGE_SENSOR, 3.0),
        ("temperature_sensor_offset", {"offset_k": 8.0}, FaultClass.TEMPERATURE_SENSOR, 6.0),
        ("voltage_sensor_stuck", {}, FaultClass.STUCK_SENSOR, 4.0),
    ],
)
def test_faulty_sensors_are_named(
    world: LiveWorld, name: str, parameters: dict[str, float], fault: FaultClass, hours: float
) -> None:
    assert _named(_run(world, hours, play(name, BLOCK, **parameters)), fault, PLACE)


def test_a_runaway_is_named_before_the_block_is_lost(world: LiveWorld) -> None:
    run = _run(world, 26.0, play("thermal_runaway", BLOCK), period_s=300.0)
    assert _named(run, FaultClass.THERMAL_RUNAWAY, PLACE)
    assert run.truth.blocks.core_c[PLACE] < 60.0


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
