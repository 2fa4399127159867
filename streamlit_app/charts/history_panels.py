"""What a chart of the past can show of one battery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Panel:
    """A quantity that a chart can show.

    Attributes:
        key: name of the series.
        label: name for people.
        unit: unit on screen.
        factor: screen unit over the series' unit.
        decimals: digits after the point in hover texts.
        least_span: the axis never covers less, so that noise stays small, in the unit on screen.
        sigma_key: series of one standard deviation, or empty.
        around_zero: the standard deviation is what zero was expected to be off by, not the error of the value.
        measured: came from a sensor, so suspect samples are marked.
        sparse: comes much more seldom than samples do, so that a line leads over the samples between two values.
        reaches: the mean of a bucket hides what matters, so its smallest and largest value are shown behind it.
    """

    key: str
    label: str
    unit: str
    factor: float
    decimals: int
    least_span: float
    sigma_key: str = ""
    around_zero: bool = False
    measured: bool = False
    sparse: bool = False
    reaches: bool = False

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the series that the panel needs."""
        return (self.key, self.sigma_key) if self.sigma_key else (self.key,)

    @property
    def title(self) -> str:
        """Its name and its unit, if it has one."""
        return f"<b>{self.label}</b>, {self.unit}" if self.unit else f"<b>{self.label}</b>"


PANELS: Final = (
    Panel("voltage_v", "Voltage", "V", 1, 3, 0.4, measured=True, reaches=True),
    Panel("current_a", "Current", "A", 1, 3, 0.5, measured=True, reaches=True),
    Panel("temperature_c", "Temperature", "°C", 1, 1, 6, measured=True, reaches=True),
    Panel("soc", "State of charge", "%", 100, 2, 10, "soc_sigma", reaches=True),
    Panel("soh_capacity", "State of health", "%", 100, 2, 10, "soh_capacity_sigma"),
    Panel("soh_resistance", "Resistance health", "%", 100, 1, 20, "soh_resistance_sigma"),
    Panel("internal_resistance_mohm", "Instrument resistance", "mΩ", 1, 2, 1, measured=True, sparse=True),
    Panel("r0_ohm", "Model resistance R0", "mΩ", 1_000, 3, 1, "r0_sigma_ohm"),
    Panel("innovation_v", "Innovation", "mV", 1_000, 1, 40, "innovation_sigma_v", around_zero=True, reaches=True),
    Panel("float_marker", "Float marker", "", 1, 2, 0.4, "float_marker_sigma", sparse=True),
    Panel("v1_v", "Fast polarisation V1", "mV", 1_000, 1, 20, "v1_sigma_v", sparse=True),
    Panel("v2_v", "Slow polarisation V2", "mV", 1_000, 1, 20, "v2_sigma_v", sparse=True),
)


@dataclass(frozen=True, slots=True)
class Past:
    """Aligned series of one battery.

    Attributes:
        time_unix_ns: sample times or starts of buckets, rising, shape `(n_points,)`.
        series: values by name, NaN = none, each of shape `(n_points,)`.
        suspects: True where a reading was implausible and not applied, shape `(n_points,)`.
        lowest: smallest value of each bucket by name, likewise; empty for raw rows.
        highest: largest value of each bucket by name, likewise.
    """

    time_unix_ns: NDArray[np.int64]
    series: Mapping[str, NDArray[np.floating]]
    suspects: NDArray[np.bool_]
    lowest: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    highest: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
