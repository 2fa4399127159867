"""Measured and estimated values of one twin as tiles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from clients.types import Estimate, Twin
from streamlit_app.tiles import tile
from streamlit_app.wording import NOTHING, number, spread


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured value on screen."""

    label: str
    unit: str
    decimals: int
    read: Callable[[Twin], float | None]
    help: str


@dataclass(frozen=True, slots=True)
class EstimatedValue:
    """An estimated value on screen; `factor` is the screen unit over the estimate's unit."""

    label: str
    unit: str
    decimals: int
    factor: float
    read: Callable[[Twin], Estimate | None]
    help: str


MEASUREMENTS: Final = (
    Measurement("Voltage", "V", 3, lambda twin: twin.voltage_v, "At the terminals"),
    Measurement("Current", "A", 3, lambda twin: twin.current_a, "Above zero charges the battery"),
    Measurement("Temperature", "°C", 1, lambda twin: twin.temperature_c, "At the negative post"),
    Measurement("Resistance", "mΩ", 2, lambda twin: twin.internal_resistance_mohm, "As the instrument measured it"),
)
ESTIMATES: Final = (
    EstimatedValue("State of charge", "%", 1, 100, lambda twin: twin.soc, "Charge left over present capacity"),
    EstimatedValue(
        "State of health", "%", 1, 100, lambda twin: twin.soh_capacity, "Present over rated capacity; ends at 80 %"
    ),
    EstimatedValue(
        "Resistance health", "%", 0, 100, lambda twin: twin.soh_resistance,
        "Resistance at 25 °C over its own baseline; 100 % is as new",
    ),
    EstimatedValue(
        "Model resistance R0", "mΩ", 3, 1_000, lambda twin: twin.r0_ohm, "Series resistance of the battery's model"
    ),
)  # fmt: skip


def measurement_tiles(twin: Twin) -> None:
    """Tiles of what the sensors said last."""
    for item in MEASUREMENTS:
        st.metric(item.label, number(item.read(twin), item.decimals, item.unit), help=item.help)


def estimate_tiles(twin: Twin) -> None:
    """Tiles of what the twin estimates, each with one sigma."""
    for item in ESTIMATES:
        estimate = item.read(twin)
        if estimate is None:
            st.metric(item.label, NOTHING, help=item.help)
            continue
        tile(
            item.label,
            number(estimate.value * item.factor, item.decimals, item.unit),
            spread(estimate.sigma * item.factor, item.decimals, item.unit),
            help_text=f"{item.help}. Shown with one standard deviation.",
        )
