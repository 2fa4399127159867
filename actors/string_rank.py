"""What the rank of blocks at the end of a discharge says of their capacities: relative to their string only."""

from typing import Final

import numpy as np

from actors.string_robust import Floats
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import Rows

_SHALLOWEST: Final = 0.08
_SAG_SIGMA_V: Final = 0.015
"""What healthy blocks of equal capacity differ by: slow polarisation and acid, V per block of six cells."""
_SLOPE_SIGMA: Final = 0.3
_CAPACITY_SIGMA: Final = 0.03
_LEAST, _MOST = 0.2, 1.3


def discharge_ranks(state: Rows, sheet: BatteryDatasheet, soh: Floats, soh_sigma: Floats) -> tuple[Floats, Floats]:
    """Capacity over rated that the newest discharge suggests for each block, and its sigma.

    A block of capacity c times that of its neighbours is deeper by D (1/c - 1) when they are at depth D, and lower by
    that times the slope of the open-circuit voltage. Only differences are measured, so the level is the median of what
    the twins believe, with the uncertainty of that.

    Args:
        state: what is remembered of the string, shape `(1,)`.
        sheet: data sheet of its blocks.
        soh: capacity over rated of its twins, shape `(n_blocks,)`.
        soh_sigma: sigma of each.

    Returns:
        Both of shape `(n_blocks,)`; NaN where the discharge was too shallow, or a block has another fault or no
        neighbour.
    """
    count = len(soh)
    sag_v = state["sag_v"][0, :count]
    depth = float(state["event_ah"][0] / sheet.rated_capacity_ah - state["sag_from"][0])
    faulty = state["active"][0, :, :count].any(axis=0)
    known = np.isfinite(sag_v) & ~faulty
    unknown = np.full(count, np.nan)
    if depth < _SHALLOWEST or known.sum() < max(count // 2, 2) or not np.isfinite(soh).all():
        return unknown, unknown
    half_v = float(np.interp(0.5, sheet.ocv_soc, sheet.ocv_v))
    slope_v = 2.0 * (sheet.ocv_v[-1] - half_v)
    deeper = (float(np.median(sag_v[known])) - sag_v) / (slope_v * depth)
    ratio = np.clip(1.0 / np.maximum(1.0 + deeper, 1.0 / _MOST), _LEAST, _MOST)
    noise = _SAG_SIGMA_V * sheet.cells / 6.0 / (slope_v * depth)
    ratio_sigma = np.sqrt((ratio**2 * np.hypot(noise, _SLOPE_SIGMA * deeper)) ** 2 + _CAPACITY_SIGMA**2)
    level, level_sigma = float(np.median(soh)), float(np.median(soh_sigma))
    told = np.where(known, level * ratio, np.nan)
    sigma = np.hypot(level * ratio_sigma, ratio * level_sigma)
    return told, np.where(known, sigma, np.nan)
