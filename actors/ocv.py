"""Open-circuit voltage over state of charge: a monotone curve through the data sheet's points, on a uniform grid."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled

OCV_GRID_SIZE: Final = 257
"""Points from SOC 0 to 1, both included."""


def resample_ocv(soc: Sequence[float], ocv_v: Sequence[float]) -> NDArray[np.float64]:
    """Rested open-circuit voltage on the uniform grid, V, shape `(OCV_GRID_SIZE,)`.

    Monotone piecewise cubic Hermite interpolation (Fritsch and Butland 1984: slopes are weighted harmonic means of the
    neighbouring secants; one-sided three-point slopes at the ends), so the curve rises wherever the points rise.

    Args:
        soc: rising from 0 to 1, shape `(n_points,)`.
        ocv_v: rising, shape `(n_points,)`.
    """
    x, y = np.asarray(soc, dtype=np.float64), np.asarray(ocv_v, dtype=np.float64)
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.empty_like(x)
    if x.size == 2:
        slope[:] = secant[0]
    else:
        before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
        slope[1:-1] = (before + after) / (before / secant[:-1] + after / secant[1:])
        slope[0] = _end_slope(width[0], width[1], secant[0], secant[1])
        slope[-1] = _end_slope(width[-1], width[-2], secant[-1], secant[-2])
    grid = np.linspace(0.0, 1.0, OCV_GRID_SIZE)
    left = np.clip(np.searchsorted(x, grid, side="right") - 1, 0, x.size - 2)
    h = width[left]
    t = (grid - x[left]) / h
    return np.asarray(
        y[left] * (1 + 2 * t) * (1 - t) ** 2
        + slope[left] * h * t * (1 - t) ** 2
        + y[left + 1] * t**2 * (3 - 2 * t)
        + slope[left + 1] * h * t**2 * (t - 1)
    )


def _end_slope(near: float, far: float, near_secant: float, far_secant: float) -> float:
    slope = ((2 * near + far) * near_secant - near * far_secant) / (near + far)
    return float(min(max(slope, 0.0), 3 * near_secant))


@compiled
def ocv_and_slope(ocv_v: NDArray[np.float64], soc: float) -> tuple[float, float]:
    """Open-circuit voltage, V, and its slope, V per unit of SOC, by linear interpolation on the uniform grid.

    Args:
        ocv_v: the grid of one model, shape `(OCV_GRID_SIZE,)`.
        soc: outside 0...1 the first or last segment is continued.
    """
    position = soc * (OCV_GRID_SIZE - 1)
    left = min(max(int(position), 0), OCV_GRID_SIZE - 2)
    step = ocv_v[left + 1] - ocv_v[left]
    return ocv_v[left] + (position - left) * step, step * (OCV_GRID_SIZE - 1)
