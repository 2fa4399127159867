"""What twins expect, and what a year of float leaves of their certainty."""

import numpy as np
import pytest

from actors.filter import CIRCUIT_ESTIMATE_COLUMNS, FilterParameters, circuit_estimates, forecast
from tests.actors.filter_runs import START_US, battery, generic, run
from tests.actors.other_plant import record


def _expected(state: np.ndarray, time_s: np.ndarray, current_a: np.ndarray) -> np.ndarray:
    zeros = np.zeros(time_s.size, np.int32)
    times_us = START_US + np.round(time_s * 1e6).astype(np.int64)
    parameters = FilterParameters.from_specs([generic(120.0)])
    temperature_c = np.full(time_s.size, 26.0, np.float32)
    return forecast(
        state,
        parameters,
        zeros,
        zeros,
        times_us,
        current_a.astype(np.float32),
        temperature_c,
        np.zeros(time_s.size, np.int16),
    )


def test_a_forecast_leaves_the_twin_as_it_was_and_equals_what_unseen_readings_lead_to() -> None:
    plant = record([("float", 15.0, 0.0), ("discharge", 0.5, -60.0)], n=1)
    known = plant.time_s.size - 10
    seen = run(generic(120.0), plant.time_s[:known], plant.voltage_v[:known, 0], plant.current_a[:known, 0], 26.0)
    before = seen.state.copy()
    expected_v = _expected(seen.state, plant.time_s[known:], plant.current_a[known:, 0])
    assert seen.state.tobytes() == before.tobytes()
    assert np.abs(expected_v - plant.voltage_v[known:, 0]).max() < 0.10
    blind = run(generic(120.0), plant.time_s[known:-1], np.nan, plant.current_a[known:-1, 0], 26.0, state=seen.state)
    last = run(
        generic(120.0), plant.time_s[-1], plant.voltage_v[-1, 0], plant.current_a[-1, 0], 26.0, state=blind.state
    )
    assert plant.voltage_v[-1, 0] - last["innovation_v"][0] == pytest.approx(expected_v[-1], abs=0.01)


def test_a_bigger_load_is_expected_to_stand_lower_all_the_way_down() -> None:
    seen = run(generic(120.0), np.arange(0.0, 16 * 3600.0, 60.0), 13.65, 0.02, 26.0)
    time_s = 16 * 3600.0 + np.arange(60.0, 3600.0, 60.0)
    small, large = (_expected(seen.state, time_s, np.full(time_s.size, amps)) for amps in (-30.0, -60.0))
    assert np.all(large < small)
    assert np.all(np.diff(large[5:]) < 0.0)


def test_a_year_of_float_moves_neither_resistance_nor_capacity_and_keeps_certainty_within_bounds() -> None:
    rng = np.random.default_rng(4)
    time_s = np.arange(0.0, 365 * 86_400.0, 900.0)
    voltage_v = 13.62 + 0.05 * np.sin(time_s / 3e6) + rng.normal(0.0, 0.01, time_s.size)
    r = run(battery(), time_s, voltage_v, 0.02 + rng.normal(0.0, 0.08, time_s.size), 26.0)
    day = 96
    assert np.all(r["soc_sigma"][day:] >= 0.0099)
    assert np.all(np.abs(np.diff(r["r0_ohm"])) < 1e-6)  # with age alone, by the law of life
    assert r["r0_sigma_ohm"][-1] <= 1.5 * r["r0_sigma_ohm"][day]
    assert r["soh_capacity_sigma"][day] < r["soh_capacity_sigma"][-1] < r["soh_capacity_sigma"][day] + 0.03
    circuit = dict(zip(CIRCUIT_ESTIMATE_COLUMNS, circuit_estimates(r.state)[0], strict=True))
    assert 0.0 < circuit["float_marker_sigma"] < 0.2
    assert circuit["current_sign"] == 1.0


def test_open_circuit_of_a_charged_block_is_not_taken_for_float() -> None:
    """14.9 V at the end of charge, then 13.4 V falling to 13.23 V in two hours, and no charger that reports."""
    time_s = np.arange(0.0, 4 * 3600.0, 60.0)
    resting = time_s >= 3600.0
    since_h = np.maximum(time_s - 3600.0, 0.0) / 3600.0
    voltage_v = np.where(resting, 13.23 + 0.22 * np.exp(-since_h / 0.8), 14.9)
    r = run(generic(100.0), time_s, voltage_v, np.where(resting, 0.0, 2.0), 27.0)
    assert np.all(r.regime[resting] == 4)
