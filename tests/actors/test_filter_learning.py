"""What voltages teach, and what they must not teach."""

import numpy as np
import pytest

from batterytwin.telemetry import Regime, StringMode
from tests.actors.filter_runs import Run, battery, generic, run
from tests.actors.other_plant import record

_HOUR_S = 3_600.0


def _full() -> Run:
    return run(battery(), np.arange(0.0, 16 * _HOUR_S, 60.0), 13.65, 0.02, 25.0, mode=StringMode.FLOAT)


@pytest.mark.parametrize("current_sigma_a", [0.0, 0.05, 0.12])
def test_noise_of_the_current_at_rest_takes_no_charge_from_a_full_block(current_sigma_a: float) -> None:
    """A positive reading at rest is no charge, and the resistance that a full block sets to one plays no part."""
    rng = np.random.default_rng(7)
    time_s = np.arange(0.0, 12 * _HOUR_S, 60.0)
    current_a = rng.normal(0.0, current_sigma_a, time_s.size)
    r = run(battery(), time_s, 12.89 + rng.normal(0.0, 0.004, time_s.size), current_a, 25.0)
    settled = r.time_s > _HOUR_S
    assert np.all(r.regime == Regime.REST)
    assert np.abs(r["soc"][settled] - 0.98).max() < 0.03
    assert r["soc_sigma"][-1] < 0.5 * r["soc_sigma"][0]


def test_an_error_of_the_table_is_learnt_where_the_charge_is_known() -> None:
    """A block known to be full that discharges 60 mV below its table has another table, not another charge."""
    full = _full()
    time_s = full.time_s[-1] + np.arange(60.0, 2 * _HOUR_S, 60.0)
    as_expected = run(battery(), time_s, np.nan, -6.0, 25.0, state=full.state)
    table_v = 12.90 - 1.0 * (1.0 - as_expected["soc"]) - 0.06 - 6.0 * 0.0095
    r = run(battery(), time_s, table_v, -6.0, 25.0, state=full.state)
    assert r.end["table_error_v"] < -0.015
    assert abs(r["soc"][-1] - as_expected["soc"][-1]) < 0.03


def test_part_of_a_discharge_tells_capacity_by_how_fast_the_voltage_falls() -> None:
    """Two blocks that begin alike: the one whose voltage falls faster has less, long before either is empty."""
    found = {}
    for capacity_ah in (100.0, 120.0):
        plant = record([("float", 16.0, 0.0), ("discharge", 4.0, -12.0)], n=1, capacity_ah=capacity_ah, seed=3)
        r = run(generic(120.0), plant.time_s, plant.voltage_v[:, 0], -12.0 * (plant.mode == "discharge"), 25.0)
        found[capacity_ah] = r["soh_capacity"][-1]
        assert r["soh_capacity_sigma"][-1] < r["soh_capacity_sigma"][0]
    assert found[120.0] - found[100.0] > 0.03


def test_a_long_rest_after_a_deep_discharge_leaves_charge_and_capacity_where_they_were() -> None:
    plant = record([("float", 16.0, 0.0), ("discharge", 6.0, -12.0), ("rest", 12.0, 0.0)], n=4, seed=9)
    for b in range(4):
        r = run(generic(120.0), plant.time_s, plant.voltage_v[:, b], plant.current_a[:, b], 26.0)
        rests = np.flatnonzero(r.regime == Regime.REST)
        for name, sigma in (("soc", "soc_sigma"), ("soh_capacity", "soh_capacity_sigma")):
            assert abs(r[name][-1] - r[name][rests[0]]) < 2.0 * r[sigma][rests[0]], name


def test_a_cell_that_reverses_costs_no_more_capacity_than_was_drawn() -> None:
    """Below what plates can explain a voltage says that a cell is empty, however far below."""
    plant = record([("float", 16.0, 0.0), ("discharge", 6.0, -12.0)], n=1, seed=4)
    voltage_v = plant.voltage_v[:, 0].copy()
    voltage_v[-60:] = -1.0
    r = run(generic(120.0), plant.time_s, voltage_v, plant.current_a[:, 0], 25.0)
    drawn = 5.0 * 12.0 / 120.0
    assert r["soh_capacity"][-1] > 0.85 * drawn
    assert r["soh_capacity"][-1] < r["soh_capacity"][0]


def test_float_that_begins_unseen_begins_where_the_charge_ended() -> None:
    """Blocks of a string become full one after another: until then their float voltages are not those of before."""
    full = _full()
    loaded_s = full.time_s[-1] + np.arange(60.0, 0.5 * _HOUR_S, 60.0)
    loaded = run(battery(), loaded_s, 12.4, -40.0, 25.0, state=full.state)
    charge_s = loaded_s[-1] + np.arange(60.0, 8 * _HOUR_S, 60.0)
    current_a = np.maximum(12.0 * np.exp(-np.arange(charge_s.size) / 100.0), 0.6)
    ended_v = 13.45
    charged = run(battery(), charge_s, np.minimum(13.0 + 0.005 * np.arange(charge_s.size), ended_v), current_a, 25.0,
                  state=loaded.state)  # fmt: skip
    assert charged.regime[-1] == Regime.RECHARGE
    unseen_s = charge_s[-1] + np.arange(60.0, 1200.0, 60.0)
    unseen = run(battery(), unseen_s, np.nan, 0.1, 25.0, mode=StringMode.FLOAT, state=charged.state)
    seen = run(battery(), unseen_s[-1] + 60.0, ended_v, 0.1, 25.0, mode=StringMode.FLOAT, state=unseen.state)
    assert unseen.regime[-1] == Regime.FLOAT
    assert abs(seen["innovation_v"][0]) < 0.05


def _discharged(hours: float, current_a: float = -12.0) -> Run:
    full = _full()
    load_s = full.time_s[-1] + np.arange(60.0, hours * _HOUR_S, 60.0)
    return run(battery(), load_s, np.linspace(12.4, 11.8, load_s.size), current_a, 25.0, state=full.state)


@pytest.mark.parametrize("rest_v", [11.3, 10.7, 9.5])
def test_an_exhausted_block_gains_no_capacity_at_rest(rest_v: float) -> None:
    """Below an empty block's voltage SOC stands at its bound, which says the same at every reading."""
    empty = _discharged(5.0)
    rest_s = empty.time_s[-1] + np.arange(600.0, 30 * 24 * _HOUR_S, 600.0)
    voltage_v = rest_v + np.random.default_rng(1).normal(0.0, 0.005, rest_s.size)
    r = run(battery(), rest_s, voltage_v, 0.0, 25.0, state=empty.state)
    assert np.all(r.regime == Regime.REST)
    assert r["soc"][-1] == pytest.approx(0.0, abs=0.02)
    assert r["soh_capacity"][-1] < empty["soh_capacity"][-1] + empty["soh_capacity_sigma"][-1]


def test_a_block_that_its_string_drags_below_its_end_voltage_gains_no_capacity() -> None:
    empty = _discharged(5.0)
    load_s = empty.time_s[-1] + np.arange(60.0, 2 * _HOUR_S, 60.0)
    r = run(battery(), load_s, 9.5, -12.0, 25.0, state=empty.state)
    assert np.all(r.regime == Regime.DISCHARGE)
    assert r["soh_capacity"][-1] < empty["soh_capacity"][-1] + empty["soh_capacity_sigma"][-1]


@pytest.mark.parametrize("current_a", [np.nan, -30.0])
def test_a_block_whose_voltage_nobody_sees_gives_no_proof_of_capacity(current_a: float) -> None:
    """Its cells may be reversed, or the current none at all: more counted than it holds is no capacity."""
    loaded = _discharged(0.5, -30.0)
    unseen_s = loaded.time_s[-1] + np.arange(60.0, 48 * _HOUR_S, 60.0)
    r = run(battery(), unseen_s, np.nan, current_a, 25.0, state=loaded.state)
    assert np.all(r.regime == Regime.DISCHARGE)
    assert r["soh_capacity"][-1] <= loaded["soh_capacity"][-1]


def test_a_block_that_gives_more_than_its_capacity_has_more() -> None:
    full = _full()
    load_s = full.time_s[-1] + np.arange(60.0, 14 * _HOUR_S, 60.0)
    r = run(battery(), load_s, np.linspace(12.75, 12.2, load_s.size), -12.0, 25.0, state=full.state)
    assert 1.1 < r.end["soh_capacity"] <= 1.2
