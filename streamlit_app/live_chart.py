"""Charts that stay the same chart while their data change.

Streamlit's own Plotly element makes the data part of its identity: the browser throws the chart away with every new
point, so it flickers and forgets its zoom, and a cell of a heat map cannot be clicked. This component redraws in place.
"""

from importlib import resources
from typing import Final, cast

import plotly
import plotly.graph_objects as go
import streamlit as st

LIBRARY_PATH: Final = f"/assets/plotly-{plotly.__version__}.min.js"
"""Where this dashboard itself serves the chart library; the version makes it cacheable for ever."""

_mount = st.components.v2.component(
    "batterytwin.live_chart",
    js=(resources.files("streamlit_app") / "live_chart.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def live_chart(figure: go.Figure, *, key: str, label: str, tools: bool = False, clickable: bool = False) -> str | None:
    """Shows a figure with the colours and the font of the page.

    Args:
        figure: what to draw, with a fixed height.
        key: makes it the same chart in the next run.
        label: what it shows, for those who cannot see it.
        tools: offer zoom and pan.
        clickable: report clicks.

    Returns:
        `customdata` of the point that was clicked just now; None = none was.
    """
    figure.update_layout(template=None)
    result = _mount(
        key=key,
        data={
            "library": LIBRARY_PATH,
            "figure": figure.to_json(),
            "label": label,
            "tools": tools,
            "clickable": clickable,
        },
        height=figure.layout.height,
        on_clicked_change=_noticed,
    )
    return cast("str | None", result.clicked)


def _noticed() -> None:
    """Streamlit reports a click only to those who ask for it."""
