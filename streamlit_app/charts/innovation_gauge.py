"""How far the newest reading lies from what the filter predicted, on the scale that the filter itself expects."""

from typing import Any, Final

import plotly.graph_objects as go

from streamlit_app.palette import GREY, RED, SERIES
from streamlit_app.wording import number

_REACH_SIGMAS: Final = 3.5


def innovation_gauge(innovation_mv: float, sigma_mv: float, *, uirevision: str) -> go.Figure:
    """Draws a band of one and of two sigma around zero and the innovation on it; beyond the axis it stands at its end.

    Args:
        innovation_mv: measured minus predicted voltage, mV.
        sigma_mv: one standard deviation that the filter expects, mV, > 0.
        uirevision: makes it the same chart.
    """
    reach = _REACH_SIGMAS * sigma_mv
    usual = abs(innovation_mv) <= 2 * sigma_mv
    figure = go.Figure(
        go.Scatter(
            x=[max(-reach, min(reach, innovation_mv))], y=[0], mode="markers",
            marker={"symbol": "diamond", "size": 13, "color": SERIES[0] if usual else RED},
            hovertemplate=f"{number(innovation_mv, 1, 'mV', sign=True)}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        height=74, margin={"l": 8, "r": 8, "t": 4, "b": 30}, showlegend=False, dragmode=False, uirevision=uirevision,
        hovermode="closest", shapes=[_band(2 * sigma_mv, 0.16), _band(sigma_mv, 0.26), _zero()],
        xaxis={
            "range": [-1.05 * reach, 1.05 * reach], "fixedrange": True, "showgrid": False,
            "tickvals": [k * sigma_mv for k in (-2, -1, 0, 1, 2)],
            "ticktext": [*(number(k * sigma_mv, 0, sign=True) for k in (-2, -1)), "0",
                         *(number(k * sigma_mv, 0, sign=True) for k in (1, 2))],
        },
        yaxis={"range": [-1, 1], "visible": False, "fixedrange": True},
    )  # fmt: skip
    return figure


def _band(half_mv: float, opacity: float) -> dict[str, Any]:
    return {
        "type": "rect", "x0": -half_mv, "x1": half_mv, "y0": -0.8, "y1": 0.8, "fillcolor": SERIES[0],
        "opacity": opacity, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _zero() -> dict[str, Any]:
    return {"type": "line", "x0": 0, "x1": 0, "y0": -0.8, "y1": 0.8, "line": {"color": GREY, "width": 1}}
