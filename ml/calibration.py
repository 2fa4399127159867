"""Conformal intervals: as wide as it takes for new batteries, one score a battery.

Months of one battery are not exchangeable, batteries are: each gives one month, drawn at random. Scores are errors of
ln(life) in units of the twin's own spread to that side, in groups by the life that is told (Mondrian). Where censoring
hides how long batteries last there is no upper bound that would hold (Holmes and Marandon 2024): it is told as unknown.
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
_REACHES: Final = (0.4, 0.6, 0.8, 1.0, 1.25, 1.5)
"""How far beyond the median, in ln(life), a watch has to reach so that upper quantiles can be seen."""
_Z: Final = (-1.645, -0.674, 0.0, 0.674, 1.645)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Widths of intervals.

    Attributes:
        factors: what the twin's spread is multiplied with, `(n_groups, 5)`; added to the logarithm of the median.
        upper_known: whether the upper quantiles of a group rest on batteries that were followed for long enough.
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
    lower_days: Floats,
    upper_days: Floats,
    watch_days: Floats,
    seed: int,
) -> Calibration:
    """Widths from batteries that the medians had not seen.

    Args:
        battery: of each row, `(n_rows,)`, as all that follow but the spread.
        median_days: told.
        spread: as of `twin_spread`, `(n_rows, 2)`.
        lower_days: how long it lasted, or was followed without an end.
        upper_days: the same, or infinite where no end was seen.
        watch_days: how long it would have been followed if it had lasted. Rows are chosen by it and not by what became
            of them: those whose watch would have shown an end at the median count below it, those whose watch reaches
            so far beyond that hardly any outlasts it count above it.
        seed: chooses the month that stands for a battery.
    """
    order = np.random.default_rng(seed).permutation(len(battery))
    group = group_of(median_days)
    factors = np.tile(np.array(_Z), (len(GROUP_EDGES_DAYS) + 1, 1))
    known = np.zeros(len(factors), np.bool_)
    ln_error = np.log(np.maximum(lower_days, _SHORTEST_DAYS) / median_days)
    ended = np.isfinite(upper_days)

    def watched(number: int, reach: float) -> Ints:
        """One month of each battery of a group whose watch would have shown an end at that many times e its median."""
        far = median_days * np.exp(reach)
        told = (group == number) & (watch_days >= far) & (ended | (lower_days >= far))
        mine = order[told[order]]
        return np.asarray(mine[np.unique(battery[mine], return_index=True)[1]], np.int64)

    for number in range(len(factors)):
        mine = watched(number, 0.0)
        if len(mine) >= _FEWEST_BATTERIES:
            below = np.sort(ln_error[mine] / spread[mine, 0])
            for place in range(MEDIAN):
                factors[number, place] = _conformal(below, QUANTILES[place])
        for reach in _REACHES:
            mine = watched(number, reach)
            known[number] = len(mine) >= _FEWEST_BATTERIES and np.mean(~ended[mine]) < 1.0 - QUANTILES[-1]
            if known[number]:
                above = np.sort(-ln_error[mine] / spread[mine, 1])
                for place in range(MEDIAN + 1, len(QUANTILES)):
                    factors[number, place] = -_conformal(above, 1.0 - QUANTILES[place])
                break
    return Calibration(factors, known)


def _conformal(scores: Floats, level: float) -> float:
    """The k-th smallest of n scores, k = floor(level (n + 1)): a new one is below it with at most this probability."""
    place = math.floor(level * (len(scores) + 1)) - 1
    return float(scores[max(place, 0)])
