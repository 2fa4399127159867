"""Twins as they are at one instant: aged estimates, quality and alert counts of a selection."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import LIVE_DTYPE, Rows
from twin_server.live_table import LiveTable


@dataclass(frozen=True, slots=True)
class TwinView:
    """Some twins, seen at the same instant; every column has shape `(n_twins,)`.

    Attributes:
        ordinals: which twins, int32.
        live: newest values, sigmas grown by age, `LIVE_DTYPE` or what was wanted of it.
        ages_s: age of the newest sample, s, float64; NaN = never a sample.
        qualities: `Quality`, uint8.
        alert_counts: active alerts, int32.
    """

    ordinals: NDArray[np.int32]
    live: Rows
    ages_s: NDArray[np.float64]
    qualities: NDArray[np.uint8]
    alert_counts: NDArray[np.int32]


def view_twins(
    live: LiveTable,
    alert_counts: NDArray[np.int32],
    ordinals: NDArray[np.int32],
    dtype: np.dtype[Any] = LIVE_DTYPE,
) -> TwinView:
    """Takes a view of the twins with these ordinals; `alert_counts` covers the whole fleet, `dtype` as in `aged`."""
    ages_s = live.ages_s(ordinals)
    return TwinView(
        ordinals=ordinals,
        live=live.aged(ordinals, ages_s, dtype),
        ages_s=ages_s,
        qualities=live.qualities(ordinals, ages_s),
        alert_counts=alert_counts[ordinals],
    )
