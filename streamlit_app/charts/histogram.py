"""How health is spread over batteries."""

from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.health_bands import health_band

_BIN_WIDTH: Final = 0.01
_LOW: Final = 0.70
_HIGH: Final = 1.06


def health_histogram(soh_capacity: NDArray[np.floating]) -> go.Figure:
    """Bars of 1 % of `soh_capacity`, coloured by band; the outermost bars hold what lies beyond.

    Args:
        soh_capacity: shape `(n_batteries,)`; NaN is left out.
    """
    edges = np.arange(round(_LOW * 100), round(_HIGH * 100) + 1) * _BIN_WIDTH
    known = soh_capacity[np.isfinite(soh_capacity)].astype(np.float64)
    # Half a step of float32 keeps 0.85 out of the bar below, where float32's nearest value would put it.
    counts, _ = np.histogram(np.clip(known + 1e-7, edges[0], edges[-1] - 1e-9), edges)
    centres = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(
        go.Bar(
            x=centres * 100,
            y=counts,
            marker={"color": [health_band(float(centre)).colour for centre in centres], "line": {"width": 0}},
            customdata=np.stack([edges[:-1] * 100, edges[1:] * 100], axis=1),
            hovertemplate="%{customdata[0]:.0f} to %{customdata[1]:.0f} %: %{y} batteries<extra></extra>",
        )
    )
    figure.update_layout(
        height=240, bargap=0.12, margin={"l": 4, "r": 4, "t": 8, "b": 4}, dragmode=False, uirevision="health",
        xaxis={
            "title": {"text": "State of health, %", "standoff": 6}, "showgrid": False, "fixedrange": True, "dtick": 5,
            "range": [69.5, 106.5],
        },
        yaxis={"title": {"text": "Batteries", "standoff": 10}, "fixedrange": True, "rangemode": "tozero"},
    )  # fmt: skip
    return figure
