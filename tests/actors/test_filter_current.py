"""A twin corrects the sign and the offset of the current it is told, from its own readings alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from batterytwin.telemetry import Regime, StringMode
from tests.actors.filter_runs import Run, battery, generic, run
from tests.actors.other_plant import Record, record

_OUTAGES = [("float", 15.0, 0.0), ("discharge", 0.5, -60.0), ("recharge", 14.0, 12.0), ("float", 20.0, 0.0)]


def _told(plant: Record, current_a: NDArray[np.float64]) -> Run:
    return run(generic(120.0), plant.time_s, plant.voltage_v[:, 0], current_a, 26.0)


def test_a_swapped_sign_is_turned_round_within_the_first_discharge_and_leaves_no_trace() -> None:
    plant = record(_OUTAGES, n=1)
    right, wrong = _told(plant, plant.current_a[:, 0]), _told(plant, -plant.current_a[:, 0])
    loaded = np.flatnonzero(plant.mode == "discharge")
    assert right.end["current_sign"] == 1.0
    assert wrong.end["current_sign"] == -1.0
    assert np.all(wrong.regime[loaded[1:]] == Regime.DISCHARGE)
    assert np.abs(wrong["soc"] - right["soc"])[loaded[1] :].max() < 0.02
    assert wrong["r0_ohm"][-1] == pytest.approx(right["r0_ohm"][-1], rel=0.05)


def test_a_gateway_that_is_put_right_is_followed() -> None:
    plant = record(_OUTAGES * 3, n=1)
    third = plant.time_s.size // 3
    reported = np.where(np.arange(plant.time_s.size) < third, -1.0, 1.0) * plant.current_a[:, 0]
    r = _told(plant, reported)
    assert r.end["current_sign"] == 1.0
    assert r["soc"][-1] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("offset_a", [-0.35, 0.35])
def test_an_offset_is_learnt_on_long_float_and_taken_off(offset_a: float) -> None:
    rng = np.random.default_rng(2)
    time_s = np.arange(0.0, 10 * 86_400.0, 60.0)
    voltage_v = 13.62 + rng.normal(0.0, 0.004, time_s.size)
    r = run(generic(120.0), time_s, voltage_v, 0.02 + offset_a + rng.normal(0.0, 0.05, time_s.size), 25.0)
    assert r.end["current_offset_a"] == pytest.approx(offset_a, abs=0.05)
    assert r.end["current_a"] == pytest.approx(0.0, abs=0.25)


def test_the_float_current_itself_is_no_offset() -> None:
    time_s = np.arange(0.0, 10 * 86_400.0, 60.0)
    r = run(generic(120.0), time_s, 13.65, 0.03, 25.0, mode=StringMode.FLOAT)
    assert r.end["current_a"] == pytest.approx(0.03, abs=1e-6)


def test_an_offset_stays_within_its_bound() -> None:
    time_s = np.arange(0.0, 5 * 86_400.0, 60.0)
    r = run(generic(120.0), time_s, 13.65, -30.0, 25.0, mode=StringMode.FLOAT)
    assert abs(r.end["current_offset_a"]) <= 0.05 * 120.0


@pytest.mark.parametrize(("mode", "sigma"), [(StringMode.UNSPECIFIED, 0.1), (StringMode.FLOAT, 0.0)])
@pytest.mark.parametrize("current_a", [-11.0, -30.0, -60.0])
def test_a_discharge_that_goes_on_at_the_chargers_voltage_is_not_counted(
    current_a: float, mode: StringMode, sigma: float
) -> None:
    """The current stands still, or the voltage does: SOC is less sure, and nothing is learnt of the capacity."""
    time_s = np.arange(0.0, 5 * 86_400.0, 60.0)
    stuck = time_s > 86_400.0
    r = run(battery(), time_s, 13.65, np.where(stuck, current_a, 0.02), 25.0, mode=mode)
    before = r.time_s.searchsorted(86_400.0)
    assert r["soc"][-1] + 2.0 * r["soc_sigma"][-1] >= 1.0
    assert r["soc_sigma"][-1] >= sigma
    assert r["soh_capacity"][-1] == pytest.approx(r["soh_capacity"][before], abs=1e-3)
    assert np.all(np.diff(r["soh_capacity_sigma"][before:]) > -1e-6)
    assert r.end["capacity_evidence_kind"] == 0


def test_a_recharge_ends_although_no_current_tells_of_it() -> None:
    time_s = np.arange(0.0, 4 * 86_400.0, 60.0)
    loaded = (time_s > 86_400.0) & (time_s <= 90_000.0)
    charged = (time_s > 90_000.0) & (time_s <= 95_000.0)
    current_a = np.where(loaded, -30.0, np.where(charged, 12.0, np.where(time_s > 95_000.0, np.nan, 0.02)))
    r = run(battery(), time_s, np.where(loaded, 12.3, np.where(charged, 13.4, 13.65)), current_a, 25.0)
    assert np.all(r.regime[charged] == Regime.RECHARGE)
    assert r.regime[-1] == Regime.FLOAT
    assert r["soc"][-1] == pytest.approx(1.0, abs=0.01)
    assert r["soc_sigma"][-1] < 0.02
