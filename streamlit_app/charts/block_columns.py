"""What a figure of a string shows of its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Quality


@dataclass(frozen=True, slots=True)
class Strip:
    """A quantity of all blocks.

    Attributes:
        key: name of the column.
        label: name for people.
        unit: unit on screen.
        factor: screen unit over the column's unit.
        base: value that a block like its neighbours has, in the unit on screen; None = there is none, draw points.
        reach: the axis goes at least so far to both sides of the base (or of the middle), in the unit on screen.
        decimals: digits after the point.
        sigma_key: column of one standard deviation, or empty.
        limit: value to draw a line at, in the unit on screen; None = none.
        limit_text: what the line means.
    """

    key: str
    label: str
    unit: str
    factor: float
    base: float | None
    reach: float
    decimals: int
    sigma_key: str = ""
    limit: float | None = None
    limit_text: str = ""


STRIPS: Final = (
    Strip("voltage_deviation_v", "Voltage from median", "mV", 1_000, 0.0, 60, 0),
    Strip("temperature_deviation_k", "Temperature from median", "K", 1, 0.0, 2, 1),
    Strip("resistance_ratio", "Resistance, of median", "%", 100, 100.0, 12, 0),
    Strip("soc", "State of charge", "%", 100, None, 5, 1, "soc_sigma"),
    Strip("soh_capacity", "State of health", "%", 100, None, 5, 1, "soh_capacity_sigma", 80.0, "end of life"),
)


@dataclass(frozen=True, slots=True)
class Blocks:
    """What the figure shows of each block, all of shape `(n_blocks,)`; NaN = unknown.

    Attributes:
        battery_ids: names, in the order in which they stand.
        qualities: trust, numbers of `Quality`.
        alert_counts: active alerts.
        faults: words of the diagnosed faults that name the block, empty = none.
        voltage_deviation_v: voltage minus the median, V.
        temperature_deviation_k: temperature minus the median, K.
        resistance_ratio: instrument resistance over the median.
        soc: state of charge.
        soc_sigma: one sigma of it.
        soh_capacity: capacity over rated capacity.
        soh_capacity_sigma: one sigma of it.
        medians: words of the median that a deviation is from, by name of its column.
    """

    battery_ids: Sequence[str]
    qualities: NDArray[np.int64]
    alert_counts: NDArray[np.int64]
    faults: Sequence[str]
    voltage_deviation_v: NDArray[np.float64]
    temperature_deviation_k: NDArray[np.float64]
    resistance_ratio: NDArray[np.float64]
    soc: NDArray[np.float64]
    soc_sigma: NDArray[np.float64]
    soh_capacity: NDArray[np.float64]
    soh_capacity_sigma: NDArray[np.float64]
    medians: Mapping[str, str] = field(default_factory=dict)

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """True where the values are those of now."""
        return np.isin(self.qualities, (Quality.LIVE, Quality.SUSPECT))
