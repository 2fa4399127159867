"""What was predicted earlier: the end of life as it was told over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import plotly.graph_objects as go

from clients.types import PastPrediction
from streamlit_app.palette import BLUE, faint
from streamlit_app.wording import BANGKOK


def past_predictions(predictions: Sequence[PastPrediction]) -> go.Figure:
    """Predicted end of life (upwards) over the time of the prediction, with its 90 % interval.

    Args:
        predictions: oldest first, at least one.
    """
    told = [_local(entry.predict_time) for entry in predictions]

    def ends(name: str) -> list[datetime]:
        return [
            _local((entry.as_of or entry.predict_time) + timedelta(days=getattr(entry.fused, name)))
            for entry in predictions
        ]

    figure = go.Figure()
    figure.add_scatter(
        x=told + told[::-1], y=ends("days_05") + ends("days_95")[::-1], fill="toself", fillcolor=faint(BLUE, 0.16),
        line={"width": 0}, hoverinfo="skip", name="90 % interval",
    )  # fmt: skip
    figure.add_scatter(
        x=told, y=ends("days_50"), mode="lines", line={"color": BLUE, "width": 2}, name="Median",
        hovertemplate="told %{x|%d %b %Y}: ends %{y|%b %Y}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        height=240, margin={"l": 4, "r": 8, "t": 8, "b": 4}, dragmode=False, uirevision="told",
        legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis={"type": "date", "fixedrange": True, "showgrid": False},
        yaxis={"type": "date", "fixedrange": True, "title": {"text": "End of life", "standoff": 8}},
    )  # fmt: skip
    return figure


def _local(instant: datetime) -> datetime:
    return instant.astimezone(BANGKOK).replace(tzinfo=None)
