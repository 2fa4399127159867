"""The past of one battery: several quantities above each other on one time axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.event_marks import Mark, local, mark_shapes, mark_signs
from streamlit_app.palette import GREY, RED, SERIES
from streamlit_app.wording import BANGKOK

_PANEL_HEIGHT_PX: Final = 150
_SIGNS_HEIGHT_PX: Final = 26
_NS_PER_S: Final = 1_000_000_000
_LONGEST_BRIDGE_S: Final = 7_200.0
"""No line is drawn across a longer time without data."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A quantity that a chart can show.

    Attributes:
        key: name of the series.
        label: name for people.
        unit: unit on screen.
        factor: screen unit over the series' unit.
        decimals: digits after the point in hover texts.
        least_span: the axis never covers less, so that noise stays small, in the unit on screen.
        sigma_key: series of one standard deviation, or empty.
        measured: came from a sensor, so suspect samples are marked.
    """

    key: str
    label: str
    unit: str
    factor: float
    decimals: int
    least_span: float
    sigma_key: str = ""
    measured: bool = False


PANELS: Final = (
    Panel("voltage_v", "Voltage", "V", 1, 3, 0.4, measured=True),
    Panel("current_a", "Current", "A", 1, 3, 0.5, measured=True),
    Panel("temperature_c", "Temperature", "°C", 1, 1, 6, measured=True),
    Panel("soc", "State of charge", "%", 100, 2, 10, "soc_sigma"),
    Panel("soh_capacity", "State of health", "%", 100, 2, 10, "soh_capacity_sigma"),
    Panel("soh_resistance", "Resistance, of baseline", "%", 100, 1, 20),
    Panel("internal_resistance_mohm", "Instrument resistance", "mΩ", 1, 2, 1, measured=True),
    Panel("r0_ohm", "Model resistance R0", "mΩ", 1_000, 3, 1),
    Panel("innovation_v", "Innovation", "mV", 1_000, 1, 40),
)


@dataclass(frozen=True, slots=True)
class Past:
    """Aligned series of one battery.

    Attributes:
        time_unix_ns: sample times or starts of buckets, rising, shape `(n_points,)`.
        series: values by name, NaN = none, each of shape `(n_points,)`.
        suspects: True where a reading was implausible and not applied, shape `(n_points,)`.
    """

    time_unix_ns: NDArray[np.int64]
    series: Mapping[str, NDArray[np.floating]]
    suspects: NDArray[np.bool_]


def history_chart(
    past: Past, panels: Sequence[Panel], start: datetime, end: datetime, *, uirevision: str, marks: Sequence[Mark] = ()
) -> go.Figure:
    """Draws the panels with bands of one sigma, suspect samples marked, gaps left open and events on top of all.

    The axis shows Bangkok's time of day; hover texts add UTC. Zoom survives new data while `uirevision` is the same.
    """
    past = _with_gaps(past)
    figure = go.Figure()
    for number, panel in enumerate(panels, start=1):
        for trace in _traces(past, panel, with_utc=number == 1):
            figure.add_trace(trace.update(yaxis=f"y{number}" if number > 1 else "y"))
    height = _PANEL_HEIGHT_PX * max(1, len(panels))
    top = 1.0 - (_SIGNS_HEIGHT_PX / (height + _SIGNS_HEIGHT_PX) if marks else 0.0)
    axes = _stacked_axes(past, panels, top)
    if marks:
        height += _SIGNS_HEIGHT_PX
        figure.add_trace(mark_signs(marks, start, end, f"y{len(panels) + 1}"))
        axes[f"yaxis{len(panels) + 1}"] = {
            "domain": [top, 1.0], "range": [-1, 1], "visible": False, "fixedrange": True
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
        shapes=mark_shapes(marks, start, end), **axes,
    )  # fmt: skip
    return figure


def _stacked_axes(past: Past, panels: Sequence[Panel], whole: float) -> dict[str, dict[str, object]]:
    """One value axis a panel, the first on top at `whole`, all on the same time axis."""
    share = whole / max(1, len(panels))
    axes: dict[str, dict[str, object]] = {}
    for number, panel in enumerate(panels, start=1):
        top = whole - (number - 1) * share
        axes[f"yaxis{number}" if number > 1 else "yaxis"] = {
            "domain": [max(0.0, top - share + 0.16 * share), top],
            "title": {"text": f"{panel.label}<br>{panel.unit}", "font": {"size": 11}, "standoff": 8},
            "nticks": 5,
            "autorangeoptions": {"include": _least_range(past, panel)},
        }
    return axes


def _least_range(past: Past, panel: Panel) -> list[float]:
    values = past.series[panel.key]
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) * panel.factor if known.size else 0.0
    return [middle - panel.least_span / 2, middle + panel.least_span / 2]


def _traces(past: Past, panel: Panel, *, with_utc: bool) -> list[go.Scatter]:
    colour = SERIES[PANELS.index(panel) % len(SERIES)]
    times = _local(past.time_unix_ns)
    values = past.series[panel.key].astype(np.float64) * panel.factor
    traces = []
    sigma = past.series.get(panel.sigma_key)
    if sigma is not None:
        half = sigma.astype(np.float64) * panel.factor
        traces += _band(times, values - half, values + half, colour)
    traces.append(
        go.Scatter(
            name=panel.label, x=times, y=values, mode="lines", connectgaps=False, line={"color": colour, "width": 1.6},
            customdata=_utc(past.time_unix_ns) if with_utc else None,
            hovertemplate=f"%{{y:.{panel.decimals}f}} {panel.unit}" + (" (%{customdata} UTC)" if with_utc else ""),
        )
    )  # fmt: skip
    if panel.measured and past.suspects.any():
        traces.append(
            go.Scatter(
                name="Suspect", x=times[past.suspects], y=values[past.suspects], mode="markers",
                marker={"symbol": "triangle-up-open", "size": 9, "color": RED}, hovertemplate="not applied",
            )
        )  # fmt: skip
    return traces


def _band(
    local: NDArray[np.datetime64], low: NDArray[np.float64], high: NDArray[np.float64], colour: str
) -> list[go.Scatter]:
    # "tonexty" fills across NaN, so each unbroken stretch is one closed outline of its own.
    traces = []
    known = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(np.int8), [0]))))
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        part = slice(begin, stop)
        traces.append(
            go.Scatter(
                name="± one sigma", x=np.concatenate((local[part], local[part][::-1])),
                y=np.concatenate((high[part], low[part][::-1])), mode="lines", fill="toself", fillcolor=colour,
                opacity=0.22, line={"width": 0}, hoverinfo="skip",
            )
        )  # fmt: skip
    return traces


def _with_gaps(past: Past) -> Past:
    """Puts a point without values into each gap that is too long to draw a line across."""
    steps = np.diff(past.time_unix_ns)
    usual = float(np.median(steps)) / _NS_PER_S if steps.size else 0.0
    gaps = np.flatnonzero(steps > max(_LONGEST_BRIDGE_S, 2.5 * usual) * _NS_PER_S)
    if not gaps.size:
        return past
    at = gaps + 1
    middle = past.time_unix_ns[gaps] + steps[gaps] // 2
    return Past(
        np.insert(past.time_unix_ns, at, middle),
        {key: np.insert(values.astype(np.float64), at, np.nan) for key, values in past.series.items()},
        np.insert(past.suspects, at, False),
    )


def _local(time_unix_ns: NDArray[np.int64]) -> NDArray[np.datetime64]:
    offset = BANGKOK.utcoffset(None)
    shift_ns = int(offset.total_seconds()) * _NS_PER_S
    return (time_unix_ns + shift_ns).astype("datetime64[ns]").astype("datetime64[ms]")


def _utc(time_unix_ns: NDArray[np.int64]) -> list[str]:
    return [f"{datetime.fromtimestamp(second, UTC):%d %b, %H:%M:%S}" for second in time_unix_ns // _NS_PER_S]
