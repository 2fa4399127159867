"""Ends of life that are expected, quarter by quarter."""

from collections.abc import Sequence

import plotly.graph_objects as go

from clients.types import ForecastPeriod
from streamlit_app.palette import BLUE, GREY
from streamlit_app.wording import local_date


def forecast_bars(periods: Sequence[ForecastPeriod]) -> go.Figure:
    """Expected ends of life of each period, with the 90 % interval.

    Args:
        periods: quarters in order; the first and the last may be parts of one.
    """
    labels = [str(period.quarter) if period.quarter else local_date(period.start_time) for period in periods]
    expected = [period.expected_count for period in periods]
    figure = go.Figure(
        go.Bar(
            x=labels,
            y=expected,
            marker={"color": BLUE, "line": {"width": 0}},
            error_y={
                "type": "data", "symmetric": False, "color": GREY, "thickness": 1.5,
                "array": [period.upper_count - period.expected_count for period in periods],
                "arrayminus": [max(period.expected_count - period.lower_count, 0.0) for period in periods],
            },
            customdata=[[period.lower_count, period.upper_count] for period in periods],
            hovertemplate="%{x}: %{y:.1f} expected, %{customdata[0]} to %{customdata[1]}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        height=240, bargap=0.4, margin={"l": 4, "r": 4, "t": 8, "b": 4}, dragmode=False, uirevision="forecast",
        xaxis={"type": "category", "fixedrange": True, "showgrid": False},
        yaxis={"title": {"text": "Ends of life", "standoff": 8}, "fixedrange": True, "rangemode": "tozero"},
    )  # fmt: skip
    return figure
