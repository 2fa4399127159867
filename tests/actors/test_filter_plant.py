"""The filter by its own statistics, on a plant that is not its model."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from batterytwin.telemetry import Regime
from tests.actors.filter_runs import Run, battery, generic, run
from tests.actors.other_plant import Record, record

_OUTAGE = (("float", 15.0, 0.0), ("discharge", 0.6, -60.0), ("recharge", 14.0, 12.0), ("float", 20.0, 0.0))
_PARTIAL = (("rest", 6.0, 0.0), ("discharge", 4.0, -12.0), ("rest", 10.0, 0.0), ("recharge", 16.0, 12.0))


@cache
def _filtered(
    plan: tuple[tuple[str, float, float], ...], period_s: float = 60.0, capacity_ah: float = 120.0, cells: int = 6
) -> tuple[Record, list[Run]]:
    plant = record(list(plan), n=12, period_s=period_s, capacity_ah=capacity_ah, cells=cells)
    spec = generic(capacity_ah, cells)
    runs = [
        run(spec, plant.time_s, plant.voltage_v[:, b], plant.current_a[:, b], plant.temperature_c[:, b])
        for b in range(plant.voltage_v.shape[1])
    ]
    return plant, runs


def _error(plant: Record, runs: list[Run]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Error of SOC and its sigma, shape (n_rows, n_batteries)."""
    soc = np.stack([r["soc"] for r in runs], axis=1)
    sigma = np.stack([r["soc_sigma"] for r in runs], axis=1)
    return soc - plant.soc, sigma


@pytest.mark.parametrize("plan", [_OUTAGE, _PARTIAL])
def test_soc_errors_are_as_large_as_sigma_says(plan: tuple[tuple[str, float, float], ...]) -> None:
    """From an unknown start SOC rests on the table, and the plant's curve lies below it by twice its error."""
    plant, runs = _filtered(plan)
    error, sigma = _error(plant, runs)
    for mode in np.unique(plant.mode):
        of_mode = plant.mode == mode
        nees = np.mean((error[of_mode] / sigma[of_mode]) ** 2)
        assert nees < 3.0, mode
        assert np.mean(np.abs(error[of_mode]) < 2.0 * sigma[of_mode]) > 0.85, mode


def test_soc_is_near_the_truth_after_an_outage_and_at_its_end() -> None:
    plant, runs = _filtered(_OUTAGE)
    error, sigma = _error(plant, runs)
    end_of_outage = np.flatnonzero(plant.mode == "discharge")[-1]
    assert np.abs(error[end_of_outage]).max() < 0.10
    assert np.abs(error[-1]).max() < 0.03
    assert sigma[-1].max() < 0.02


def test_innovations_are_as_large_as_expected_in_every_regime() -> None:
    """NIS by regime, over both plans; bounds are wide because the plant is another model."""
    for plan in (_OUTAGE, _PARTIAL):
        _, runs = _filtered(plan)
        for regime in Regime:
            chosen = [r for r in runs if r.of(regime).sum() > 20]
            if not chosen:
                continue
            nis = np.mean([r.nis(regime) for r in chosen])
            assert 0.02 < nis < 4.5, regime


def test_predicted_voltage_meets_its_bounds_by_regime() -> None:
    _, runs = _filtered(_OUTAGE)
    for regime, bound_v in ((Regime.FLOAT, 0.020), (Regime.DISCHARGE, 0.150), (Regime.RECHARGE, 0.200)):
        assert np.mean([r.mae_v(regime) for r in runs]) < bound_v


def test_ten_minutes_ahead_it_beats_persistence_where_something_happens() -> None:
    """Read every ten minutes, the innovation is the error of a forecast over ten minutes at a known current.

    Of the charge its first half hour is left out, which was predicted from the discharge, and its end: the current of
    this plant falls before its charger holds the voltage.
    """
    plant, runs = _filtered((("float", 15.0, 0.0), ("discharge", 5.0, -20.0), ("recharge", 14.0, 12.0)), period_s=600.0)
    for regime in (Regime.DISCHARGE, Regime.RECHARGE):
        loaded = np.abs(plant.current_a).mean(axis=1) > 11.5
        rows = np.flatnonzero(runs[0].of(regime) & loaded)[3:]
        own = np.mean([np.abs(r["innovation_v"][rows]).mean() for r in runs])
        steps = np.mean([np.abs(np.diff(r.voltage_v, prepend=np.nan))[rows].mean() for r in runs])
        assert own < steps, regime


@pytest.mark.parametrize("plan", [_OUTAGE, _PARTIAL])
def test_five_seconds_and_a_minute_come_to_the_same_soc(plan: tuple[tuple[str, float, float], ...]) -> None:
    coarse_plant, coarse = _filtered(plan, 60.0)
    fine_plant, fine = _filtered(plan, 5.0)
    rows = np.searchsorted(fine_plant.time_s, coarse_plant.time_s)
    apart = np.stack([np.abs(a["soc"] - b["soc"][rows]) for a, b in zip(coarse, fine, strict=True)])
    sigma = np.stack([a["soc_sigma"] for a in coarse])
    assert np.mean(apart < 0.01 + 2.0 * sigma) > 0.93
    assert np.median(apart[sigma < 0.05]) < 0.02


@pytest.mark.parametrize(("capacity_ah", "cells"), [(9.0, 6), (17.0, 6), (100.0, 6), (3000.0, 1)])
def test_other_sizes_need_only_capacity_and_cells(capacity_ah: float, cells: int) -> None:
    by_size = capacity_ah / 120.0
    plan = tuple((mode, hours, current_a * by_size) for mode, hours, current_a in _OUTAGE)
    plant, runs = _filtered(plan, 60.0, capacity_ah, cells)
    error, sigma = _error(plant, runs)
    assert np.mean((error / sigma) ** 2) < 3.0
    assert np.abs(error[-1]).max() < 0.03


def test_regimes_are_those_of_the_plant() -> None:
    plant, runs = _filtered(_OUTAGE)
    expected = np.array([{"float": 1, "discharge": 2, "recharge": 3, "rest": 4}[m] for m in plant.mode])
    tail = (plant.mode == "recharge") & (plant.current_a.mean(axis=1) < 1.0)  # here recharge becomes float
    for r in runs:
        assert np.mean(r.regime[~tail] == expected[~tail]) > 0.97


def test_hourly_readings_still_tell_full_from_discharged() -> None:
    plant, runs = _filtered(
        (("float", 30.0, 0.0), ("discharge", 4.0, -12.0), ("recharge", 20.0, 12.0), ("float", 30.0, 0.0)), 3600.0
    )
    error, sigma = _error(plant, runs)
    assert np.mean((error / sigma) ** 2) < 3.0
    assert np.abs(error[-1]).max() < 0.03


def test_wrong_polarity_of_the_current_sensor_is_turned_round_at_the_first_clear_steps() -> None:
    """A step of the load with the sign turned round would be a negative resistance."""
    plan = [("rest", 5.0, 0.0)] + [("discharge", 0.2, -60.0), ("rest", 0.2, 0.0)] * 6
    plant = record(plan, n=1, period_s=5.0)
    right = run(battery(), plant.time_s, plant.voltage_v[:, 0], plant.current_a[:, 0], 26.0)
    wrong = run(battery(), plant.time_s, plant.voltage_v[:, 0], -plant.current_a[:, 0], 26.0)
    assert right["r0_ohm"][-1] == pytest.approx(0.0048, rel=0.4)  # 4 mOhm and the plant's kinetics at this current
    assert right["r0_sigma_ohm"][-1] < 0.9 * right["r0_sigma_ohm"][0]
    assert right.end["current_sign"] == 1.0
    assert wrong.end["current_sign"] == -1.0
    after = plant.time_s > 6.0 * 3600.0
    assert np.abs(wrong["soc"] - right["soc"])[after].max() < 0.03
    assert wrong["r0_ohm"][-1] == pytest.approx(right["r0_ohm"][-1], rel=0.1)
