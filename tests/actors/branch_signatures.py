"""What scenarios look like in a branch, in figures (vrla facts, section 7); laws and validation hold them to limits.

`named` is 1 where the twins named the fault, else 0.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import StringMode, mode_of
from simulator.branch_plant import ScenarioPlant
from simulator.scenario_course import ScenarioPart
from tests.actors.branch_runs import BLOCK, BRK, HOUR_US, PLACE, STRING, BranchRun, LiveWorld, play, voltages

Figures = dict[str, float]

_CORE_TAU_H: Final = 23_000.0 * 0.58 / 3_600.0
_PERIOD_S: Final = 600.0


def run_branch(world: LiveWorld, hours: float, *parts: ScenarioPart, period_s: float = 60.0) -> BranchRun:
    """Lives a branch for some hours."""
    run = world.branch(*parts, period_s=period_s)
    run.news = run.branch.advance(world.now_us + round(hours * HOUR_US))
    return run


def is_named(run: BranchRun, fault: FaultClass, position: int) -> bool:
    """Whether the twins of a branch named a fault in its place."""
    return any(f.raised and (f.fault, f.position) == (fault, position) for f in run.news.findings)


def coverage(world: LiveWorld, members: int = 12, hours: float = 24.0) -> Figures:
    """Share of what the live batteries show next that lies within one and two sigma of an ensemble of branches.

    It takes the monitors of the world along: call it once.
    """
    begin_us, end_us = world.now_us, world.now_us + round(hours * HOUR_US)
    live_v = voltages(world.monitors.visits(begin_us, end_us))
    shown = []
    for seed in range(members):
        plant = ScenarioPlant(world.inventory, world.copies, seed, begin_us * 1e-6, period_s=_PERIOD_S)
        shown.append(voltages(plant.visits(begin_us, end_us)))
    off = np.abs(live_v - np.mean(shown, axis=0)) / np.std(shown, axis=0, ddof=1)
    return {"within_1_sigma": float(np.mean(off < 1.0)), "within_2_sigma": float(np.mean(off < 2.0))}


def shorted_cell(world: LiveWorld) -> Figures:
    """Step of the block and of the others."""
    run = run_branch(world, 1.0, play("shorted_cell", BLOCK))
    step_v = _step_v(run)
    return {
        "block_step_v": float(step_v[PLACE]),
        "others_step_mv": 1e3 * float(np.median(np.delete(step_v, PLACE))),
        "current_a": float(run.truth.strings.current_a[0]),
        "named": float(is_named(run, FaultClass.SHORTED_CELL, PLACE)),
    }


def open_cell(world: LiveWorld) -> Figures:
    """Voltage of the block, and current of its string."""
    run = run_branch(world, 0.5, play("open_cell", BLOCK))
    return {
        "block_v": float(run.column("voltage_v")[-1, PLACE]),
        "current_a": float(run.truth.strings.current_a[0]),
        "named": float(is_named(run, FaultClass.OPEN_CELL, PLACE)),
    }


def charger_overvoltage(world: LiveWorld) -> Figures:
    """Least and greatest step of a block, and how much the current grows."""
    run = run_branch(world, 4.0, play("charger_overvoltage", STRING, start_s=3_600.0), period_s=120.0)
    before = world.branch().plant
    before.visits(world.now_us, world.now_us + HOUR_US // 4)
    step_v = _step_v(run)
    return {
        "least_step_v": float(step_v.min()),
        "most_step_v": float(step_v.max()),
        "current_ratio": float(run.truth.strings.current_a[0] / before.plant.fleet.strings.current_a[0]),
        "named": float(is_named(run, FaultClass.CHARGER_VOLTAGE, -1)),
    }


def failed_cooling(world: LiveWorld, hours: float = 5.0) -> Figures:
    """How cores and posts follow a room that warms by 2 K an hour, against what their time constants say."""
    run = run_branch(world, hours, play("hvac_failure", BRK, start_s=0.0), period_s=120.0)
    calm = run_branch(world, hours, period_s=1_800.0)
    core_k = run.truth.blocks.core_c - calm.truth.blocks.core_c
    post_k = run.truth.blocks.post_c - calm.truth.blocks.post_c
    expected_k = 2.0 * (hours - _CORE_TAU_H * (1.0 - np.exp(-hours / _CORE_TAU_H)))
    own_lag_k = 2.0 * hours - post_k - 0.6 * (2.0 * hours - core_k)  # the core, which lags too, warms the post
    return {
        "core_over_expected_least": float(np.min(core_k / expected_k)),
        "core_over_expected_most": float(np.max(core_k / expected_k)),
        "post_lag_min": 30.0 * float(np.median(own_lag_k)),
        "post_lag_off_most_k": float(np.max(np.abs(own_lag_k - 0.5))),
        "named": float(is_named(run, FaultClass.ROOM_COOLING, -1)),
    }


def drifting_resistance(world: LiveWorld) -> Figures:
    """What a resistance that rises by half in a day shows on float and under load, and its true rise."""
    drift = play("resistance_drift", BLOCK, start_s=0.0)
    outage = play("power_outage", BRK, start_s=24.5 * 3_600.0, duration_h=0.02)
    run, sound = (run_branch(world, 24.6, *parts, period_s=1_200.0) for parts in ((drift, outage), (outage,)))
    calm = mode_of(run.column("status").astype(np.int16))[:, 0] == StringMode.FLOAT
    off_v = np.abs(run.column("voltage_v") - sound.column("voltage_v"))
    ratio = run.truth.blocks.resistance_ratio / sound.truth.blocks.resistance_ratio
    return {
        "on_float_most_mv": 1e3 * float(off_v[calm].max()),
        "on_load_least_mv": 1e3 * float(off_v[~calm][5:, PLACE].min()),
        "others_on_load_most_mv": 1e3 * float(np.delete(off_v[~calm], PLACE, axis=1).max()),
        "resistance_ratio": float(ratio[PLACE]),
    }


def outage_with_weak_block(world: LiveWorld) -> Figures:
    """How long a heavy load is carried, and by which block it ends."""
    weak = play("weak_block", BLOCK, start_s=0.0, lost=0.5)
    run = run_branch(world, 0.35, weak, play("power_outage", BRK, start_s=60.0, duration_h=0.3, load=3.0))
    modes = mode_of(run.column("status").astype(np.int16))[:, 0]
    load_v = run.column("voltage_v")[modes == StringMode.DISCHARGE]
    return {
        "carried_s": float(len(load_v)),
        "ended_by_weakest": float(int(load_v[-1].argmin()) == PLACE),
        "weakest_v": float(load_v[-1, PLACE]),
        "median_v": float(np.median(load_v[-1])),
        "regime": float(run.branch.live()["status"][0]),
        "named": float(is_named(run, FaultClass.WEAK_BLOCK, PLACE) or is_named(run, FaultClass.REVERSAL, PLACE)),
    }


def loose_connection(world: LiveWorld) -> Figures:
    """What a contact of 5 mOhm takes of the block's voltage, on float and per ampere of load."""
    loose = play("loose_connection", BLOCK, start_s=0.0, contact_ohm=0.005)
    outage = play("power_outage", BRK, start_s=300.0, duration_h=0.05)
    run, sound = (run_branch(world, 0.15, *parts) for parts in ((loose, outage), (outage,)))
    modes = mode_of(run.column("status").astype(np.int16))[:, 0]
    off_v = sound.column("voltage_v")[:, PLACE] - run.column("voltage_v")[:, PLACE]
    load = modes == StringMode.DISCHARGE
    drawn_a = -run.column("current_a")[load, PLACE]
    return {
        "on_float_most_mv": 1e3 * float(np.abs(np.median(off_v[~load][:5]))),
        "found_mohm": 1e3 * float(np.median(off_v[load][5:] / drawn_a[5:])),
    }


def runaway(world: LiveWorld) -> Figures:
    """Whether a thermal runaway is named, and how warm the block is by then."""
    run = run_branch(world, 26.0, play("thermal_runaway", BLOCK), period_s=300.0)
    return {
        "core_c": float(run.truth.blocks.core_c[PLACE]),
        "named": float(is_named(run, FaultClass.THERMAL_RUNAWAY, PLACE)),
    }


SENSORS: Final[tuple[tuple[str, dict[str, float], FaultClass, float], ...]] = (
    ("voltage_sensor_offset", {"offset_v": 0.5}, FaultClass.VOLTAGE_SENSOR, 3.0),
    ("temperature_sensor_offset", {"offset_k": 8.0}, FaultClass.TEMPERATURE_SENSOR, 6.0),
    ("voltage_sensor_stuck", {}, FaultClass.STUCK_SENSOR, 4.0),
)
"""Faulty sensors: scenario, parameters, what the twins are to name, and within how many hours."""


def sensor_named(
    world: LiveWorld, scenario: str, parameters: dict[str, float], fault: FaultClass, hours: float
) -> bool:
    """Whether a faulty sensor is named."""
    return is_named(run_branch(world, hours, play(scenario, BLOCK, **parameters)), fault, PLACE)


def _step_v(run: BranchRun) -> NDArray[np.float64]:
    volts = run.column("voltage_v")
    step_v: NDArray[np.float64] = np.median(volts[-5:], axis=0) - np.median(volts[:5], axis=0)
    return step_v
