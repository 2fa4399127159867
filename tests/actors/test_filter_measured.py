"""The filter on measured blocks of other makes and sizes, told their capacity and cells and nothing else.

The bounds are on a-priori errors: each voltage against what was expected before it was seen.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actors.filter import capacity_evidence_us
from batterytwin.telemetry import Regime
from tests.actors.filter_runs import Run, battery, run
from tests.actors.measured_sets import Measured, charge_of_100_ah, cycles_of_9_ah, discharge_of_17_ah

pytestmark = pytest.mark.shared_data

_BLOCKS = ["C01", "C02", "C05", "C07", "C08", "C10", "C12"]


def _run(capacity_ah: float, measured: Measured) -> Run:
    return run(battery(capacity_ah), measured.time_s, measured.voltage_v, measured.current_a, measured.temperature_c)


def _discharged(measured: Measured, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the whole discharge of these rows that was over at each of them."""
    taken = -measured.current_a[rows] * np.diff(measured.time_s, prepend=measured.time_s[0])[rows]
    return np.cumsum(taken) / np.sum(taken)


@pytest.mark.parametrize("block", _BLOCKS)
def test_voltage_of_9_ah_cycles_is_expected_within_bounds(shared_data: Path, block: str) -> None:
    r = _run(9.0, cycles_of_9_ah(shared_data, block))
    assert r.mae_v(Regime.DISCHARGE) < 0.015
    assert r.mae_v(Regime.RECHARGE) < 0.030
    assert r.mae_v(Regime.REST) < 0.060


@pytest.mark.parametrize("block", ["C01", "C02", "C05", "C07"])
def test_soc_of_9_ah_blocks_is_found_without_knowing_where_it_began(shared_data: Path, block: str) -> None:
    """First discharge: begun at an unknown SOC. Truth: share of what the block gave to 10.5 V."""
    measured = cycles_of_9_ah(shared_data, block)
    r = _run(9.0, measured)
    end = int(np.argmax(measured.voltage_v <= 10.51))
    rows = np.arange(measured.time_s.size) <= end
    true_soc = 1.0 - _discharged(measured, rows)
    error = r["soc"][rows] - true_soc
    deep = true_soc < 0.5
    assert np.abs(error[deep]).mean() < 0.09
    assert np.abs(error[-1]) < 0.10
    assert np.mean(np.abs(error) < 2.0 * r["soc_sigma"][rows]) > 0.85


@pytest.mark.parametrize("block", _BLOCKS)
def test_nine_ah_blocks_are_known_to_be_full_after_their_charge(shared_data: Path, block: str) -> None:
    r = _run(9.0, cycles_of_9_ah(shared_data, block))
    assert abs(r["soc"][-1] - 1.0) < 2.5 * r["soc_sigma"][-1]
    assert r["soc_sigma"][-1] < 0.06


@pytest.mark.parametrize("block", ["C01", "C02", "C05", "C07"])
def test_second_discharge_of_9_ah_blocks_is_evidence_of_their_lost_capacity(shared_data: Path, block: str) -> None:
    """These blocks give 6.4...7.1 Ah at C/5 where the label says 9 Ah at C/20."""
    r = _run(9.0, cycles_of_9_ah(shared_data, block))
    assert capacity_evidence_us(r.state)[0] > 0
    assert 0.70 < r["soh_capacity"][-1] < 0.93
    assert r["soh_capacity_sigma"][-1] < r["soh_capacity_sigma"][0]


@pytest.mark.parametrize(("amperes", "bound_v"), [(1, 0.041), (2, 0.033), (3, 0.052)])
def test_17_ah_discharges_beat_the_published_physics_fit(shared_data: Path, amperes: int, bound_v: float) -> None:
    """Another task than that fit's: a minute ahead, but nothing fitted. The bounds are those of the fit."""
    r = _run(17.0, discharge_of_17_ah(shared_data, amperes))
    assert r.mae_v(Regime.DISCHARGE) < min(bound_v, 0.025)


@pytest.mark.parametrize("amperes", [1, 2, 3])
def test_soc_at_the_end_of_17_ah_discharges(shared_data: Path, amperes: int) -> None:
    measured = discharge_of_17_ah(shared_data, amperes)
    r = _run(17.0, measured)
    loaded = np.flatnonzero(r.regime == Regime.DISCHARGE)
    assert r["soc"][loaded[-1]] < 0.10
    assert r["soc"][loaded[0]] > 0.85


def test_100_ah_charge_from_empty(shared_data: Path) -> None:
    measured = charge_of_100_ah(shared_data).every(60.0)
    r = _run(100.0, measured)
    charged = np.flatnonzero(r.regime == Regime.RECHARGE)
    assert r["soc"][charged[0]] < 0.12
    assert r["soc"][charged[-1]] > 0.96
    assert r.mae_v(Regime.RECHARGE) < 0.020
    assert r.mae_v(Regime.RECHARGE) < r.persistence_v(Regime.RECHARGE)
    resting = measured.time_s > measured.time_s[charged[-1]] + 60.0
    assert np.all(r["soc"][resting] > 0.95)  # 13.2 V after hours: surface charge, taken for no more than full
    assert np.nanmean(np.abs(r["innovation_v"][resting])) < 0.030


def test_five_seconds_and_a_minute_agree_on_the_100_ah_charge(shared_data: Path) -> None:
    measured = charge_of_100_ah(shared_data)
    fine, coarse = _run(100.0, measured), _run(100.0, measured.every(60.0))
    at = np.searchsorted(measured.time_s, coarse.time_s)
    assert np.abs(fine["soc"][at] - coarse["soc"]).max() < 0.03


def test_ten_minutes_ahead_it_beats_persistence_on_measured_blocks(shared_data: Path) -> None:
    """Read every ten minutes, the innovation is the error of a forecast over ten minutes at a known current."""
    discharges = [_run(9.0, cycles_of_9_ah(shared_data, block).every(600.0)) for block in _BLOCKS]
    for regime in (Regime.DISCHARGE, Regime.RECHARGE):
        own = np.mean([r.mae_v(regime) for r in discharges])
        assert own < np.mean([r.persistence_v(regime) for r in discharges]), regime
    charge = _run(100.0, charge_of_100_ah(shared_data).every(600.0))
    assert charge.mae_v(Regime.RECHARGE) < charge.persistence_v(Regime.RECHARGE)
