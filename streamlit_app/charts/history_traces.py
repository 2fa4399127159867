"""Lines, bands and marks of one quantity over time."""

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.history_panels import PANELS, Panel, Past
from streamlit_app.palette import GREY, RED, SERIES, faint
from streamlit_app.wording import BANGKOK, number

_NS_PER_S: Final = 1_000_000_000
_USUAL_SIGMAS: Final = 2
"""An innovation beyond so many standard deviations is unusual."""
_BAND_OPACITY: Final = 0.22
_REACH_OPACITY: Final = 0.16
_EDGE_OPACITY: Final = 0.5
"""A stretch of one bucket is nothing but its edge."""
_POINT_PX: Final = 6


def panel_traces(past: Past, panel: Panel, *, with_utc: bool) -> list[go.Scatter]:
    """Draws one quantity: what its buckets reach over, its band, its line, and suspect samples on top.

    Args:
        past: series of the battery.
        panel: the quantity.
        with_utc: add the time in UTC to the hover text; once a chart is enough.
    """
    colour = SERIES[PANELS.index(panel) % len(SERIES)]
    times = _local(past.time_unix_ns)
    values = past.series[panel.key].astype(np.float64) * panel.factor
    sigma = past.series.get(panel.sigma_key)
    half = None if sigma is None else sigma.astype(np.float64) * panel.factor
    traces = []
    if panel.reaches and panel.key in past.lowest and panel.key in past.highest:
        low, high = (ends[panel.key].astype(np.float64) * panel.factor for ends in (past.lowest, past.highest))
        high = np.where(high > low, high, np.nan)  # most buckets hold one value, or many alike
        traces += _band(times, low, high, GREY, "lowest to highest", _REACH_OPACITY, edge=1.2)
    if half is not None:
        middle, sigmas = (np.zeros_like(values), _USUAL_SIGMAS) if panel.around_zero else (values, 1)
        name = f"± {sigmas} sigma"
        traces += _band(times, middle - sigmas * half, middle + sigmas * half, colour, name, _BAND_OPACITY)
    alone = _alone(values)
    whiskers: dict[str, Any] | None = None
    if half is not None and not panel.around_zero and alone.any():  # a band needs two points to be seen
        whiskers = {"array": np.where(alone, half, np.nan), "thickness": 1.4, "width": 3}
    traces.append(
        go.Scatter(
            name=panel.label, x=times, y=values, mode="lines+markers", connectgaps=False,
            line={"color": colour, "width": 1.6}, marker={"color": colour, "size": alone * _POINT_PX},
            error_y=whiskers,
            customdata=_words(past, panel, half, with_utc=with_utc),
            hovertemplate=f"%{{y:.{panel.decimals}f}}%{{customdata}}",
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


def _alone(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """1 where a value has no neighbour that a line could lead to, so that it must be a point to be seen; else 0."""
    known = np.isfinite(values)
    before, after = np.append(False, known[:-1]), np.append(known[1:], False)
    alone: NDArray[np.int64] = (known & ~before & ~after).astype(np.int64)
    return alone


def _words(past: Past, panel: Panel, half: NDArray[np.float64] | None, *, with_utc: bool) -> list[str]:
    """What stands behind each value in hover texts: sigma, unit, and the time in UTC."""
    if half is None:
        words = [f" {panel.unit}"] * past.time_unix_ns.size
    else:
        sign = " (expected ± " if panel.around_zero else " ± "
        end = ")" if panel.around_zero else ""
        words = [
            f"{sign}{number(s, panel.decimals)}{end} {panel.unit}" if np.isfinite(s) else f" {panel.unit}"
            for s in half.tolist()
        ]
    if not with_utc:
        return words
    instants = (datetime.fromtimestamp(second, UTC) for second in past.time_unix_ns // _NS_PER_S)
    return [f"{text} ({instant:%d %b, %H:%M:%S} UTC)" for text, instant in zip(words, instants, strict=True)]


def _band(  # noqa: PLR0917 - two curves and how they look
    times: NDArray[np.datetime64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    colour: str,
    name: str,
    opacity: float,
    edge: float = 0.0,
) -> list[go.Scatter]:
    # "tonexty" fills across NaN, so each unbroken stretch is one closed outline of its own.
    look: dict[str, Any] = {
        "name": name, "mode": "lines", "fill": "toself", "fillcolor": faint(colour, opacity),
        "line": {"width": edge, "color": faint(colour, _EDGE_OPACITY)}, "hoverinfo": "skip",
    }  # fmt: skip
    known = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(np.int8), [0]))))
    parts = [slice(begin, stop) for begin, stop in zip(edges[::2], edges[1::2], strict=True)]
    return [
        go.Scatter(
            x=np.concatenate((times[part], times[part][::-1])), y=np.concatenate((high[part], low[part][::-1])), **look
        )
        for part in parts
    ]


def _local(time_unix_ns: NDArray[np.int64]) -> NDArray[np.datetime64]:
    offset = BANGKOK.utcoffset(None)
    shift_ns = int(offset.total_seconds()) * _NS_PER_S
    return (time_unix_ns + shift_ns).astype("datetime64[ns]").astype("datetime64[ms]")
