"""How fast the instrument's resistance rises: a straight line through its calendar months."""

import math
from typing import Any, Final, NamedTuple

from actors.compiled import compiled
from actors.life_layout import RING_MONTHS

YEAR_S: Final = 365.25 * 86_400.0
_MONTH_S: Final = YEAR_S / 12.0
_READING_SIGMA: Final = 0.04
"""Repeatability of the instrument, relative, as in `filter_resistance`."""
_MONTH_SIGMA: Final = 0.01
"""What a month has by itself: the correction for temperature is not quite right."""
_FEWEST_MONTHS: Final = 2
_NAN: Final = math.nan


class Trend(NamedTuple):
    """Slope of a drift."""

    rate_per_year: float
    """Of age at 20 degC."""
    rate_sigma: float
    lasts_s: float
    """From the first month to the last."""


@compiled
def resistance_trend(life: Any, base_mohm: float) -> Trend:
    """Weighted least squares over the months; the sigma grows where they scatter more than they should.

    Args:
        life: accumulators.
        base_mohm: baseline of the resistance at 25 degC.
    """
    weights = ages = drifts = 0.0
    count, first, last = 0, 0, 0
    for month in range(max(life.resistance_month - RING_MONTHS + 1, 0), life.resistance_month + 1):
        readings = life.resistance_count[month % RING_MONTHS]
        if readings > 0:
            weight = _weight(readings)
            age, drift = _point(life, month % RING_MONTHS, base_mohm)
            weights += weight
            ages += weight * age
            drifts += weight * drift
            first = month if count == 0 else first
            last = month
            count += 1
    if count < _FEWEST_MONTHS:
        return Trend(_NAN, _NAN, 0.0)
    mean_age, mean_drift = ages / weights, drifts / weights
    square = product = drift_square = 0.0
    for month in range(first, last + 1):
        readings = life.resistance_count[month % RING_MONTHS]
        if readings > 0:
            weight = _weight(readings)
            age, drift = _point(life, month % RING_MONTHS, base_mohm)
            square += weight * (age - mean_age) * (age - mean_age)
            product += weight * (age - mean_age) * (drift - mean_drift)
            drift_square += weight * (drift - mean_drift) * (drift - mean_drift)
    if square <= 0.0:
        return Trend(_NAN, _NAN, 0.0)
    rate = product / square
    variance = 1.0 / square
    if count > _FEWEST_MONTHS:
        scatter = (drift_square - rate * product) / (count - _FEWEST_MONTHS)
        variance *= max(scatter, 1.0)
    return Trend(rate, math.sqrt(variance), (last - first) * _MONTH_S)


@compiled
def _weight(readings: int) -> float:
    return 1.0 / (_MONTH_SIGMA * _MONTH_SIGMA + _READING_SIGMA * _READING_SIGMA / readings)


@compiled
def _point(life: Any, place: int, base_mohm: float) -> tuple[float, float]:
    """Mean age at 20 degC, years, and mean drift of a month."""
    readings = life.resistance_count[place]
    age_years = life.resistance_age_s[place] / (readings * YEAR_S)
    return age_years, 1e-3 * life.resistance_uohm[place] / (readings * base_mohm) - 1.0
