"""What can be said of a block without a model: the baselines that the twins should beat, and limits nobody can."""

from collections.abc import Sequence

import numpy as np

from tests.validation.open_loop import Floats, Record

_SHARES = np.linspace(0.0, 1.0, 401)


def mean_curve(records: Sequence[Record]) -> Floats:
    """Mean voltage over the share of the discharge that is over, shape `(401,)`."""
    curves = [np.interp(_SHARES, r.taken_ah / r.taken_ah[-1], r.voltage_v) for r in records]
    return np.asarray(np.mean(curves, axis=0))


def curve_error_v(curve: Floats, record: Record, capacity_ah: float) -> float:
    """Mean error of a curve that is told the capacity; beyond it the curve stays at its end."""
    return float(np.abs(np.interp(record.taken_ah / capacity_ah, _SHARES, curve) - record.voltage_v).mean())


def best_single_curve_error_v(records: Sequence[Record], *, by_share: bool) -> float:
    """Error of the one curve that fits all of these records best, the judged ones among them: a limit in hindsight.

    Args:
        records: the judged discharges.
        by_share: over the share of each discharge, that is with capacities known; else over the charge taken.
    """
    longest_ah = max(float(r.taken_ah[-1]) for r in records)
    ends = [r.taken_ah[-1] if by_share else longest_ah for r in records]
    grid = np.linspace(0.0, 1.0, 701)
    curves = np.array(
        [np.interp(grid, r.taken_ah / end, r.voltage_v, right=np.nan) for r, end in zip(records, ends, strict=True)]
    )
    weights = 1.0 / np.isfinite(curves).sum(axis=1)
    best = np.array([_weighted_median(column, weights) for column in curves.T])
    return float(np.mean(np.nanmean(np.abs(curves - best), axis=1)))


def _weighted_median(values: Floats, weights: Floats) -> float:
    known = np.isfinite(values)
    order = np.argsort(values[known])
    shares = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(shares, shares[-1] / 2.0)])
