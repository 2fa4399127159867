"""Looks for what a model may not know, before every training.

Refused: names of batteries and places, dates, what derives from the truth, what a battery has from its first month to
its last and no other battery has, and what is as good as the label. And a model that has learnt from shuffled labels
must be worth nothing.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.life import Floats, Ints

LARGEST_SHUFFLED_SKILL: Final = 0.05

_REFUSED: Final = re.compile(
    r"(^|_)(id|ids|key|serial|unit|battery|string|system|site|location|plant|fleet|grid|installed|date|day|time|as_of|us|"
    r"true|truth|label|remaining|left|failed|ended|censored|temperature)(_|$)"
)
_TOO_GOOD: Final = 0.97
_CONSTANT_SHARE: Final = 0.95
_FEWEST: Final = 20


def refuse_leaks(names: Sequence[str], features: NDArray[np.float32], battery: Ints, life_days: Floats) -> None:
    """Checks the columns that a model would see.

    Args:
        names: of the columns.
        features: `(n_rows, n_features)`.
        battery: of each row.
        life_days: the label, `(n_rows,)`.

    Raises:
        InvalidArgumentError: a column may not be there; it says which and why.
    """
    for place, name in enumerate(names):
        reason = _why_not(name, features[:, place].astype(np.float64), battery, life_days)
        if reason:
            raise InvalidArgumentError(
                f"The column {name} may not be learnt from: {reason}. Leave it out.", field="features", value=name
            )


def _why_not(name: str, values: Floats, battery: Ints, life_days: Floats) -> str:
    if _REFUSED.search(name):
        return "its name says that it is a name, a date, a temperature or the truth"
    known = np.isfinite(values)
    if known.sum() < _FEWEST:
        return ""
    if abs(_rank_correlation(values[known], life_days[known])) > _TOO_GOOD:
        return "it is as good as the remaining life itself"
    if _names_batteries(values[known], battery[known]):
        return "it never changes within a battery and differs between all of them, so it names them or knows their end"
    return ""


def _rank_correlation(values: Floats, other: Floats) -> float:
    ranks = [np.argsort(np.argsort(column, kind="stable"), kind="stable") for column in (values, other)]
    if np.ptp(values) == 0.0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _names_batteries(values: Floats, battery: Ints) -> bool:
    order = np.argsort(battery, kind="stable")
    numbers, first, count = np.unique(battery[order], return_index=True, return_counts=True)
    low, high = np.minimum.reduceat(values[order], first), np.maximum.reduceat(values[order], first)
    several = count > 1
    if several.sum() < _FEWEST:
        return False
    constant = float(np.mean(low[several] == high[several]))
    distinct = len(np.unique(low[several])) / several.sum()
    return len(numbers) > _FEWEST and constant > _CONSTANT_SHARE and distinct > 0.5


def shuffled_labels(life_days: Floats, twin_days: Floats, battery: Ints, *, seed: int) -> Floats:
    """Labels whose ratio to the twin belongs to another battery, `(n_rows,)`."""
    _, place = np.unique(battery, return_inverse=True)
    ratio = np.log(life_days / twin_days)
    totals = np.bincount(place, ratio) / np.bincount(place)
    other = np.random.default_rng(seed).permutation(totals)
    return np.asarray(twin_days * np.exp(other[place]), np.float64)
