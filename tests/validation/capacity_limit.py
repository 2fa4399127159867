"""How well the capacity can be told from the first part of a discharge, whatever the estimator."""

from collections.abc import Sequence

import numpy as np

from tests.validation.identify_datasheet import Identified
from tests.validation.open_loop import Floats, Record, expected_voltages

_POINTS = 12
_READING_SIGMA_V = 0.005
_STEP = 0.02


def bound_percent(found: Identified, others: Sequence[Record], spread: float, seen: float) -> float:
    """Cramér-Rao bound of the relative capacity, percent.

    Its sensitivity is the model's; the noise is what is left unexplained of blocks whose capacity is known, with its
    correlation along the discharge, and the readings' own; `spread` is what is known before.
    """
    mean_ah = float(np.mean([record.taken_ah[-1] for record in others]))
    at_ah = np.linspace(0.02, seen, _POINTS) * mean_ah
    example = others[0]
    sheets = [found.of_block(mean_ah * factor) for factor in (1.0 + _STEP, 1.0 - _STEP)]
    more, less = (np.interp(at_ah, example.taken_ah, v) for v in expected_voltages(sheets, [example, example]))
    by_capacity = (more - less) / (2.0 * _STEP)
    own = expected_voltages([found.of_block(float(record.taken_ah[-1])) for record in others], others)
    left = np.array([np.interp(at_ah, r.taken_ah, v - r.voltage_v) for r, v in zip(others, own, strict=True)])
    covariance = left.T @ left / len(others) + _READING_SIGMA_V**2 * np.eye(_POINTS)
    information = by_capacity @ np.linalg.solve(covariance, by_capacity) + 1.0 / spread**2
    return 100.0 / float(np.sqrt(information))


def regression_error_percent(others: Sequence[Record], judged: Sequence[Record], seen: float) -> float:
    """Error of a straight line from the other blocks' voltages, after `seen` of their mean capacity, to capacity."""
    capacities = np.array([record.taken_ah[-1] for record in others])
    at_ah = seen * float(capacities.mean())
    line = np.polyfit(_voltages_at(others, at_ah), capacities, 1)
    true_ah = np.array([record.taken_ah[-1] for record in judged])
    return 100.0 * float(np.abs(np.polyval(line, _voltages_at(judged, at_ah)) / true_ah - 1.0).mean())


def _voltages_at(records: Sequence[Record], taken_ah: float) -> Floats:
    return np.array([np.interp(taken_ah, record.taken_ah, record.voltage_v) for record in records])
