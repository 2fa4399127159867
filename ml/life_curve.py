"""The distribution of a remaining life between and beyond its told quantiles."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import QUANTILES

Floats = NDArray[np.float64]

_LEVELS: Final = np.array((0.0, *QUANTILES))
_SHORTEST_TAIL_DAYS: Final = 1.0
_SHORTEST_STEP_DAYS: Final = 1e-6
"""Quantiles that lie closer than this count as one."""


def chance_of_end(quantile_days: Floats, days: Floats) -> Floats:
    """Chance that a life ends within some days: straight lines between the quantiles, an exponential tail beyond.

    Args:
        quantile_days: not decreasing, at `QUANTILES`, shape `(n, 5)`.
        days: shape `(n,)` or one number; below 0 counts as 0.

    Returns:
        0...1, not decreasing in `days`, shape `(n,)`.
    """
    days = np.broadcast_to(np.maximum(days, 0.0), quantile_days.shape[:1])
    knots = np.concatenate([np.zeros((len(quantile_days), 1)), quantile_days], axis=1)
    chance = np.zeros(len(quantile_days))
    for segment, step in enumerate(np.diff(_LEVELS)):
        begin, width = knots[:, segment], knots[:, segment + 1] - knots[:, segment]
        wide = width > _SHORTEST_STEP_DAYS
        reached = np.where(wide, (days - begin) / np.where(wide, width, 1.0), days >= begin + width)
        chance += step * np.clip(reached, 0.0, 1.0)
    scale = np.maximum(knots[:, -1] - knots[:, -2], _SHORTEST_TAIL_DAYS)
    beyond = np.maximum(days - knots[:, -1], 0.0)
    return np.asarray(chance + (1.0 - _LEVELS[-1]) * -np.expm1(-beyond / scale), np.float64)


def days_at_risk(quantile_days: Floats, risk: float) -> Floats:
    """Days within which a life ends with a chance of `risk`, 0 < risk <= 0.95, shape `(n,)`; inverse of the above."""
    knots = np.concatenate([np.zeros((len(quantile_days), 1)), quantile_days], axis=1)
    segment = int(np.searchsorted(_LEVELS, risk, side="left")) - 1
    share = (risk - _LEVELS[segment]) / (_LEVELS[segment + 1] - _LEVELS[segment])
    return np.asarray(knots[:, segment] + share * (knots[:, segment + 1] - knots[:, segment]), np.float64)
