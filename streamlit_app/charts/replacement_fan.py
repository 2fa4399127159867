"""Blocks to replace as the years go by, as fans of quantiles: one or several courses of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go

from clients.types import FiveQuantiles
from streamlit_app.palette import SERIES, faint

_MOST_TICKS: Final = 10


@dataclass(frozen=True, slots=True)
class Fan:
    """One course of events.

    Attributes:
        label: what it is, for people.
        replacements: blocks to replace by the end of each year; quantiles of 5, 25, 50, 75 and 95 %.
    """

    label: str
    replacements: Sequence[FiveQuantiles]


def replacement_fan(fans: Sequence[Fan], *, height: int = 380) -> go.Figure:
    """Draws every course with its median, its 50 % and its 90 % interval; few courses have both bands.

    Args:
        fans: courses, the one that others are compared with first.
        height: height, px.
    """
    figure = go.Figure()
    bands = ((0, 4, 0.22), (1, 3, 0.34)) if len(fans) <= 2 else ((0, 4, 0.20),)
    longest = 1
    for place, fan in enumerate(fans):
        colour = SERIES[place % len(SERIES)]
        values = np.array([quantiles for quantiles in fan.replacements if len(quantiles) == 5], np.float64)
        values = np.vstack([np.zeros((1, 5)), values.reshape(-1, 5)])
        years = np.arange(len(values))
        longest = max(longest, len(years) - 1)
        for low, high, opacity in bands:
            figure.add_scatter(
                x=np.concatenate([years, years[::-1]]), y=np.concatenate([values[:, high], values[::-1, low]]),
                fill="toself", fillcolor=faint(colour, opacity), line={"width": 0}, mode="lines", hoverinfo="skip",
                showlegend=False, legendgroup=str(place),
            )  # fmt: skip
        figure.add_scatter(
            x=years, y=values[:, 2], mode="lines+markers", name=fan.label, legendgroup=str(place),
            line={"color": colour, "width": 1.6}, marker={"size": 5, "color": colour},
            customdata=values[:, [0, 4]],
            hovertemplate="%{y:,.0f} (%{customdata[0]:,.0f} to %{customdata[1]:,.0f})",
        )  # fmt: skip
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 8, "b": 4}, dragmode=False, uirevision="fans",
        hovermode="x unified", legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
        xaxis={
            "title": {"text": "Years from now", "standoff": 8}, "fixedrange": True, "showgrid": False,
            "dtick": max(1, -(-longest // _MOST_TICKS)), "range": [0, longest + 0.15],
            "unifiedhovertitle": {"text": "<b>After %{x} years</b>"},
        },
        yaxis={
            "title": {"text": "Blocks to replace so far", "standoff": 8}, "fixedrange": True, "rangemode": "tozero",
            "tickformat": ",d",
        },
    )  # fmt: skip
    return figure
