"""A page of history as plain columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HistoryRows:
    """One page of aligned series, each of shape `(n_points,)`.

    Attributes:
        time_us: sample time, or start of the bucket, microseconds since 1970 UTC, rising, int64.
        values: raw value or mean of the bucket by metric, float32; NaN = not measured.
        minimums: smallest value of each bucket by metric, float32; empty for raw rows.
        maximums: largest value of each bucket by metric, float32; empty for raw rows.
        row_count: rows in each bucket, int32; ones for raw rows.
        suspect: whether the row (or one of the bucket) was implausible and not applied, bool.
        more: whether points follow; ask again with `after_us = time_us[-1]`.
    """

    time_us: NDArray[np.int64]
    values: dict[str, NDArray[np.float32]]
    minimums: dict[str, NDArray[np.float32]]
    maximums: dict[str, NDArray[np.float32]]
    row_count: NDArray[np.int32]
    suspect: NDArray[np.bool_]
    more: bool
