"""The way to the end of life: capacity from today to the limit, with how sure its time is."""

from datetime import datetime, timedelta
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from clients.types import LifeQuantiles
from streamlit_app.charts.health_bands import END_OF_LIFE_SOH
from streamlit_app.palette import BLUE, RED, SERIES, faint
from streamlit_app.wording import BANGKOK, local_date

_KNEE: Final = 1.5
"""Exponent of the fade over the life used, as in the data sheet: the way is drawn by it, its end is not moved."""
_POINTS: Final = 40
_BANDS: Final = (("days_05", "days_95", "90 % interval", 0.14), ("days_25", "days_75", "50 % interval", 0.26))


def life_fan(
    as_of: datetime, soh_capacity: float, fused: LifeQuantiles, twin_days: float, model_days: float | None
) -> go.Figure:
    """Capacity over time, as a fan that is cut off at the end of life.

    Args:
        as_of: instant that the days count from.
        soh_capacity: capacity over rated then, above the limit.
        fused: fused quantiles.
        twin_days: the twin's own median.
        model_days: the model's own median; None = it had no say.
    """
    level = np.linspace(soh_capacity, END_OF_LIFE_SOH, _POINTS)
    passed = _share_of_way(level, soh_capacity)
    start = as_of.astimezone(BANGKOK).replace(tzinfo=None)
    figure = go.Figure()
    for low, high, label, opacity in _BANDS:
        first, last = getattr(fused, low) * passed, getattr(fused, high) * passed
        figure.add_scatter(
            x=_times(start, np.concatenate([first, last[::-1]])), y=100 * np.concatenate([level, level[::-1]]),
            fill="toself", fillcolor=faint(BLUE, opacity), line={"width": 0}, name=label, hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=_times(start, fused.days_50 * passed), y=100 * level, mode="lines", name="Median",
        line={"color": BLUE, "width": 2.5}, hovertemplate="%{x|%b %Y}: %{y:.1f} %<extra></extra>",
    )  # fmt: skip
    marks = [("Twin", twin_days, SERIES[1], "diamond")]
    if model_days is not None:
        marks.append(("Model", model_days, SERIES[3], "circle"))
    for label, days, colour, symbol in marks:
        figure.add_scatter(
            x=_times(start, np.array([days])), y=[100 * END_OF_LIFE_SOH], mode="markers", name=label,
            marker={"color": colour, "size": 11, "symbol": symbol, "line": {"width": 1, "color": "white"}},
            hovertemplate=f"{label} alone: {local_date(as_of + timedelta(days=days))}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=100 * END_OF_LIFE_SOH, line={"color": RED, "width": 1.5, "dash": "dot"})
    figure.update_layout(
        height=300, margin={"l": 4, "r": 8, "t": 8, "b": 4}, dragmode=False, uirevision="fan",
        legend={"orientation": "h", "y": 1.08, "x": 0},
        xaxis={"type": "date", "fixedrange": True, "showgrid": False},
        yaxis={
            "title": {"text": "Capacity, % of rated", "standoff": 8}, "fixedrange": True,
            "range": [100 * END_OF_LIFE_SOH - 1, 100 * soh_capacity + 1],
        },
    )  # fmt: skip
    return figure


def _share_of_way(level: NDArray[np.float64], soh_capacity: float) -> NDArray[np.float64]:
    """Share of the remaining life that has passed when the capacity is down to a level, 0...1."""
    end = 1.0 - END_OF_LIFE_SOH
    used = (np.maximum(1.0 - level, 0.0) / end) ** (1.0 / _KNEE)
    begin = (max(1.0 - soh_capacity, 0.0) / end) ** (1.0 / _KNEE)
    return np.asarray((used - begin) / (1.0 - begin), np.float64)


def _times(start: datetime, days: NDArray[np.float64]) -> list[datetime]:
    return [start + timedelta(days=float(value)) for value in days]
