"""Medians along the blocks of strings, where some values are not known (NaN)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def row_median(values: Floats) -> Floats:
    """Median of each row without its NaN, shape `(n_rows, 1)`; NaN where a row has nothing else.

    Args:
        values: shape `(n_rows, n_columns)`.
    """
    ordered = np.sort(values, axis=1)  # NaN goes last
    known = np.count_nonzero(~np.isnan(values), axis=1)
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[1] - 1)
    rows = np.arange(len(values))
    middle: Floats = 0.5 * (ordered[rows, low] + ordered[rows, high])
    return np.where(known > 0, middle, np.nan)[:, np.newaxis]


def row_spread(deviations: Floats) -> Floats:
    """Standard deviation of each row as its median absolute value suggests, shape `(n_rows, 1)`.

    Args:
        deviations: from the row's median, shape `(n_rows, n_columns)`.
    """
    spread: Floats = 1.4826 * row_median(np.abs(deviations))
    return spread


def second_largest(values: Floats) -> Floats:
    """Second largest absolute value of each row, shape `(n_rows, 1)`; NaN and what a single column lacks count as 0.

    Args:
        values: shape `(n_rows, n_columns)`.
    """
    if values.shape[1] < 2:
        return np.zeros((len(values), 1))
    found: Floats = np.partition(np.abs(np.nan_to_num(values)), -2, axis=1)[:, -2:-1]
    return found


def row_sum(values: Floats, present: NDArray[np.bool_]) -> Floats:
    """Sum of each row over the places that exist, shape `(n_rows,)`; NaN where one of them is not known."""
    return np.asarray(np.where(present, values, 0.0).sum(axis=1), np.float64)
