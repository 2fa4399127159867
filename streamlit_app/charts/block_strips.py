"""The blocks of a string side by side: several quantities above each other on one block axis."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from streamlit_app.charts.battery_map import mark_of
from streamlit_app.charts.block_columns import STRIPS, Blocks, Strip
from streamlit_app.palette import GREY, RED, SERIES
from streamlit_app.wording import QUALITY_TEXT, number, word

FAULT_MARK: Final = "square"
_STRIP_HEIGHT_PX: Final = 124
_TITLE_HEIGHT_PX: Final = 30
_CUT_AT: Final = 4.0
"""A deviation this many times as large as the 85th percentile of the others is cut."""
_CUT_WORDS_REACH: Final = 4
_SIGNS_HEIGHT_PX: Final = 30
_MARGIN: Final = {"l": 4, "r": 8, "t": 6, "b": 44}


def block_strips(blocks: Blocks, *, uirevision: str) -> go.Figure:
    """Draws the strips. `customdata` of a point is the name of its battery.

    Signs on top tell of faults, alerts and missing data; blocks that a fault names stand on a red column; values that
    are not fresh are grey and hatched or hollow. The outermost value of each deviation is written beside its bar. One
    value that would flatten all others is cut at the edge, and its number says so.
    """
    figure = go.Figure()
    x = np.arange(1, len(blocks.battery_ids) + 1)
    height = _MARGIN["t"] + _MARGIN["b"] + _SIGNS_HEIGHT_PX + _STRIP_HEIGHT_PX * len(STRIPS)
    figure.add_trace(_signs(blocks, x))
    for place, strip in enumerate(STRIPS, start=2):
        trace = _bars(blocks, strip, x) if strip.base is not None else _points(blocks, strip, x)
        figure.add_trace(trace.update(yaxis=f"y{place}"))
    figure.update_layout(
        height=height, margin=_MARGIN, showlegend=False, bargap=0.28, dragmode=False, uirevision=uirevision,
        hovermode="x unified", hoversubplots="axis", clickmode="event",
        xaxis={
            "anchor": f"y{len(STRIPS) + 1}", "range": [0.4, len(x) + 0.6], "fixedrange": True, "showgrid": False,
            "tickvals": [n for n in x if n == 1 or n % 4 == 0], "showspikes": False,
            "title": {"text": "Block, counted from the positive end", "standoff": 6},
            "unifiedhovertitle": {"text": "<b>Block %{x}</b>"},
        },
        shapes=[*_fault_columns(blocks), *_lines(len(x))],
        annotations=[*_titles(blocks.medians), *_cut_words(blocks)],
        **_axes(blocks, height - _MARGIN["t"] - _MARGIN["b"]),
    )  # fmt: skip
    return figure


def _signs(blocks: Blocks, x: NDArray[np.int64]) -> go.Scatter:
    marks = [
        FAULT_MARK if fault else mark_of(int(quality), int(alerts))
        for fault, quality, alerts in zip(blocks.faults, blocks.qualities, blocks.alert_counts, strict=True)
    ]
    colours = [RED if fault else GREY for fault in blocks.faults]
    # A point without a sign is there all the same, so that every block has a name and words under the pointer.
    return go.Scatter(
        name="signs", x=x, y=np.zeros(len(x)), mode="markers", customdata=list(blocks.battery_ids), text=_words(blocks),
        marker={"symbol": [mark or "circle" for mark in marks], "size": [11 if mark else 0 for mark in marks],
                "color": colours, "line": {"width": 0}},
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip


def _words(blocks: Blocks) -> list[str]:
    texts = []
    for fault, quality, alerts in zip(blocks.faults, blocks.qualities, blocks.alert_counts, strict=True):
        parts = [word(QUALITY_TEXT, quality).lower()]
        if alerts:
            parts.append(f"{alerts} alert{'s' if alerts > 1 else ''}")
        texts.append(", ".join([*parts, fault] if fault else parts))
    return texts


def _bars(blocks: Blocks, strip: Strip, x: NDArray[np.int64]) -> go.Bar:
    values = _values(blocks, strip.key) * strip.factor
    base, reach = strip.base or 0.0, _reach(blocks, strip)
    return go.Bar(
        name=strip.label, x=x, y=np.clip(values - base, -reach, reach), base=base, customdata=list(blocks.battery_ids),
        text=_outermost(values, strip, reach), textposition="outside", textfont={"size": 10},
        constraintext="none", textangle=0, cliponaxis=False,
        marker={"color": _colours(blocks, strip), "line": {"width": 0},
                "pattern": {"shape": ["" if fresh else "/" for fresh in blocks.fresh], "size": 5}},
        hovertext=[_told(strip, float(v), None) for v in values], hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _points(blocks: Blocks, strip: Strip, x: NDArray[np.int64]) -> go.Scatter:
    values = _values(blocks, strip.key) * strip.factor
    sigmas = _values(blocks, strip.sigma_key) * strip.factor
    colours = _colours(blocks, strip)
    whiskers = next((colour for colour in colours if colour != GREY), GREY)  # Plotly has one colour for all
    return go.Scatter(
        name=strip.label, x=x, y=values, mode="markers", customdata=list(blocks.battery_ids),
        marker={"symbol": ["circle" if fresh else "circle-open" for fresh in blocks.fresh], "size": 7,
                "color": colours},
        error_y={"array": sigmas, "color": whiskers, "thickness": 1.4, "width": 3},
        hovertext=[_told(strip, float(v), float(s)) for v, s in zip(values, sigmas, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def _values(blocks: Blocks, key: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = getattr(blocks, key)
    return values


def _colours(blocks: Blocks, strip: Strip) -> list[str]:
    own = SERIES[STRIPS.index(strip) % len(SERIES)]
    return [own if fresh else GREY for fresh in blocks.fresh]


def _told(strip: Strip, value: float, sigma: float | None) -> str:
    signed = strip.base == 0.0
    text = f"{strip.label}: {number(value, strip.decimals, strip.unit, sign=signed)}"
    return text if sigma is None else f"{text} ± {number(sigma, strip.decimals, strip.unit)}"


def _outermost(values: NDArray[np.float64], strip: Strip, reach: float) -> list[str]:
    texts = [""] * len(values)
    away = np.abs(values - (strip.base or 0.0))
    cut = np.flatnonzero(np.abs(values - (strip.base or 0.0)) > reach)
    for index in cut:  # its words need the room
        away[max(0, index - _CUT_WORDS_REACH) : index + _CUT_WORDS_REACH + 1] = np.nan
    if np.isfinite(away).any():
        furthest = int(np.nanargmax(away))
        if round(float(away[furthest]), strip.decimals) == 0:
            return texts
        texts[furthest] = number(float(values[furthest]), strip.decimals, sign=strip.base == 0.0)
    return texts


def _fault_columns(blocks: Blocks) -> list[dict[str, Any]]:
    return [
        {"type": "rect", "xref": "x", "yref": "paper", "x0": place - 0.48, "x1": place + 0.48, "y0": 0, "y1": 1,
         "fillcolor": RED, "opacity": 0.16, "line": {"width": 0}, "layer": "below"}
        for place, fault in enumerate(blocks.faults, start=1) if fault
    ]  # fmt: skip


def _lines(count: int) -> list[dict[str, Any]]:
    return [
        {"type": "line", "xref": "x", "yref": f"y{place}", "x0": 0.4, "x1": count + 0.6, "y0": level, "y1": level,
         "line": {"color": GREY, "width": 1, "dash": dash}}
        for place, strip in enumerate(STRIPS, start=2)
        for level, dash in ((strip.base, "solid"), (strip.limit, "dash")) if level is not None
    ]  # fmt: skip


def _titles(medians: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"xref": "paper", "yref": f"y{place} domain", "x": 0, "y": 1, "text": _title(strip, medians.get(strip.key, "")),
         "showarrow": False, "xanchor": "left", "yanchor": "bottom", "yshift": 3, "font": {"size": 11.5}}
        for place, strip in enumerate(STRIPS, start=2)
    ]  # fmt: skip


def _title(strip: Strip, median: str) -> str:
    of = f" (median {median})" if median else ""
    limit = f" (dashed: {strip.limit_text}, {number(strip.limit, 0)})" if strip.limit is not None else ""
    return f"<b>{strip.label}</b>, {strip.unit}{of}{limit}"


def _cut_words(blocks: Blocks) -> list[dict[str, Any]]:
    words = []
    for place, strip in enumerate(STRIPS, start=2):
        if strip.base is None:
            continue
        reach = _reach(blocks, strip)
        values = _values(blocks, strip.key) * strip.factor
        for index in np.flatnonzero(np.abs(values - strip.base) > reach):
            left = index < 0.7 * len(values)
            up = values[index] > strip.base
            text = f"{'▲' if up else '▼'} {number(float(values[index]), strip.decimals, strip.unit, sign=True)}"
            words.append(
                {"xref": "x", "yref": f"y{place}", "x": index + 1 + (0.6 if left else -0.6), "text": text,
                 "y": strip.base + (reach if up else -reach), "showarrow": False, "font": {"size": 11},
                 "xanchor": "left" if left else "right", "yanchor": "top" if up else "bottom"}
            )  # fmt: skip
    return words


def _axes(blocks: Blocks, height: float) -> dict[str, dict[str, Any]]:
    """A row of signs on top, and one value axis a strip."""
    top = 1.0 - _SIGNS_HEIGHT_PX / height
    share = top / len(STRIPS)
    axes: dict[str, dict[str, Any]] = {
        "yaxis": {"domain": [top, 1.0], "range": [-1, 1], "visible": False, "fixedrange": True}
    }
    for place, strip in enumerate(STRIPS):
        high = top - place * share
        axes[f"yaxis{place + 2}"] = {
            "domain": [max(0.0, high - share), high - _TITLE_HEIGHT_PX / height],
            "range": _range(blocks, strip), "fixedrange": True, "nticks": 4,
        }  # fmt: skip
    return axes


def _range(blocks: Blocks, strip: Strip) -> list[float]:
    values = _values(blocks, strip.key) * strip.factor
    spread = _values(blocks, strip.sigma_key) * strip.factor if strip.sigma_key else np.zeros(len(values))
    ends = np.concatenate([values - spread, values + spread])
    known = ends[np.isfinite(ends)]
    if strip.base is not None:
        reach = _reach(blocks, strip)
        return [strip.base - reach, strip.base + reach]
    middle = float(np.median(known)) if known.size else 50.0
    low = min(middle - strip.reach, float(known.min(initial=middle)))
    high = max(middle + strip.reach, float(known.max(initial=middle)))
    low = low if strip.limit is None else min(low, strip.limit - 2)
    return [low - 0.06 * (high - low), high + 0.06 * (high - low)]


def _reach(blocks: Blocks, strip: Strip) -> float:
    """How far the axis of a deviation goes to both sides: as far as all values need, unless a few dwarf the rest."""
    away = np.abs(_values(blocks, strip.key) * strip.factor - (strip.base or 0.0))
    known = away[np.isfinite(away)]
    if not known.size:
        return strip.reach
    return max(strip.reach, min(1.35 * float(known.max()), _CUT_AT * float(np.quantile(known, 0.85))))
