"""Scores say of synthetic estimates what was put into them."""

import numpy as np
import pytest

from batterytwin.telemetry import Regime
from tests.validation.scoring import coverage, mean_absolute, root_mean_square, skill
from tests.validation.simulated_fleet import true_regimes


@pytest.mark.parametrize(("inflation", "one", "two"), [(1.0, 68.3, 95.4), (0.5, 38.3, 68.3), (2.0, 95.4, 100.0)])
def test_coverage_of_calibrated_narrow_and_wide_sigmas(inflation: float, one: float, two: float) -> None:
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.1, 2.0, 200_000)
    found = coverage(sigma * rng.standard_normal(sigma.size), inflation * sigma)
    assert found.one_sigma == pytest.approx(one, abs=0.5)
    assert found.two_sigma == pytest.approx(two, abs=0.5)
    assert found.samples == sigma.size


def test_coverage_leaves_out_what_is_unknown_and_admits_to_having_nothing() -> None:
    assert coverage([0.5, np.nan], [1.0, 1.0]).samples == 1
    assert np.isnan(coverage([np.nan], [1.0]).one_sigma)


def test_skill_is_positive_only_for_what_beats_the_baseline_on_the_same_samples() -> None:
    baseline = np.array([2.0, -2.0, 2.0, np.nan])
    assert skill([1.0, -1.0, 1.0, 100.0], baseline) == pytest.approx(0.5)
    assert skill(baseline, baseline) == pytest.approx(0.0)
    assert skill([3.0, 3.0, np.nan, 0.0], baseline) < 0.0


def test_means_ignore_the_unknown() -> None:
    assert mean_absolute([-1.0, 3.0, np.nan]) == pytest.approx(2.0)
    assert root_mean_square([3.0, -4.0, np.nan]) == pytest.approx(np.sqrt(12.5))
    assert np.isnan(mean_absolute([np.nan]))


def test_regimes_follow_the_true_current() -> None:
    """Float begins ten minutes after the last ampere; a string without any current rests."""
    time_us = np.arange(30) * 60_000_000
    current_a = np.full(30, 0.02)
    current_a[3:8] = [-40.0, 0.0, 12.0, 12.0, 12.0]
    regime = true_regimes(time_us, current_a)
    assert list(regime[:3]) == [Regime.FLOAT] * 3
    assert list(regime[3:8]) == [Regime.DISCHARGE, Regime.REST] + [Regime.RECHARGE] * 3
    assert list(regime[8:18]) == [Regime.RECHARGE] * 10
    assert list(regime[18:]) == [Regime.FLOAT] * 12
