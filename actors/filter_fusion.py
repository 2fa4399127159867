"""Joining of estimates in information form, and what a weak trend may correct.

Information is one over variance: it adds up, so more evidence never makes an estimate less certain, and the order in
which evidence comes does not matter.
"""

import math
from typing import Final

from actors.compiled import compiled
from actors.numerics import exponential

_PER_ROOT_TWO_PI: Final = 0.3989422804014327
_LOWEST_Z: Final = -6.0


@compiled
def join(mean: float, variance: float, other: float, other_variance: float) -> tuple[float, float]:
    """Mean and variance of two independent estimates of the same quantity, both variances > 0."""
    information, more = 1.0 / variance, 1.0 / other_variance
    total = information + more
    return (mean * information + other * more) / total, 1.0 / total


@compiled
def at_least(mean: float, variance: float, bound: float, bound_variance: float) -> tuple[float, float]:
    """Mean and variance of an estimate that is told to be at least `bound`, which is itself uncertain.

    The first two moments of N(mean, variance) times the normal distribution function of (x - bound): a bound far below
    changes nothing, one above moves the estimate up to it.
    """
    total = variance + bound_variance
    root = math.sqrt(total)
    z = max((mean - bound) / root, _LOWEST_Z)
    ratio = _PER_ROOT_TWO_PI * exponential(-0.5 * z * z) / _normal_share(z)
    return mean + variance * ratio / root, variance * (1.0 - variance * ratio * (z + ratio) / total)


@compiled
def _normal_share(z: float) -> float:
    """Distribution function of the normal distribution, within 8e-8 (Abramowitz and Stegun 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * abs(z))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    beyond = _PER_ROOT_TWO_PI * exponential(-0.5 * z * z) * series
    return 1.0 - beyond if z >= 0.0 else beyond
