"""What evidence says of how fast a block ages: log likelihoods over a grid of speeds.

A block that ages m times as fast as its data sheet has used theta = m w of its life, w being the wear that the life law
counts; its capacity is 1 - fade theta**n, and its resistance has risen by gain theta**n. The error of each piece of
evidence is taken at one speed and not at each, so that better health never speaks for a faster block. What the twin
tells of the capacity is not used for that: it holds the life law already, which would then count twice.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.remaining_life_rate import LifeRates
from batterytwin.life import Floats
from batterytwin.telemetry import Rows

_NEW_BLOCK_SIGMA: Final = 0.02
"""Blocks differ by this when new."""
_SHAPE_SIGMA: Final = 0.3
"""Error of the fade at the begin of life, of the fade itself: curves of blocks bend differently. None at its end."""
_GAIN_SIGMA: Final = 0.40
"""By how much blocks of equal capacity differ in the rise of their resistance: dry-out and corrosion come apart."""
_SLOPE_SIGMA: Final = 0.6
_DRIFT_SIGMA: Final = 0.02
_RATE_SIGMA: Final = 0.01
_SHARED: Final = 2.0
"""Drift and its slope rest on the same readings: each counts as half where both are there."""
_MARKER_AT_END: Final = 1.6
_MARKER_SIGMA: Final = 1.2
_KINDS: Final = ("test", "deep", "rank")
_SURELY_OVER_SIGMA: Final = 2.0
"""By how many sigmas the capacity lies below its limit where the end of life has surely come."""
_YEAR_S: Final = 365.25 * 86_400.0
_LEAST_TREND_S: Final = 180.0 * 86_400.0
_RUN_IN_US: Final = 365.25 * 86_400e6
"""The resistance of a new block falls while it forms, and its slope says nothing."""


def by_capacity(inputs: Rows, rates: LifeRates, speed: Floats, usual: Floats) -> Floats:
    """Log likelihood of what measured capacity: capacity test, deep discharge, rank in a discharge.

    Args:
        inputs: records, `(n_batteries,)`.
        rates: of the same.
        speed: m, `(n_batteries, n_grid)`.
        usual: speed at which errors are taken, `(n_batteries,)`.

    Returns:
        `(n_batteries, n_grid)`; 0 where nothing is known.
    """
    found = np.zeros_like(speed)
    age_us = np.maximum(inputs["as_of_us"] - inputs["installed_us"], 1.0)
    for kind in _KINDS:
        then = np.clip((inputs[f"{kind}_us"] - inputs["installed_us"]) / age_us, 0.0, 1.0) * rates.wear
        theta = usual * then
        shape = _SHAPE_SIGMA * _power(theta, inputs) * inputs["fade_at_end"] * np.maximum(1.0 - theta, 0.0)
        sigma = np.sqrt(inputs[f"{kind}_sigma"] ** 2 + _NEW_BLOCK_SIGMA**2 + shape**2)
        expected = 1.0 - _column(inputs["fade_at_end"]) * _power(speed * _column(then), inputs)
        found += _normal(inputs[f"{kind}_soh"], expected, sigma)
    return found


def by_resistance(inputs: Rows, rates: LifeRates, speed: Floats, usual: Floats, share: float = 1.0) -> Floats:
    """Log likelihood of the instrument's resistance: how far it has risen, and how fast.

    Args:
        inputs: as of `by_capacity`, like the two below.
        rates: of the same.
        speed: m.
        usual: speed at which errors are taken.
        share: rise of resistance over what the data sheet gives to the same loss of capacity.
    """
    gain = share * inputs["fade_at_end"] / inputs["fade_per_resistance"]
    first = np.maximum(rates.wear - rates.watched_wear, 0.0)

    def risen(theta_now: Floats, theta_first: Floats) -> Floats:
        per = _column(gain) if theta_now.ndim == 2 else gain
        return np.asarray(per * (_power(theta_now, inputs) - _power(theta_first, inputs)), np.float64)

    expected = risen(speed * _column(rates.wear), speed * _column(first))
    error = _GAIN_SIGMA * risen(usual * rates.wear, usual * first)
    sigma = np.sqrt(inputs["resistance_drift_sigma"] ** 2 + _DRIFT_SIGMA**2 + error**2)
    has_rate = np.isfinite(inputs["resistance_rate_per_year"]) & (inputs["resistance_trend_s"] >= _LEAST_TREND_S)
    has_rate &= inputs["as_of_us"] - inputs["installed_us"] - inputs["resistance_trend_s"] * 1e6 >= _RUN_IN_US
    wider = np.where(has_rate, np.sqrt(_SHARED), 1.0)
    drift = _normal(inputs["resistance_drift"], expected, sigma * wider)

    exponent = inputs["life_exponent"]
    trend = np.minimum(inputs["resistance_trend_s"] / np.maximum(inputs["observed_s"], 1.0), 1.0)
    middle = np.maximum(rates.wear - 0.5 * np.where(has_rate, trend, 0.0) * rates.watched_wear, 1e-3)
    per_year = gain * exponent * inputs["life_per_s_20c"] * _YEAR_S
    grid = _column(per_year) * speed ** _column(exponent) * _column(middle ** (exponent - 1.0))
    usual_rate = per_year * usual**exponent * middle ** (exponent - 1.0)
    rate_sigma = np.sqrt(inputs["resistance_rate_sigma"] ** 2 + _RATE_SIGMA**2 + (_SLOPE_SIGMA * usual_rate) ** 2)
    measured = np.where(has_rate, inputs["resistance_rate_per_year"], np.nan)
    return drift + _normal(measured, grid, rate_sigma * wider)


def by_float_current(inputs: Rows, rates: LifeRates, speed: Floats) -> Floats:
    """Log likelihood of the rise of the gassing current as a block dries out; arguments as `by_capacity`."""
    expected = _MARKER_AT_END * speed * _column(rates.watched_wear)
    return _normal(inputs["marker_drift"], expected, np.full(len(inputs), _MARKER_SIGMA))


def is_over(inputs: Rows) -> NDArray[np.bool_]:
    """Where the capacity is known to lie below the limit of the data sheet: the end of life has come, `(n_batteries,)`.

    It was measured so, and the twin, which weighs all that was measured, tells so too. The life law alone ends no life.
    """
    limit = 1.0 - inputs["fade_at_end"]
    measured = np.zeros(len(inputs), np.bool_)
    for kind in _KINDS:
        measured |= inputs[f"{kind}_soh"] + _SURELY_OVER_SIGMA * inputs[f"{kind}_sigma"] < limit  # NaN is not
    told = inputs["told_soh_capacity"] + _SURELY_OVER_SIGMA * inputs["told_soh_capacity_sigma"]
    return np.asarray(measured & (told < limit), np.bool_)


def _power(theta: Floats, inputs: Rows) -> Floats:
    exponent = inputs["life_exponent"]
    return np.asarray(theta ** (_column(exponent) if theta.ndim == 2 else exponent), np.float64)


def _normal(measured: Floats, expected: Floats, sigma: Floats) -> Floats:
    """-z**2 / 2, 0 where nothing was measured, `(n_batteries, n_grid)`."""
    known = np.isfinite(measured) & np.isfinite(sigma) & (sigma > 0.0)
    found = np.zeros_like(expected)
    z = (_column(measured[known]) - expected[known]) / _column(sigma[known])
    found[known] = -0.5 * z * z
    return found


def _column(values: Floats) -> Floats:
    return values[:, np.newaxis]
