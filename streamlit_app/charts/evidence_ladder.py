"""What each kind of evidence says of a battery's capacity, best first, under what they say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go

from streamlit_app.charts.health_bands import END_OF_LIFE_SOH
from streamlit_app.palette import GREY, SERIES
from streamlit_app.wording import number

_ROW_PX: Final = 40
_LOWEST: Final = 74.0
_HIGHEST: Final = 108.0


@dataclass(frozen=True, slots=True)
class Rung:
    """One row.

    Attributes:
        name: what it rests on.
        when: when it was renewed, or why there is nothing.
        soh: capacity over rated capacity; None = it says nothing.
        sigma: one standard deviation.
        decides: True for the one that weighs most.
        joined: True for the joint estimate.
    """

    name: str
    when: str
    soh: float | None
    sigma: float
    decides: bool = False
    joined: bool = False


def evidence_ladder(rungs: Sequence[Rung], *, uirevision: str) -> go.Figure:
    """Draws the rungs from top to bottom, values with whiskers of one sigma on one axis, percent of rated capacity."""
    known = [(row, rung) for row, rung in enumerate(rungs) if rung.soh is not None]
    figure = go.Figure(
        go.Scatter(
            x=[100 * (rung.soh or 0.0) for _, rung in known],
            y=[row for row, _ in known],
            mode="markers",
            marker={
                "symbol": ["diamond" if rung.joined else "circle" for _, rung in known],
                "size": [12 if rung.joined else 9 for _, rung in known],
                "color": [_colour(rung) for _, rung in known],
            },
            error_x={"array": [100 * rung.sigma for _, rung in known], "color": GREY, "thickness": 1.6, "width": 5},
            hovertext=[f"{rung.name}: {_value(rung)}" for _, rung in known],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    ends = [100 * ((rung.soh or 0.0) + sign * rung.sigma) for _, rung in known for sign in (-1, 1)]
    low, high = min([_LOWEST, *ends]), max([_HIGHEST, *ends])
    figure.update_layout(
        height=_ROW_PX * len(rungs) + 46, margin={"l": 4, "r": 112, "t": 4, "b": 40}, showlegend=False, dragmode=False,
        uirevision=uirevision, hovermode="closest", shapes=_shapes(rungs), annotations=_words(rungs),
        xaxis={
            "range": [low - 1, high + 1], "fixedrange": True, "nticks": 6,
            "title": {"text": "Capacity, % of rated", "standoff": 6},
        },
        yaxis={
            "range": [len(rungs) - 0.5, -0.5], "tickvals": list(range(len(rungs))), "fixedrange": True,
            "ticktext": [_name(rung) for rung in rungs], "showgrid": False, "showline": False,
        },
    )  # fmt: skip
    return figure


def _colour(rung: Rung) -> str:
    return SERIES[0] if rung.joined or rung.decides else GREY


def _name(rung: Rung) -> str:
    name = f"<b>{rung.name}</b>" if rung.joined or rung.decides else rung.name
    return f"{name}<br><span style='font-size:10px'>{rung.when}</span>"


def _value(rung: Rung) -> str:
    if rung.soh is None:
        return ""
    return f"{number(100 * rung.soh, 1)} ± {number(100 * rung.sigma, 1, '%')}"


def _words(rungs: Sequence[Rung]) -> list[dict[str, Any]]:
    """Numbers to the right of the axis, so that nothing has to be hovered to be read."""
    return [
        {"xref": "paper", "yref": "y", "x": 1, "y": row, "xanchor": "left", "xshift": 8, "showarrow": False,
         "align": "left", "font": {"size": 12},
         "text": _value(rung) + ("<br><b>◀ weighs most</b>" if rung.decides else "")}
        for row, rung in enumerate(rungs) if rung.soh is not None
    ]  # fmt: skip


def _shapes(rungs: Sequence[Rung]) -> list[dict[str, Any]]:
    end = 100 * END_OF_LIFE_SOH
    shapes: list[dict[str, Any]] = [
        {"type": "line", "xref": "x", "yref": "paper", "x0": end, "x1": end, "y0": 0, "y1": 1,
         "line": {"color": GREY, "width": 1, "dash": "dash"}}
    ]  # fmt: skip
    joined = next((rung for rung in rungs if rung.joined and rung.soh is not None), None)
    if joined is not None and joined.soh is not None:
        shapes.append(
            {"type": "rect", "xref": "x", "yref": "paper", "x0": 100 * (joined.soh - joined.sigma),
             "x1": 100 * (joined.soh + joined.sigma), "y0": 0, "y1": 1, "fillcolor": SERIES[0], "opacity": 0.13,
             "line": {"width": 0}, "layer": "below"}
        )  # fmt: skip
    return shapes
