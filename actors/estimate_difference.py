"""How estimates of the same rows by two versions of the filter differ."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from batterytwin.telemetry import Rows

COMPARED: Final = {"soc": "soc_sigma", "soh_capacity": "soh_capacity_sigma", "r0_ohm": "r0_sigma_ohm"}
"""Estimates that are compared, with the columns of their sigmas."""


@dataclass(slots=True)
class Difference:
    """One estimate, over many rows: anew minus told.

    Attributes:
        count: rows in which both have a value.
        square_sum: of the differences.
        largest: of their sizes.
        beyond_sigma: rows in which it is larger than the sigma that was told.
        told: newest value that was told; NaN = none.
        anew: newest one computed anew.
    """

    count: int = 0
    square_sum: float = 0.0
    largest: float = 0.0
    beyond_sigma: int = 0
    told: float = math.nan
    anew: float = math.nan

    @property
    def rms(self) -> float:
        """Root mean square; NaN without rows."""
        return math.sqrt(self.square_sum / self.count) if self.count else math.nan

    @property
    def share_beyond_sigma(self) -> float:
        """Share of rows in which it is larger than the sigma that was told; NaN without rows."""
        return self.beyond_sigma / self.count if self.count else math.nan


@dataclass(slots=True)
class Differences:
    """All that is compared of one battery.

    Attributes:
        of: by name of the estimate.
        innovation_told: square sum and count of the innovations that were told, V.
        innovation_anew: the same anew.
    """

    of: dict[str, Difference] = field(default_factory=lambda: {name: Difference() for name in COMPARED})
    innovation_told: tuple[float, int] = (0.0, 0)
    innovation_anew: tuple[float, int] = (0.0, 0)

    def add(self, told: Rows, anew: Rows) -> None:
        """Adds rows.

        Args:
            told: as they were stored, `TELEMETRY_DTYPE`, shape `(n_rows,)`.
            anew: the same rows through another filter.
        """
        for name, sigma in COMPARED.items():
            _add(self.of[name], told[name], anew[name], told[sigma])
        self.innovation_told = _squares(self.innovation_told, told["innovation_v"])
        self.innovation_anew = _squares(self.innovation_anew, anew["innovation_v"])

    def innovation_rms_v(self) -> tuple[float, float]:
        """Root mean square of the innovations, told and anew, V."""
        told, anew = (math.sqrt(s / n) if n else math.nan for s, n in (self.innovation_told, self.innovation_anew))
        return told, anew


def _add(into: Difference, told: np.ndarray, anew: np.ndarray, sigma: np.ndarray) -> None:
    known = np.flatnonzero(~np.isnan(told) & ~np.isnan(anew))
    if not len(known):
        return
    size = np.abs(anew[known].astype(np.float64) - told[known])
    into.count += len(known)
    into.square_sum += float((size * size).sum())
    into.largest = max(into.largest, float(size.max()))
    into.beyond_sigma += int((size > sigma[known]).sum())
    into.told, into.anew = float(told[known[-1]]), float(anew[known[-1]])


def _squares(before: tuple[float, int], values: np.ndarray) -> tuple[float, int]:
    known = values[~np.isnan(values)].astype(np.float64)
    return before[0] + float((known * known).sum()), before[1] + len(known)
