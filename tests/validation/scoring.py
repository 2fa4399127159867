"""Figures of merit: errors against a baseline on the same samples, and uncertainty against the truth."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Coverage(NamedTuple):
    """Share of true values within one and two sigma of the estimate, percent, and how many samples say so."""

    one_sigma: float
    two_sigma: float
    samples: int


def coverage(error: ArrayLike, sigma: ArrayLike) -> Coverage:
    """How often the truth lies within one and two sigma. A Gaussian error gives 68.3 % and 95.4 %."""
    ratio = np.abs(np.asarray(error, np.float64) / np.asarray(sigma, np.float64)).ravel()
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size == 0:
        return Coverage(float("nan"), float("nan"), 0)
    return Coverage(100.0 * float(np.mean(ratio <= 1.0)), 100.0 * float(np.mean(ratio <= 2.0)), ratio.size)


def mean_absolute(error: ArrayLike) -> float:
    """Mean absolute error; NaN without samples. Samples that are NaN do not count."""
    values = np.asarray(error, np.float64)
    values = values[np.isfinite(values)]
    return float(np.mean(np.abs(values))) if values.size else float("nan")


def skill(error: ArrayLike, baseline_error: ArrayLike) -> float:
    """1 - MAE / MAE of the baseline, on the samples where both are known; > 0 beats it."""
    mine, other = np.asarray(error, np.float64), np.asarray(baseline_error, np.float64)
    both = np.isfinite(mine) & np.isfinite(other)
    if not both.any():
        return float("nan")
    return 1.0 - mean_absolute(mine[both]) / mean_absolute(other[both])


def root_mean_square(error: ArrayLike) -> float:
    """Root of the mean square; NaN without samples."""
    values = np.asarray(error, np.float64)
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")
