"""What moves the life of a battery: each cause with its share and its direction."""

from collections.abc import Sequence

import plotly.graph_objects as go

from clients.types import LifeFactorShare
from streamlit_app.life_words import FACTOR_TEXT, effect_text
from streamlit_app.palette import GREEN, SERIES
from streamlit_app.wording import word

LONGER, SHORTER = GREEN, SERIES[1]


def life_effects(factors: Sequence[LifeFactorShare]) -> go.Figure:
    """Bars of the shares, the largest on top, with what each multiplies the life by.

    Args:
        factors: causes; their shares sum to 1.
    """
    rows = list(factors)[::-1]
    figure = go.Figure(
        go.Bar(
            y=[word(FACTOR_TEXT, row.factor) for row in rows],
            x=[100 * row.share for row in rows],
            orientation="h",
            marker={"color": [SHORTER if row.multiplier < 1.0 else LONGER for row in rows], "line": {"width": 0}},
            text=[f"{100 * row.share:.0f} %  {effect_text(row.multiplier)}" for row in rows],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        height=60 + 34 * len(rows), margin={"l": 4, "r": 90, "t": 4, "b": 4}, dragmode=False, uirevision="effects",
        bargap=0.35, xaxis={"visible": False, "fixedrange": True, "rangemode": "tozero"},
        yaxis={"fixedrange": True, "showgrid": False},
    )  # fmt: skip
    return figure
