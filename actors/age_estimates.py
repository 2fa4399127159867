"""How estimates grow uncertain while a twin hears nothing: for showing, never for the filter."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Rows

_FRESH_S: Final = 180.0
"""Three readings at the usual 60 s."""
_SOC_SIGMA_UNSEEN: Final = 0.3
"""Sigma of a SOC of which nothing is known: that of a uniform distribution on 0...1."""
_SOC_HALF_UNSEEN_S: Final = 6.0 * 3600.0
_YEAR_S: Final = 365.25 * 86_400.0
_SOH_CAPACITY_SIGMA_PER_S: Final = 0.015 / _YEAR_S
_RELATIVE_RESISTANCE_SIGMA_PER_S: Final = 0.10 / _YEAR_S


def inflate_for_age(live: Rows, age_s: NDArray[np.float64]) -> Rows:
    """Widens the sigmas of twins whose data are old.

    An outage that nobody reported could have emptied a block within the hour, so the variance of SOC rises towards that
    of knowing nothing: half way after 6 h. Capacity loses 1.5 percentage points of certainty a year (vrla facts,
    section 4.5), resistances 10 % of their value. The first three minutes of an age change nothing. Values stay.

    Args:
        live: `LIVE_DTYPE`, shape `(n_twins,)`; NaN stays NaN.
        age_s: time since `as_of_us` by the clock of the twin's location, shape `(n_twins,)`; below 0 counts as 0.

    Returns:
        New array, `LIVE_DTYPE`, shape `(n_twins,)`.
    """
    return inflate_here(live.copy(), age_s)


def inflate_here(live: Rows, age_s: NDArray[np.float64]) -> Rows:
    """Like `inflate_for_age`, in the array that is given."""
    stale_s = np.maximum(age_s - _FRESH_S, 0.0)
    unseen = stale_s / (stale_s + _SOC_HALF_UNSEEN_S)
    soc_sigma = live["soc_sigma"].astype(np.float64)
    soc_var = np.maximum(soc_sigma**2, soc_sigma**2 * (1.0 - unseen) + _SOC_SIGMA_UNSEEN**2 * unseen)
    live["soc_sigma"] = np.where(stale_s > 0.0, np.sqrt(soc_var), live["soc_sigma"])
    live["soh_capacity_sigma"] = live["soh_capacity_sigma"] + _SOH_CAPACITY_SIGMA_PER_S * stale_s
    for value, sigma in (("soh_resistance", "soh_resistance_sigma"), ("r0_ohm", "r0_sigma_ohm")):
        drift = np.abs(live[value]) * (_RELATIVE_RESISTANCE_SIGMA_PER_S * stale_s)
        live[sigma] = live[sigma] + drift
    return live


class Sigmas(NamedTuple):
    """The sigmas of one twin that grow with age, as in `LIVE_DTYPE`; those of resistances with their values."""

    soc: float
    soh_capacity: float
    soh_resistance: tuple[float, float]
    r0_ohm: tuple[float, float]


def inflate_sigmas(fresh: Sigmas, age_s: float) -> Sigmas:
    """What `inflate_for_age` makes of one twin, to the last bit, without making arrays of single numbers.

    Args:
        fresh: values and sigmas, float32 numbers; NaN stays NaN, and no sigma is known without its value.
        age_s: as there.
    """
    stale_s = age_s - _FRESH_S
    if not stale_s > 0.0:
        return fresh
    unseen = stale_s / (stale_s + _SOC_HALF_UNSEEN_S)
    variance = fresh.soc * fresh.soc
    unseen_variance = variance * (1.0 - unseen) + _SOC_SIGMA_UNSEEN**2 * unseen
    relative = _RELATIVE_RESISTANCE_SIGMA_PER_S * stale_s
    return Sigmas(
        _rounded(math.sqrt(variance if variance > unseen_variance else unseen_variance)),
        _rounded(fresh.soh_capacity + _SOH_CAPACITY_SIGMA_PER_S * stale_s),
        _drifted(*fresh.soh_resistance, relative),
        _drifted(*fresh.r0_ohm, relative),
    )


def _drifted(value: float, sigma: float, relative: float) -> tuple[float, float]:
    return value, _rounded(sigma + abs(value) * relative)


def _rounded(value: float) -> float:
    return float(np.float32(value))
