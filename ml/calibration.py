"""Conformal intervals: as wide as it takes for new batteries, one score a battery.

Months of one battery are not exchangeable, batteries are: each gives one month, drawn at random. Scores are errors of
ln(life) in units of the twin's own spread to that side, in groups by the life that is told (Mondrian). Lives that were
not seen to end are carried on as the twin believed; where they are most, no upper bound is known to hold (Holmes and
Marandon 2024), and that is told.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import MEDIAN, QUANTILES, Floats, Ints

GROUP_EDGES_DAYS: Final = (180.0, 540.0, 1_100.0)
"""Told lives that part the groups."""
_SMALLEST_SPREAD, _LARGEST_SPREAD = 0.05, 1.5
_FEWEST_BATTERIES: Final = 40
_SHORTEST_DAYS: Final = 1.0
_KNOWN_SHARE: Final = 0.5
"""Share of a group's batteries that must have been seen to end."""
_Z: Final = (-1.645, -0.674, 0.0, 0.674, 1.645)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Widths of intervals.

    Attributes:
        factors: what the twin's spread is multiplied with, `(n_groups, 5)`; added to the logarithm of the median.
        upper_known: whether the upper quantiles of a group rest on batteries most of which were seen to end.
    """

    factors: Floats
    upper_known: NDArray[np.bool_]

    def as_json(self) -> dict[str, Any]:
        """As in the model's card."""
        return {"factors": self.factors.tolist(), "upper_known": self.upper_known.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` has made."""
        return cls(np.array(data["factors"], np.float64), np.array(data["upper_known"], np.bool_))

    def quantile_days(self, median_days: Floats, spread: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Quantiles around told medians, not decreasing.

        Args:
            median_days: `(n_batteries,)`.
            spread: as of `twin_spread`, `(n_batteries, 2)`.

        Returns:
            Days, `(n_batteries, 5)`, and whether the upper ones are calibrated, `(n_batteries,)`.
        """
        group = group_of(median_days)
        side = np.array([0, 0, 0, 1, 1])
        shift = self.factors[group] * spread[:, side]
        shift[:, MEDIAN] = 0.0
        days = median_days[:, np.newaxis] * np.exp(np.sign(_Z) * np.maximum(np.sign(_Z) * shift, 0.0))
        days[:, MEDIAN + 1 :] = np.maximum.accumulate(days[:, MEDIAN:], axis=1)[:, 1:]
        days[:, :MEDIAN] = np.minimum.accumulate(days[:, MEDIAN::-1], axis=1)[:, :0:-1]
        return days, self.upper_known[group]


def group_of(median_days: Floats) -> Ints:
    """Group of told lives, `(n_batteries,)`."""
    return np.searchsorted(GROUP_EDGES_DAYS, np.nan_to_num(median_days, nan=0.0))


def twin_spread(quantile_days: Floats) -> Floats:
    """Spread of the twin's ln(life) below and above its median, per sigma, `(n_batteries, 2)`."""
    ln = np.log(quantile_days)
    below, above = (ln[:, MEDIAN] - ln[:, 1]) / _Z[3], (ln[:, 3] - ln[:, MEDIAN]) / _Z[3]
    return np.clip(np.nan_to_num(np.stack([below, above], axis=1), nan=1.0), _SMALLEST_SPREAD, _LARGEST_SPREAD)


def calibrate(
    *,
    battery: Ints,
    median_days: Floats,
    spread: Floats,
    life_days: Floats,
    ended: NDArray[np.bool_],
    seed: int,
) -> Calibration:
    """Widths from batteries that the medians had not seen.

    Args:
        battery: of each row, `(n_rows,)`, as all that follow but the spread.
        median_days: told.
        spread: as of `twin_spread`, `(n_rows, 2)`.
        life_days: how long it lasted; drawn where no end was seen.
        ended: whether the end was seen. A group of which most were not has no upper bound that is known to hold.
        seed: chooses the month that stands for a battery.
    """
    order = np.random.default_rng(seed).permutation(len(battery))
    group = group_of(median_days)
    factors = np.tile(np.array(_Z), (len(GROUP_EDGES_DAYS) + 1, 1))
    known = np.zeros(len(factors), np.bool_)
    ln_error = np.log(np.maximum(life_days, _SHORTEST_DAYS) / median_days)
    for number in range(len(factors)):
        mine = order[group[order] == number]
        mine = mine[np.unique(battery[mine], return_index=True)[1]]
        if len(mine) < _FEWEST_BATTERIES:
            continue
        below, above = np.sort(ln_error[mine] / spread[mine, 0]), np.sort(-ln_error[mine] / spread[mine, 1])
        for place, level in enumerate(QUANTILES):
            if place < MEDIAN:
                factors[number, place] = _conformal(below, level)
            elif place > MEDIAN:
                factors[number, place] = -_conformal(above, 1.0 - level)
        known[number] = ended[mine].mean() >= _KNOWN_SHARE
    return Calibration(factors, known)


def _conformal(scores: Floats, level: float) -> float:
    """The k-th smallest of n scores, k = floor(level (n + 1)): a new one is below it with at most this probability."""
    place = math.floor(level * (len(scores) + 1)) - 1
    return float(scores[max(place, 0)])
