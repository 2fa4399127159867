"""Steps that can be worked out by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state, live_estimates
from actors.filter_layout import parameter_records, state_records
from batterytwin.telemetry import Regime
from tests.actors.filter_runs import START_US, battery, run


def _discharging(soc: float, current_a: float) -> NDArray[np.float64]:
    """A battery known to be under load, with V1 and V2 at zero."""
    state = initial_state(FilterParameters.from_specs([battery()]))
    x = state_records(state)
    x["sample_time_us"] = x["aged_us"] = START_US
    x["regime"] = Regime.DISCHARGE
    x["soc"], x["p00"] = soc, 0.02**2
    x["current_a"], x["current_known"], x["voltage_v"] = current_a, 1.0, 12.0
    x["reported_a"] = current_a
    x["p44"], x["temperature_var"] = 0.05**2, 0.25
    return state


def test_first_voltage_at_rest_gives_the_soc_of_the_table() -> None:
    r = run(battery(), 0.0, 12.49, 0.0, 25.0)
    assert r.regime[0] == Regime.REST
    assert r["soc"][0] == pytest.approx(0.60, abs=0.002)
    assert 0.05 < r["soc_sigma"][0] < 0.20  # for how long it has rested is unknown


def test_one_minute_of_discharge_without_voltage() -> None:
    r = run(battery(), 60.0, np.nan, -60.0, 25.0, state=_discharging(0.8, -60.0))
    a1, a2 = math.exp(-60 / 40), math.exp(-60 / 2000)
    assert r.end["soc"] == pytest.approx(0.8 - 60.0 * 60 / 3600 / 120, rel=1e-12)
    assert r.end["v1"] == pytest.approx(-60.0 * 0.0015 * (1 - a1), rel=1e-12)
    assert r.end["v2"] == pytest.approx(-60.0 * 0.0040 * (1 - a2), rel=1e-12)
    assert np.isnan(r["innovation_v"][0])


def test_innovation_is_measured_minus_predicted_before_the_update() -> None:
    silent = run(battery(), 60.0, np.nan, -60.0, 25.0, state=_discharging(0.8, -60.0))
    x, p = silent.end, parameter_records(FilterParameters.from_specs([battery()]).values)[0]
    empty = 1.0 - x["soc"]
    ocv_v = 12.74 + (x["soc"] - 0.8) * 1.05  # the table's slope around 80 %, by hand
    whole = x["soc"] + p["spare_charge"]
    level = whole - (1 - p["available_share"]) * x["charge_gap"]
    rate = 60.0 * p["per_exchange_a"]
    acid_v = p["kinetic_v"] * (math.log(whole / level) + math.asinh(rate / whole) - math.asinh(rate))
    predicted_v = ocv_v - 60.0 * 0.0035 * (1 + 1.4 * empty**8) - acid_v + x["v1"] + x["v2"]
    r = run(battery(), 60.0, predicted_v + 0.05, -60.0, 25.0, state=_discharging(0.8, -60.0))
    assert r["innovation_v"][0] == pytest.approx(0.05, abs=0.003)
    assert r["innovation_sigma_v"][0] > 0.01
    assert silent.end["soc"] <= r.end["soc"] < silent.end["soc"] + 0.05


def test_steps_of_any_length_come_to_the_same_circuit() -> None:
    coarse = run(battery(), 600.0, np.nan, -30.0, 25.0, state=_discharging(0.9, -30.0))
    fine = run(battery(), np.arange(1.0, 601.0), np.nan, -30.0, 25.0, state=_discharging(0.9, -30.0))
    for name in ("v1", "v2"):
        assert coarse.end[name] == pytest.approx(fine.end[name], rel=1e-9)
    assert coarse.end["soc"] == pytest.approx(fine.end["soc"], rel=1e-5)  # capacity fades a little meanwhile


def test_a_smaller_load_predicts_a_higher_voltage() -> None:
    """Sign: current > 0 charges and lifts the voltage."""
    surprises = [
        run(battery(), 60.0, 12.0, amps, 25.0, state=_discharging(0.8, amps))["innovation_v"][0]
        for amps in (-90.0, -60.0, -30.0)
    ]
    assert surprises == sorted(surprises, reverse=True)


def test_charge_that_is_counted_never_passes_full() -> None:
    state = run(battery(), 0.0, 12.8, 12.0, 25.0).state
    r = run(battery(), np.arange(60.0, 86_400.0, 60.0), 13.4, 12.0, 25.0, state=state)
    assert np.all(r["soc"] <= 1.0)
    assert r["soc"][-1] > 0.999
    assert r["soc_sigma"][-1] >= 0.0099


def test_twin_without_any_reading_knows_nothing() -> None:
    assert np.all(np.isnan(live_estimates(initial_state(FilterParameters.from_specs([battery()])))))
