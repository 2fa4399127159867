"""The live fleet on the left and a drill on the right, on the same axes: over time, or block by block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.event_marks import local
from streamlit_app.charts.history_panels import Panel, Past
from streamlit_app.charts.history_traces import panel_traces
from streamlit_app.palette import AMBER, GREY, SERIES, faint

_ROW_PX: Final = 168
_HEAD_PX: Final = 34
_FOOT_PX: Final = 40
_TITLE_SHARE: Final = 0.17
_LEFT: Final = (0.0, 0.485)
_RIGHT: Final = (0.515, 1.0)
_GROUND: Final = faint(AMBER, 0.11)


@dataclass(frozen=True, slots=True)
class BlockQuantity:
    """A quantity of the blocks of a string.

    Attributes:
        key: name of the column.
        label: name for people.
        unit: unit on screen.
        factor: screen unit over the column's unit.
        decimals: digits after the point.
        least_span: the axis never covers less, in the unit on screen.
    """

    key: str
    label: str
    unit: str
    factor: float
    decimals: int
    least_span: float

    @property
    def title(self) -> str:
        """Its name and its unit."""
        return f"<b>{self.label}</b>, {self.unit}"


BLOCK_QUANTITIES: Final = (
    BlockQuantity("voltage_v", "Voltage", "V", 1, 3, 0.4),
    BlockQuantity("temperature_c", "Temperature", "°C", 1, 1, 4),
    BlockQuantity("soc", "State of charge", "%", 100, 1, 6),
    BlockQuantity("soh_capacity", "State of health", "%", 100, 1, 6),
    BlockQuantity("internal_resistance_mohm", "Instrument resistance", "mΩ", 1, 2, 1),
)


def pair_over_time(
    live: Past,
    drill: Past,
    panels: Sequence[Panel],
    *,
    start: datetime,
    end: datetime,
    begin: datetime,
    uirevision: str,
) -> go.Figure:
    """Draws quantities over time; a dotted line says where the copy was taken.

    Args:
        live: series of the live battery.
        drill: series of its copy.
        panels: what is drawn.
        start: begin of both time axes.
        end: end of both.
        begin: begin of the drill.
        uirevision: zoom survives new data while it is the same.
    """
    figure = go.Figure()
    for row, panel in enumerate(panels):
        for side, past in enumerate((live, drill)):
            for trace in panel_traces(past, panel, with_utc=row == 0):
                figure.add_trace(trace.update(xaxis=_name("x", side), yaxis=_name("y", 2 * row + side)))
    whole = [local(start), local(end)]
    shared: dict[str, Any] = {
        "type": "date", "autorange": True, "autorangeoptions": {"include": whole}, "showgrid": False, "nticks": 6,
        "hoverformat": "%d %b %Y, %H:%M:%S",
    }  # fmt: skip
    copied = [
        {"type": "line", "xref": _name("x", side), "yref": "paper", "x0": local(begin), "x1": local(begin), "y0": 0,
         "y1": 1, "line": {"color": GREY, "width": 1, "dash": "dot"}}
        for side in (0, 1)
    ]  # fmt: skip
    _lay_out(figure, [panel.title for panel in panels], [panel.least_span for panel in panels], shared, copied)
    figure.update_layout(uirevision=uirevision, hovermode="x unified", dragmode="zoom")
    return figure


def pair_by_block(
    live: Mapping[str, NDArray[np.float64]],
    drill: Mapping[str, NDArray[np.float64]],
    quantities: Sequence[BlockQuantity],
    battery_ids: Sequence[str],
) -> go.Figure:
    """Draws quantities of the blocks of a string, in the order in which they stand.

    Args:
        live: columns of the live string by name, each `(n_blocks,)`; NaN = unknown.
        drill: those of its copy.
        quantities: what is drawn.
        battery_ids: names of the blocks.
    """
    figure = go.Figure()
    places = np.arange(1, len(battery_ids) + 1)
    for row, quantity in enumerate(quantities):
        for side, columns in enumerate((live, drill)):
            figure.add_scatter(
                x=places, y=columns[quantity.key] * quantity.factor, mode="lines+markers", name=quantity.label,
                xaxis=_name("x", side), yaxis=_name("y", 2 * row + side), customdata=list(battery_ids),
                line={"color": faint(SERIES[row % len(SERIES)], 0.35), "width": 1},
                marker={"color": SERIES[row % len(SERIES)], "size": 7},
                hovertemplate=f"%{{customdata}}: %{{y:.{quantity.decimals}f}} {quantity.unit}<extra></extra>",
            )  # fmt: skip
    shared = {
        "range": [0.4, len(places) + 0.6], "tickvals": [int(n) for n in places if n == 1 or n % 4 == 0],
        "showgrid": False, "fixedrange": True, "title": {"text": "Block, counted from the positive end", "standoff": 6},
    }  # fmt: skip
    _lay_out(figure, [q.title for q in quantities], [q.least_span for q in quantities], shared, [])
    for row, quantity in enumerate(quantities):
        known = np.concatenate([columns[quantity.key] for columns in (live, drill)]) * quantity.factor
        span = _span(known[np.isfinite(known)], quantity.least_span)
        figure.update_layout({_axis("y", 2 * row + side): {"range": span, "fixedrange": True} for side in (0, 1)})
    figure.update_layout(uirevision="blocks", hovermode="closest", dragmode=False)
    return figure


def _span(known: NDArray[np.float64], least: float) -> list[float]:
    """Ends of an axis that holds all values and some room, and never covers less than `least`."""
    if not known.size:
        return [0.0, least]
    middle, half = (known.max() + known.min()) / 2, max(0.55 * (known.max() - known.min()), least / 2)
    return [float(middle - half), float(middle + half)]


def _lay_out(
    figure: go.Figure,
    titles: Sequence[str],
    least_spans: Sequence[float],
    shared: Mapping[str, Any],
    shapes: Sequence[dict[str, Any]],
) -> None:
    """Two columns; a row of both has one value axis, and both columns have one axis below."""
    rows = max(1, len(titles))
    height = rows * _ROW_PX + _HEAD_PX + _FOOT_PX
    top = 1.0 - _HEAD_PX / (height - _FOOT_PX)
    axes: dict[str, Any] = {
        "xaxis": {**shared, "domain": list(_LEFT), "anchor": _name("y", 2 * rows - 2)},
        "xaxis2": {**shared, "domain": list(_RIGHT), "anchor": _name("y", 2 * rows - 1), "matches": "x"},
    }
    notes = [
        _note("<b>Live</b>", _LEFT[0], 1.0, 14), _note("<b>SIMULATION</b>", _RIGHT[0], 1.0, 14)
    ]  # fmt: skip
    for row, (title, span) in enumerate(zip(titles, least_spans, strict=True)):
        high = top * (1.0 - row / rows)
        domain = [high - top / rows + 0.004, high - _TITLE_SHARE * top / rows]
        middle = _middle(figure, row)
        axes[_axis("y", 2 * row)] = {
            "domain": domain, "anchor": "x", "nticks": 4,
            "autorangeoptions": {"include": [middle - span / 2, middle + span / 2]},
        }  # fmt: skip
        axes[_axis("y", 2 * row + 1)] = {
            "domain": domain, "anchor": "x2", "matches": _name("y", 2 * row), "showticklabels": False, "nticks": 4
        }  # fmt: skip
        notes += [_note(title, column[0], domain[1], 11.5) for column in (_LEFT, _RIGHT)]
    ground = {
        "type": "rect", "xref": "paper", "yref": "paper", "x0": _RIGHT[0] - 0.012, "x1": _RIGHT[1] + 0.005, "y0": 0,
        "y1": 1, "fillcolor": _GROUND, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 6, "b": _FOOT_PX - 6}, showlegend=False,
        shapes=[ground, *shapes], annotations=notes, **axes,
    )  # fmt: skip


def _note(text: str, x: float, y: float, size: float) -> dict[str, Any]:
    below = "top" if y == 1.0 else "bottom"
    return {
        "xref": "paper", "yref": "paper", "x": x, "y": y, "text": text, "showarrow": False, "xanchor": "left",
        "yanchor": below, "font": {"size": size},
    }  # fmt: skip


def _middle(figure: go.Figure, row: int) -> float:
    axes = {_name("y", 2 * row), _name("y", 2 * row + 1)}
    values = [np.asarray(trace.y, np.float64) for trace in figure.data if trace.yaxis in axes and trace.mode != "lines"]
    known = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.zeros(0)
    return float(np.median(known)) if known.size else 0.0


def _name(letter: str, number: int) -> str:
    return letter if number == 0 else f"{letter}{number + 1}"


def _axis(letter: str, number: int) -> str:
    return f"{letter}axis" if number == 0 else f"{letter}axis{number + 1}"
