"""Exponential and logarithm made of +, -, * and / alone.

The C library's versions differ in the last bit between processors and releases; IEEE arithmetic does not.
"""

from typing import Final

import numpy as np

from actors.compiled import compiled

_LARGEST_ARGUMENT: Final = 700.0
_LN2: Final = 0.6931471805599453
_PER_LN2: Final = 1.4426950408889634
_LN2_HIGH: Final = 0.693147180369123816490
_LN2_LOW: Final = 1.90821492927058770002e-10
_SQRT_HALF: Final = 0.7071067811865476
_POWER_OFFSET: Final = 1022
_POWERS_OF_TWO: Final = 2.0 ** np.arange(-_POWER_OFFSET, 1024, dtype=np.float64)


@compiled
def exponential(x: float) -> float:
    """e**x within 1e-15 relative for |x| <= 700; the argument is held to that range.

    x = k ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite), then the Taylor polynomial of e**r to r**13.
    """
    x = min(max(x, -_LARGEST_ARGUMENT), _LARGEST_ARGUMENT)
    k = int(x * _PER_LN2 + 0.5) if x >= 0.0 else int(x * _PER_LN2 - 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    # pairs, then pairs of pairs (Estrin): a third of the time of one long chain of sums
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 + r) + r2 * (0.5 + r * (1.0 / 6.0))
    middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5040.0))
    high = (1.0 / 40320.0 + r * (1.0 / 362880.0)) + r2 * (1.0 / 3628800.0 + r * (1.0 / 39916800.0))
    top = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    p = low + r4 * (middle + r4 * (high + r4 * top))
    return float(p * _POWERS_OF_TWO[k + _POWER_OFFSET])


@compiled
def logarithm(x: float) -> float:
    """Natural logarithm of x > 0, within 1e-15 relative of ln x or absolute near 1.

    x = 2**k m with 0.707 <= m < 1.414, then ln m = 2 artanh((m - 1) / (m + 1)) as a series.
    """
    k = 0
    while x >= 2.0 * _SQRT_HALF:
        x *= 0.5
        k += 1
    while x < _SQRT_HALF:
        x *= 2.0
        k -= 1
    s = (x - 1.0) / (x + 1.0)
    s2 = s * s
    s4 = s2 * s2
    s8 = s4 * s4
    low = (1.0 + s2 * (1.0 / 3.0)) + s4 * (1.0 / 5.0 + s2 * (1.0 / 7.0))
    middle = (1.0 / 9.0 + s2 * (1.0 / 11.0)) + s4 * (1.0 / 13.0 + s2 * (1.0 / 15.0))
    high = 1.0 / 17.0 + s2 * (1.0 / 19.0) + s4 * (1.0 / 21.0)
    total = low + s8 * (middle + s8 * high)
    return k * _LN2 + 2.0 * s * total


@compiled
def power(base: float, exponent: float) -> float:
    """base**exponent for base >= 0; 0 where base is 0."""
    if base <= 0.0:
        return 0.0
    return exponential(exponent * logarithm(base))
