"""How remaining life is spread over batteries."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from batterytwin.life import DAYS_PER_MONTH
from streamlit_app.palette import BLUE, GREEN, RED, YELLOW

URGENT_DAYS: Final = 90.0
YEAR_DAYS: Final = 12 * DAYS_PER_MONTH
_THREE_YEARS: Final = 3 * YEAR_DAYS
_BINS: Final = 40

LIFE_KEY: Final = (
    ("Below 90 days", RED, ""),
    ("Below a year", YELLOW, ""),
    ("Below three years", BLUE, ""),
    ("Three years and more", GREEN, ""),
)


def life_colour(days: float) -> str:
    """Colour of a remaining life."""
    if days < URGENT_DAYS:
        return RED
    if days < YEAR_DAYS:
        return YELLOW
    return BLUE if days < _THREE_YEARS else GREEN


def life_histogram(days: NDArray[np.floating]) -> go.Figure:
    """Bars of equal numbers of months, coloured by how soon.

    Args:
        days: medians, shape `(n_batteries,)`; NaN is left out.
    """
    months = days[np.isfinite(days)].astype(np.float64) / DAYS_PER_MONTH
    width = max(3.0, 3.0 * np.ceil(float(months.max(initial=12.0)) / (3.0 * _BINS)))
    edges = np.arange(0.0, max(float(months.max(initial=12.0)), 12.0) + 2 * width, width)
    counts, _ = np.histogram(months, edges)
    centres = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=counts,
            marker={
                "color": [life_colour(float(low) * DAYS_PER_MONTH) for low in edges[:-1]], "line": {"width": 0},
            },
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.0f} to %{customdata[1]:.0f} months: %{y} batteries<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        height=240, bargap=0.12, margin={"l": 4, "r": 4, "t": 8, "b": 4}, dragmode=False, uirevision="life",
        xaxis={"title": {"text": "Remaining life, months", "standoff": 6}, "showgrid": False, "fixedrange": True},
        yaxis={"title": {"text": "Batteries", "standoff": 10}, "fixedrange": True, "rangemode": "tozero"},
    )  # fmt: skip
    return figure
