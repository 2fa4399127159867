"""What warmer rooms cost: blocks to replace within the horizon for each degree."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from clients.types import WarmthCost
from streamlit_app.palette import GREY, SERIES


def warmth_bars(costs: Sequence[WarmthCost]) -> go.Figure:
    """Draws the median of each rise with its 90 % interval.

    Args:
        costs: what each rise costs, the smallest rise first.
    """
    values = np.array([c.replacements if len(c.replacements) == 5 else [np.nan] * 5 for c in costs], np.float64)
    values = values.reshape(-1, 5)
    middle = values[:, 2]
    figure = go.Figure(
        go.Bar(
            x=[f"{cost.warmer_k:+g} K" for cost in costs], y=middle, marker={"color": SERIES[1], "line": {"width": 0}},
            error_y={
                "type": "data", "symmetric": False, "color": GREY, "thickness": 1.5,
                "array": values[:, 4] - middle, "arrayminus": middle - values[:, 0],
            },
            hovertemplate="%{x}: %{y:,.0f} blocks<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        height=260, bargap=0.45, margin={"l": 4, "r": 4, "t": 8, "b": 4}, dragmode=False, uirevision="warmth",
        xaxis={"type": "category", "fixedrange": True, "showgrid": False,
               "title": {"text": "Rooms warmer by", "standoff": 6}},
        yaxis={"title": {"text": "Blocks to replace", "standoff": 8}, "fixedrange": True, "rangemode": "tozero",
               "tickformat": ",d"},
    )  # fmt: skip
    return figure
