"""On float the voltage says nothing of the charge."""

from typing import Any

import numpy as np
import pytest

from batterytwin.telemetry import Regime, StringMode
from tests.actors.filter_runs import battery, run

_DAY_S = 86_400.0


def _floating(days: float, period_s: float = 60.0, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    time_s = np.arange(0.0, days * _DAY_S, period_s)
    return {
        "time_s": time_s,
        "voltage_v": 13.62 + rng.normal(0.0, 0.01, time_s.size),
        "current_a": 0.02 + rng.normal(0.0, 0.08, time_s.size),
        "temperature_c": 26.0 + rng.normal(0.0, 0.3, time_s.size),
    }


@pytest.mark.parametrize("period_s", [5.0, 60.0, 3600.0])
def test_sampling_makes_no_difference_to_float(period_s: float) -> None:
    r = run(battery(), **_floating(3.0, period_s))
    assert np.all(r.regime == Regime.FLOAT)
    assert r["soc"][-1] == pytest.approx(1.0, abs=0.01)
    assert 0.0099 < r["soc_sigma"][-1] < 0.0105
    assert r.mae_v(Regime.FLOAT) < 0.012
    if period_s < 3600.0:  # with 72 readings the mean is too noisy
        assert 0.7 < r.nis(Regime.FLOAT) < 1.4


def test_soc_sigma_does_not_collapse_in_a_month_of_float() -> None:
    r = run(battery(), **_floating(30.0))
    assert np.all(r["soc_sigma"] >= 0.0099)
    assert np.all(r["soc"] <= 1.0)


def test_float_voltage_does_not_move_soc() -> None:
    readings = _floating(5.0 / 24)
    high = run(battery(), **{**readings, "voltage_v": readings["voltage_v"] + 0.2})
    low = run(battery(), **{**readings, "voltage_v": readings["voltage_v"] - 0.2})
    assert np.array_equal(high["soc"], low["soc"])
    assert np.array_equal(high["soc_sigma"], low["soc_sigma"])


def test_an_offset_of_the_current_sensor_is_not_counted_on_float() -> None:
    readings = _floating(30.0)
    for offset_a in (-0.4, 0.4):
        r = run(battery(), **{**readings, "current_a": readings["current_a"] * 0.1 + offset_a})
        assert np.all(r.regime == Regime.FLOAT)
        assert r["soc"][-1] == pytest.approx(1.0, abs=0.01)


def test_charger_that_reports_float_is_believed_against_a_large_sensor_offset() -> None:
    readings = _floating(1.0)
    r = run(battery(), **{**readings, "current_a": readings["current_a"] + 3.0}, mode=StringMode.FLOAT)
    assert r.regime[-1] in (Regime.FLOAT, Regime.RECHARGE)
    silent = run(battery(), **readings, mode=StringMode.FLOAT)
    jumped = run(battery(), 1.0 * _DAY_S + 60.0, 13.62, 3.0, 26.0, mode=StringMode.FLOAT, state=silent.state)
    assert jumped.regime[0] == Regime.FLOAT


def test_current_that_is_not_measured_counts_as_none_on_float() -> None:
    readings = _floating(1.0)
    r = run(battery(), **{**readings, "current_a": np.full(readings["time_s"].size, np.nan)})
    assert np.all(r.regime == Regime.FLOAT)
    assert r["soc_sigma"][-1] < 0.0105


def test_marker_follows_a_new_set_point_within_the_hour() -> None:
    before = run(battery(), **_floating(2.0))
    readings = _floating(1.0 / 24, seed=2)
    r = run(
        battery(),
        readings["time_s"] + 2.0 * _DAY_S,
        readings["voltage_v"] - 0.3,
        readings["current_a"],
        readings["temperature_c"],
        mode=StringMode.FLOAT,
        state=before.state,
    )
    assert abs(r["innovation_v"][0] + 0.3) < 0.05
    assert np.abs(r["innovation_v"][-20:]).mean() < 0.02


def test_a_single_outlier_hardly_moves_what_is_expected() -> None:
    before = run(battery(), **_floating(2.0))
    hit = run(battery(), 2.0 * _DAY_S + 60, 12.9, 0.02, 26.0, mode=StringMode.FLOAT, state=before.state)
    after = run(battery(), 2.0 * _DAY_S + 120, 13.62, 0.02, 26.0, mode=StringMode.FLOAT, state=hit.state)
    assert abs(hit["innovation_v"][0]) > 0.6
    assert abs(after["innovation_v"][0]) < 0.05


def test_warming_with_a_compensated_charger_is_expected() -> None:
    """-18 mV/K of a 12 V block: the set point falls and the block follows without surprise."""
    readings = _floating(2.0)
    warm_c = 5.0 * np.sin(2 * np.pi * readings["time_s"] / _DAY_S)
    r = run(
        battery(),
        readings["time_s"],
        readings["voltage_v"] - 0.018 * warm_c,
        readings["current_a"],
        readings["temperature_c"] + warm_c,
    )
    assert r.mae_v(Regime.FLOAT) < 0.013


def test_gap_in_the_data_makes_soc_less_certain_until_float_has_lasted_again() -> None:
    before = run(battery(), **_floating(2.0))
    sigmas = [
        run(battery(), 2.0 * _DAY_S + gap_s, 13.62, 0.02, 26.0, state=before.state)["soc_sigma"][0]
        for gap_s in (60.0, 6 * 3600.0, _DAY_S, 30 * _DAY_S)
    ]
    assert sigmas == sorted(sigmas)
    assert sigmas[0] < 0.011
    assert sigmas[1] > 0.05
    assert sigmas[3] > 0.2
