"""Conformal intervals on toy batteries that are exchangeable."""

import numpy as np
import pytest

from batterytwin.life import MEDIAN
from ml.calibration import GROUP_EDGES_DAYS, Calibration, calibrate, group_of, twin_spread


def _toy(seed: int, n: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    told = np.exp(rng.uniform(np.log(60.0), np.log(3_000.0), n))
    life = told * np.exp(0.5 * rng.standard_t(4, n))
    return told, life, np.full((n, 2), 0.3)


def _calibrated(told: np.ndarray, life: np.ndarray, spread: np.ndarray, watch_days: float) -> Calibration:
    seen = life <= watch_days
    return calibrate(
        battery=np.arange(len(told)),
        median_days=told,
        spread=spread,
        life_days=life,
        ended=seen,
        seed=1,
    )


@pytest.mark.parametrize("watch_days", [1e6, 3_000.0])
def test_nine_new_batteries_in_ten_lie_inside_even_where_many_lives_were_not_seen_to_end(watch_days: float) -> None:
    widths = _calibrated(*_toy(1), watch_days)
    told, life, spread = _toy(2)
    days, known = widths.quantile_days(told, spread)
    inside = (life >= days[:, 0]) & (life <= days[:, -1])
    for group in range(len(GROUP_EDGES_DAYS) + 1):
        mine = known & (group_of(told) == group)
        if mine.any():
            assert 0.86 < inside[mine].mean() < 0.95
    assert known[group_of(told) < 3].all()


def test_no_upper_bound_is_told_as_calibrated_where_most_ends_were_not_seen() -> None:
    widths = _calibrated(*_toy(1), 400.0)
    assert widths.upper_known[0]
    assert not widths.upper_known[2:].any()


def test_quantiles_are_in_order_whatever_the_factors() -> None:
    rng = np.random.default_rng(3)
    widths = Calibration(rng.normal(size=(4, 5)), np.ones(4, np.bool_))
    told = np.exp(rng.uniform(0.0, 9.0, 500))
    days, _ = widths.quantile_days(told, rng.uniform(0.05, 1.5, (500, 2)))
    assert (np.diff(days, axis=1) >= 0.0).all()
    assert (days[:, MEDIAN] == told).all()


def test_widths_go_through_json_unchanged() -> None:
    widths = _calibrated(*_toy(1), 3_000.0)
    back = Calibration.from_json(widths.as_json())
    assert (back.factors == widths.factors).all()
    assert (back.upper_known == widths.upper_known).all()


def test_the_spread_of_the_twin_is_bounded_and_told_for_both_sides() -> None:
    days = np.array([[1.0, 50.0, 100.0, 150.0, 1e9], [100.0, 100.0, 100.0, 100.0, 100.0]])
    spread = twin_spread(days)
    assert spread[0] == pytest.approx([np.log(2.0) / 0.674, np.log(1.5) / 0.674])
    assert spread[1] == pytest.approx([0.05, 0.05])
