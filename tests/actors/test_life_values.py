"""What is known of a life: laws of the integrals, and what is said where something is missing."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from actors.filter import FilterParameters, initial_state
from actors.filter_layout import parameter_records, state_records
from actors.life_inputs import AGEING_MONTHS, LIFE_INPUTS_DTYPE, life_records
from actors.life_kernel import update_life
from actors.life_layout import empty_life
from actors.life_values import life_inputs
from batterytwin.telemetry import TELEMETRY_DTYPE, Regime, Rows, pack_status
from tests.actors.filter_runs import battery

_INSTALLED = date(2024, 1, 1)
_INSTALLED_US = 1_704_067_200_000_000
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_YEAR_S = 365.25 * 86_400.0
_PARAMETERS = FilterParameters.from_specs([battery(installed=_INSTALLED)])
_SHEET = parameter_records(_PARAMETERS.values)[0]
_ONE = np.zeros(1, np.int32)


def factor(temperature_c: float) -> float:
    return float(np.exp(_SHEET["life_activation_k"] * (1.0 / 293.15 - 1.0 / (273.15 + temperature_c))))


def rows_at(
    times_us: ArrayLike, temperature_c: ArrayLike, regime: ArrayLike = Regime.FLOAT, soc: ArrayLike = 1.0
) -> Rows:
    """Rows of a battery that floats at its set point, unless said otherwise."""
    times_us = np.asarray(times_us, np.int64)
    rows = np.zeros(len(times_us), TELEMETRY_DTYPE)
    rows["sample_time_us"], rows["temperature_c"], rows["soc"] = times_us, temperature_c, soc
    rows["status"] = pack_status(0, 0, np.broadcast_to(np.asarray(regime, int), len(times_us)))
    rows["voltage_v"] = rows["internal_resistance_mohm"] = np.nan
    return rows


def known_after(rows: Rows, **state: float) -> Any:
    """What is known after rows, given columns of the filter's state; one record."""
    lives, x = empty_life(_PARAMETERS.installed_us), initial_state(_PARAMETERS)
    slots = np.zeros(len(rows), np.int32)
    update_life(lives, _PARAMETERS, slots, slots, rows)
    state_records(x)["sample_time_us"] = rows["sample_time_us"][-1] if len(rows) else 0.0
    for name, value in state.items():
        state_records(x)[name] = value
    return life_records(life_inputs(lives, x, _PARAMETERS))[0]


def test_without_a_reading_only_the_data_sheet_is_known() -> None:
    known = known_after(rows_at([], 25.0))
    names = LIFE_INPUTS_DTYPE.names or ()
    sheet = names[: names.index("temperature_mean_30d_c")]
    assert {name for name in names if not np.isnan(known[name])} == set(sheet)
    assert (known["as_of_us"], known["installed_us"], known["capacity_ah"]) == (0.0, _INSTALLED_US, 120.0)


@pytest.mark.parametrize("temperature_c", [20.0, 25.0, 31.7])
def test_at_constant_temperature_every_integral_is_known(temperature_c: float) -> None:
    times_us = _INSTALLED_US + np.arange(0, 40 * _DAY_US, _HOUR_US)
    known = known_after(rows_at(times_us, np.round(temperature_c, 1)))
    lasted_s = 1e-6 * (times_us[-1] - times_us[0])
    assert known["observed_s"] == lasted_s
    assert known["thermal_age_s"] == pytest.approx(lasted_s * factor(temperature_c), rel=1e-9)
    assert known["stress_age_s"] == known["thermal_age_s"], "no voltage was measured"
    assert known["covered_30d_h"] == 743.0, "30 days and the one under way"
    for name in ("temperature_mean_30d_c", "temperature_max_30d_c"):
        assert known[name] == pytest.approx(temperature_c, abs=0.005)
    assert known["time_above_30c_30d_h"] == (743.0 if temperature_c > 30.0 else 0.0)
    assert known["ageing_month_1"] == known["ageing_month_2"] == pytest.approx(factor(temperature_c), rel=1e-9)
    assert np.isnan(known["ageing_month_3"])
    assert known["temperature_cycles"] == known["discharges"] == 0.0


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 400))
def test_means_lie_between_what_was_measured(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    times_us = _INSTALLED_US + np.cumsum(rng.integers(1, 7_200_000_000, count))
    measured_c = np.round(rng.uniform(10.0, 45.0, count), 1)
    known = known_after(rows_at(times_us, measured_c))
    if known["covered_30d_h"] > 0.0:
        low, mean, hottest = measured_c.min(), known["temperature_mean_30d_c"], known["temperature_max_30d_c"]
        assert low - 0.01 <= mean <= hottest + 0.01 <= measured_c.max() + 0.02
        assert 0.0 <= known["time_above_30c_30d_h"] <= known["covered_30d_h"] <= 744.1
    slowest, fastest = factor(measured_c.min()) - 1e-9, factor(measured_c.max()) + 1e-9
    assert all(slowest <= known[name] <= fastest for name in AGEING_MONTHS if not np.isnan(known[name]))
    lasted_s = 1e-6 * (times_us[-1] - times_us[0])
    begun_s = 1e-6 * (times_us[0] - _INSTALLED_US) * factor(25.0)
    factors = np.array([factor(temperature_c) for temperature_c in measured_c])
    expected = float(np.sum(0.5e-6 * np.diff(times_us) * (factors[1:] + factors[:-1])))
    assert known["thermal_age_s"] == pytest.approx(begun_s + expected, rel=1e-6)
    assert known["observed_s"] == pytest.approx(lasted_s, abs=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_time_on_a_straight_line_does_not_depend_on_the_readings_on_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    begin_us = _INSTALLED_US + int(rng.integers(0, _DAY_US))
    ends = [begin_us + k * _HOUR_US for k in range(7)]
    more = np.unique([*ends, *(begin_us + rng.integers(1, 6 * _HOUR_US, 200))])
    few, many = (
        known_after(rows_at(times, 25.0 + 10.0 * (np.array(times) - begin_us) / (6 * _HOUR_US)))
        for times in (ends, more)
    )
    assert few["temperature_mean_30d_c"] == pytest.approx(30.0, abs=0.02)
    for name in ("temperature_mean_30d_c", "thermal_age_s", "temperature_max_30d_c"):
        assert many[name] == pytest.approx(few[name], rel=0.01), name
    assert many["time_above_30c_30d_h"] == pytest.approx(few["time_above_30c_30d_h"], abs=0.07), "0.1 K last 3.6 min"


def test_the_window_is_thirty_days_and_the_one_under_way() -> None:
    hot_us = _INSTALLED_US + np.arange(0, 10 * _DAY_US + 1, _HOUR_US)
    cool_us = hot_us[-1] + np.arange(_HOUR_US, 29 * _DAY_US + 1, _HOUR_US)
    rows = np.concatenate([rows_at(hot_us, 40.0), rows_at(cool_us, 20.0)])
    known = known_after(rows)
    assert known["temperature_max_30d_c"] == pytest.approx(40.0, abs=0.005)
    assert known["time_above_30c_30d_h"] == pytest.approx(24.0 + 0.5, abs=0.01), "a day of heat and half the fall"
    silent = rows_at([rows["sample_time_us"][-1] + 20 * _DAY_US], np.nan)
    later = known_after(np.concatenate([rows, silent]))
    assert later["covered_30d_h"] == pytest.approx(10 * 24.0), "rows without a temperature move the window on"
    assert later["temperature_max_30d_c"] == pytest.approx(20.0, abs=0.005)
    assert later["thermal_age_s"] > known["thermal_age_s"] + 20 * 86_400.0 * factor(20.0)


def test_what_nobody_saw_is_taken_for_what_is_usual() -> None:
    times_us = _INSTALLED_US + np.concatenate([np.arange(0, 300 * _DAY_US, _HOUR_US), [400 * _DAY_US]])
    known = known_after(rows_at(times_us, 35.0))
    assert known["observed_s"] == pytest.approx(300 * 86_400.0 - 3_600.0)
    usual = (300.0 * factor(35.0) + 30.0 * factor(25.0)) / 330.0
    assert known["thermal_age_s"] == pytest.approx(86_400.0 * (300.0 * factor(35.0) + 100.0 * usual), rel=0.001)
    late = known_after(rows_at([_INSTALLED_US + 500 * _DAY_US], 35.0))
    assert late["thermal_age_s"] == pytest.approx(500 * 86_400.0 * factor(25.0), rel=1e-9)
    assert late["observed_s"] == 0.0


def test_years_count_half_as_much_as_the_next() -> None:
    hourly_us = np.arange(0, 31 * _DAY_US, _HOUR_US)
    first = rows_at(_INSTALLED_US + hourly_us, 20.0)
    second = rows_at(_INSTALLED_US + 366 * _DAY_US + hourly_us, 30.0)
    known = known_after(np.concatenate([first, second]))
    assert known["ageing_month_1"] == pytest.approx((0.5 + factor(30.0)) / 1.5, rel=1e-3)


def test_a_voltage_beside_the_set_point_ages_and_a_discharge_wears() -> None:
    times_us = _INSTALLED_US + np.arange(0, 10 * _DAY_US, _HOUR_US)
    rows = rows_at(times_us, 25.0)
    rows["voltage_v"] = 13.65 + 6 * 0.08
    known = known_after(rows)
    assert known["stress_age_s"] == pytest.approx(2.0 * known["thermal_age_s"], rel=1e-3), "0.08 V a cell halve life"
    times_us = times_us[-1] + np.array([0, 60, 120, 660, 1_260, 1_320, 4_000]) * 1_000_000 + 1
    regime = [1, 2, 2, 2, 2, 3, 1]
    out = rows_at(times_us, 25.0, regime, [1.0, 0.99, 0.98, 0.8, 0.5, 0.51, 0.6])
    out["current_a"] = [0.3, -60.0, -60.0, -60.0, -60.0, 12.0, 0.3]
    known = known_after(out)
    assert (known["discharges"], known["depth_sum"], known["depth_max"]) == (1.0, 0.5, 0.5)
    assert known["cycle_wear"] == pytest.approx(0.5**1.6 / 230.0)
    assert known["discharged_ah"] == pytest.approx(60.0 * 1_260.0 / 3_600.0)
    out["current_a"] *= -1.0
    assert known_after(out)["discharged_ah"] == known["discharged_ah"], "whatever sign the gateway gives"


def test_swings_count_when_they_return() -> None:
    days = np.arange(0, 10 * _DAY_US, _HOUR_US)
    for half_k, cycles in ((2.4, 0.0), (2.7, 10.0)):
        measured_c = np.round(25.0 - half_k * np.cos(2 * np.pi * days / _DAY_US), 1)
        assert known_after(rows_at(_INSTALLED_US + days, measured_c))["temperature_cycles"] == cycles


@pytest.mark.parametrize("rate_per_year", [0.0, 0.1, 0.4])
def test_a_rising_resistance_is_found_within_its_sigma(rate_per_year: float) -> None:
    rng = np.random.default_rng(5)
    times_us = _INSTALLED_US + np.arange(0, 700 * _DAY_US, 7_200_000_000)
    rows = rows_at(times_us, 30.0)
    age_years = 1e-6 * (times_us - _INSTALLED_US) * factor(30.0) / _YEAR_S
    warm = 3.5 * (1.0 + _SHEET["r_per_k"] * 5.0)
    measured = warm * (1.0 + rate_per_year * age_years) * (1.0 + 0.04 * rng.standard_normal(len(times_us)))
    rows["internal_resistance_mohm"] = np.where(np.arange(len(times_us)) % 84 == 0, measured, np.nan)
    known = known_after(rows, resistance_count=100.0, resistance_base=3.5, told_soh_resistance=1.1)
    assert known["resistance_rate_per_year"] == pytest.approx(rate_per_year, abs=3.0 * known["resistance_rate_sigma"])
    assert 0.0 < known["resistance_rate_sigma"] < 0.05
    assert known["resistance_trend_s"] == pytest.approx(22 * _YEAR_S / 12.0)


def test_the_marker_falls_when_a_block_gasses_more() -> None:
    times_us = _INSTALLED_US + np.arange(0, 20 * _DAY_US, _HOUR_US)
    rows = rows_at(times_us, 25.0)
    rows["voltage_v"] = 13.65
    per_v = 1.0 / _SHEET["volts_per_marker"]
    begun = (13.65 - 6 * _SHEET["gas_u0_v_cell"]) * per_v
    known = known_after(rows, marker_us=float(times_us[-1]), settled_marker=begun - 0.3)
    assert known["marker_drift"] == pytest.approx(0.3, abs=1e-3)
    assert np.isnan(known_after(rows[:60], marker_us=1.0)["marker_drift"]), "it has not settled for long enough"
