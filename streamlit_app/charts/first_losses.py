"""When the first block of each site, and its string with it, comes to its end."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go

from clients.types import FirstLoss
from streamlit_app.palette import SERIES

_YEAR_DAYS: Final = 365.25
_LEAST_YEARS: Final = 0.25
_LONGEST_IN_MONTHS: Final = 2.0
"""Axes that reach no further, years, count in months."""
_ROW_PX: Final = 34
_APART: Final = 0.17


def first_losses(
    courses: Sequence[tuple[str, Sequence[FirstLoss]]], names: Mapping[str, str], years: float
) -> go.Figure:
    """Draws for every site the median and the 90 % interval; what lies beyond the horizon ends at the edge.

    Args:
        courses: label and losses of each course of events.
        names: names of sites for people, by short name.
        years: the horizon.
    """
    figure = go.Figure()
    furthest = max((_end(loss, years) for _, losses in courses for loss in losses), default=years)
    unit, days_each = ("Months", _YEAR_DAYS / 12) if furthest < _LONGEST_IN_MONTHS else ("Years", _YEAR_DAYS)
    horizon = years * _YEAR_DAYS / days_each
    order = [loss.location_id for loss in sorted(courses[0][1], key=_first, reverse=True)] if courses else []
    for place, (label, losses) in enumerate(courses):
        by_site = {loss.location_id: loss for loss in losses}
        shift = _APART * (place - (len(courses) - 1) / 2)
        rows = [(row, by_site[site]) for row, site in enumerate(order) if site in by_site]
        days = np.array([[*loss.days] if len(loss.days) == 5 else [np.nan] * 5 for _, loss in rows], np.float64)
        low, middle, high = days.reshape(-1, 5)[:, [0, 2, 4]].T / days_each
        centre = np.where(np.isfinite(middle), middle, np.where(np.isfinite(low), horizon, np.nan))
        figure.add_scatter(
            x=centre, y=[row - shift for row, _ in rows], mode="markers", name=label,
            marker={"color": SERIES[place], "size": 9,
                    "symbol": ["circle" if np.isfinite(value) else "triangle-right-open" for value in middle]},
            error_x={
                "type": "data", "symmetric": False, "color": SERIES[place], "thickness": 2, "width": 0,
                "array": np.nan_to_num(np.where(np.isfinite(high), high, horizon) - centre),
                "arrayminus": np.nan_to_num(centre - low),
            },
            customdata=[_told(*ends, unit.lower()) for ends in zip(low, middle, high, strict=True)],
            hovertemplate="%{customdata}<extra>" + label + "</extra>",
        )  # fmt: skip
    edge = min(1.08 * furthest * _YEAR_DAYS / days_each, 1.02 * horizon)
    figure.update_layout(
        height=90 + _ROW_PX * max(1, len(order)), margin={"l": 4, "r": 12, "t": 8, "b": 4}, dragmode=False,
        uirevision="losses", legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
        showlegend=len(courses) > 1,
        xaxis={"title": {"text": f"{unit} from now", "standoff": 8}, "range": [-0.01 * edge, edge],
               "fixedrange": True},
        yaxis={
            "tickvals": list(range(len(order))), "ticktext": [names.get(site, site) for site in order],
            "range": [-0.6, max(1, len(order)) - 0.4], "fixedrange": True, "showgrid": False,
        },
    )  # fmt: skip
    return figure


def _first(loss: FirstLoss) -> float:
    middle = loss.days[2] if len(loss.days) == 5 else np.nan
    return float(middle) if np.isfinite(middle) else np.inf


def _end(loss: FirstLoss, years: float) -> float:
    """Where the axis must reach to, years: what lies beyond the horizon needs all of it."""
    high = loss.days[4] if len(loss.days) == 5 else np.nan
    return max(float(high) / _YEAR_DAYS, _LEAST_YEARS) if np.isfinite(high) else years


def _told(low: float, middle: float, high: float, unit: str) -> str:
    def when(value: float) -> str:
        return f"{value:.1f}" if np.isfinite(value) else "later"

    return f"{when(middle)} {unit} ({when(low)} to {when(high)})"
