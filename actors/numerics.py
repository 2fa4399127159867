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
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
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
    total = 0.0
    for odd in range(21, 0, -2):
        total = total * s2 + 1.0 / odd
    return k * _LN2 + 2.0 * s * total


@compiled
def power(base: float, exponent: float) -> float:
    """base**exponent for base >= 0; 0 where base is 0."""
    if base <= 0.0:
        return 0.0
    return exponential(exponent * logarithm(base))
