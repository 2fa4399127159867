"""What the map of a site can show, each with fixed limits, so that a colour means the same today and tomorrow."""

from dataclasses import dataclass
from typing import Final

from streamlit_app.charts.health_bands import band_edges

Scale = list[tuple[float, str]]

_PALE_TO_BLUE: Final[Scale] = [(0.0, "#E4EDF8"), (0.5, "#7FAEDD"), (1.0, "#1B5596")]
"""Lightness alone tells it, and it is never the grey of an old value."""
_PALE_TO_BROWN: Final[Scale] = [(0.0, "#FCF3DF"), (0.5, "#EFAE55"), (1.0, "#A3410A")]
_BLUE_TO_ORANGE: Final[Scale] = [(0.0, "#1F5FA8"), (0.5, "#E9ECF1"), (1.0, "#C25A10")]
"""Around zero; told apart by colour-blind people."""


@dataclass(frozen=True, slots=True)
class CellMetric:
    """A quantity on the map.

    Attributes:
        key: name of the column.
        label: name for people.
        unit: unit on screen.
        factor: screen unit over the column's unit.
        low: value of the lowest colour, in the unit on screen.
        high: value of the highest colour.
        scale: Plotly colour scale that colour-blind people can read.
        decimals: digits after the point.
        signed: show a plus sign.
        show_scale: draw a colour bar; health bands are explained in words instead.
    """

    key: str
    label: str
    unit: str
    factor: float
    low: float
    high: float
    scale: Scale
    decimals: int
    signed: bool = False
    show_scale: bool = True


HEALTH: Final = CellMetric(
    "soh_capacity", "State of health", "%", 100, 70, 105, band_edges(0.70, 1.05), 1, show_scale=False
)
CELL_METRICS: Final = (
    HEALTH,
    CellMetric("soc", "State of charge", "%", 100, 0, 100, _PALE_TO_BLUE, 1),
    CellMetric("voltage_v", "Voltage", "V", 1, 10.5, 14.5, _PALE_TO_BLUE, 2),
    CellMetric("temperature_c", "Temperature", "°C", 1, 15, 45, _PALE_TO_BROWN, 1),
    CellMetric("soh_resistance", "Resistance", "% of baseline", 100, 90, 150, _PALE_TO_BROWN, 0),
    CellMetric("innovation_v", "Innovation", "mV", 1_000, -200, 200, _BLUE_TO_ORANGE, 0, signed=True),
)
