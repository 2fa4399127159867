"""The past of one battery: several quantities above each other on one time axis."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.event_marks import Mark, local, mark_shapes, mark_signs, sign_rows
from streamlit_app.charts.history_panels import Panel, Past
from streamlit_app.charts.history_traces import panel_traces
from streamlit_app.palette import GREY

_PANEL_HEIGHT_PX: Final = 136
_TITLE_SHARE: Final = 0.2
"""Share of a panel's height above its plot that its title takes."""
_SIGNS_HEIGHT_PX: Final = 22
"""Height of a row of signs."""
_NS_PER_S: Final = 1_000_000_000
_LONGEST_BRIDGE_S: Final = 7_200.0
"""No line is drawn across a longer time without data."""


def history_chart(
    past: Past, panels: Sequence[Panel], start: datetime, end: datetime, *, uirevision: str, marks: Sequence[Mark] = ()
) -> go.Figure:
    """Draws the panels with bands of sigma, suspect samples marked, gaps left open and events on top of all.

    The axis shows Bangkok's time of day; hover texts add UTC. Zoom survives new data while `uirevision` is the same.
    """
    holed = _with_gaps(past)
    figure = go.Figure()
    for number, panel in enumerate(panels, start=1):
        drawn = _with_gaps(_known(past, panel)) if panel.sparse else holed
        for trace in panel_traces(drawn, panel, with_utc=number == 1):
            figure.add_trace(trace.update(yaxis=f"y{number}" if number > 1 else "y"))
    height = _PANEL_HEIGHT_PX * max(1, len(panels))
    rows = len(sign_rows(marks))
    signs_height = rows * _SIGNS_HEIGHT_PX
    top = 1.0 - signs_height / (height + signs_height)
    axes = _stacked_axes(past, panels, top)
    if marks:
        height += signs_height
        figure.add_trace(mark_signs(marks, start, end, f"y{len(panels) + 1}"))
        axes[f"yaxis{len(panels) + 1}"] = {
            "domain": [top, 1.0], "range": [-rows, 0], "visible": False, "fixedrange": True
        }  # fmt: skip
    # A fixed range that moves with the time would undo every zoom; one that is found anew includes both ends.
    whole = [local(start), local(end)]
    figure.update_layout(
        height=height + 50, margin={"l": 4, "r": 8, "t": 12, "b": 8},
        showlegend=False, hovermode="x unified", hoversubplots="axis", dragmode="zoom", uirevision=uirevision,
        xaxis={
            "autorange": True, "autorangeoptions": {"include": whole}, "anchor": f"y{len(panels)}",
            "hoverformat": "%d %b %Y, %H:%M", "showspikes": True, "spikemode": "across", "spikethickness": 1,
            "spikecolor": GREY, "spikedash": "dot",
        },
        shapes=mark_shapes(marks, start, end), annotations=_titles(past, panels), **axes,
    )  # fmt: skip
    return figure


def _stacked_axes(past: Past, panels: Sequence[Panel], whole: float) -> dict[str, dict[str, object]]:
    """One value axis a panel, the first on top at `whole`, all on the same time axis."""
    share = whole / max(1, len(panels))
    axes: dict[str, dict[str, object]] = {}
    for number, panel in enumerate(panels, start=1):
        top = whole - (number - 1) * share
        axes[f"yaxis{number}" if number > 1 else "yaxis"] = {
            "domain": [max(0.0, top - share), top - _TITLE_SHARE * share],
            "nticks": 4,
            "autorangeoptions": {"include": _least_range(past, panel)},
        }
    return axes


def _titles(past: Past, panels: Sequence[Panel]) -> list[dict[str, object]]:
    """What each panel shows, above it; and in the middle of one without any value, that there is none."""
    titles: list[dict[str, object]] = []
    for number, panel in enumerate(panels, start=1):
        axis = f"y{number if number > 1 else ''} domain"
        titles.append(
            {"xref": "paper", "yref": axis, "x": 0, "y": 1, "text": panel.title,
             "showarrow": False, "xanchor": "left", "yanchor": "bottom", "yshift": 3, "font": {"size": 11.5}}
        )  # fmt: skip
        if not np.isfinite(past.series[panel.key]).any():
            text = "not measured in this time" if panel.measured else "not known in this time"
            titles.append(
                {"xref": "paper", "yref": axis, "x": 0.5, "y": 0.5, "text": text, "showarrow": False,
                 "font": {"size": 12, "color": GREY}}
            )  # fmt: skip
    return titles


def _least_range(past: Past, panel: Panel) -> list[float]:
    values = past.series[panel.key]
    known = np.zeros(1) if panel.around_zero else values[np.isfinite(values)]
    middle = float(np.median(known)) * panel.factor if known.size else 0.0
    return [middle - panel.least_span / 2, middle + panel.least_span / 2]


def _known(past: Past, panel: Panel) -> Past:
    """The points at which one quantity is known."""
    known = np.isfinite(past.series[panel.key])
    return Past(
        past.time_unix_ns[known],
        {key: past.series[key][known] for key in panel.series if key in past.series},
        past.suspects[known],
    )


def _with_gaps(past: Past) -> Past:
    """Puts a point without values into each gap that is too long to draw a line across."""
    steps = np.diff(past.time_unix_ns)
    usual = float(np.median(steps)) / _NS_PER_S if steps.size else 0.0
    gaps = np.flatnonzero(steps > max(_LONGEST_BRIDGE_S, 2.5 * usual) * _NS_PER_S)
    if not gaps.size:
        return past
    at = gaps + 1
    middle = past.time_unix_ns[gaps] + steps[gaps] // 2

    def opened(columns: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.float64]]:
        return {key: np.insert(values.astype(np.float64), at, np.nan) for key, values in columns.items()}

    return Past(
        np.insert(past.time_unix_ns, at, middle),
        opened(past.series),
        np.insert(past.suspects, at, False),
        opened(past.lowest),
        opened(past.highest),
    )
