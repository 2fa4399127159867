"""Events and alerts on a time axis: signs in rows on top, and a shade or a line through all quantities below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from streamlit_app.wording import BANGKOK


@dataclass(frozen=True, slots=True)
class Mark:
    """One event or alert.

    Attributes:
        label: what it is, for people.
        symbol: Plotly symbol.
        colour: its colour.
        start: when it began.
        end: when it ended; None = it took no time.
        row: row of its sign, 0 = the upper one.
        crosses: whether a shade or a line leads through the quantities.
    """

    label: str
    symbol: str
    colour: str
    start: datetime
    end: datetime | None
    row: int = 0
    crosses: bool = True


def sign_rows(marks: Sequence[Mark]) -> list[int]:
    """Rows that hold a sign, from the top."""
    return sorted({mark.row for mark in marks})


def mark_signs(marks: Sequence[Mark], start: datetime, end: datetime, axis: str) -> go.Scatter:
    """Signs at the beginning of each mark, those that began earlier at the left edge; a row is 1 high, from 0 down."""
    rows = sign_rows(marks)
    return go.Scatter(
        name="Events", x=[local(max(start, min(end, mark.start))) for mark in marks],
        y=[-0.5 - rows.index(mark.row) for mark in marks],
        mode="markers", text=[mark.label for mark in marks], hovertemplate="%{text}<extra></extra>", yaxis=axis,
        marker={"symbol": [mark.symbol for mark in marks], "color": [mark.colour for mark in marks], "size": 11},
    )  # fmt: skip


def mark_shapes(marks: Sequence[Mark], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """A shade from begin to end, or a line for what took no time, cut at both ends of the axis."""
    shapes: list[dict[str, Any]] = []
    for mark in marks:
        if not mark.crosses:
            continue
        begin = local(max(start, mark.start))
        shape = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "x0": begin, "layer": "below"}
        if mark.end is None:
            line = {"color": mark.colour, "width": 1.5, "dash": "dot"}
            shapes.append({**shape, "type": "line", "x1": begin, "line": line})
        else:
            line = {"color": mark.colour, "width": 1}
            fill = {"fillcolor": mark.colour, "opacity": 0.11, "line": line}
            shapes.append({**shape, "type": "rect", "x1": local(min(end, mark.end)), **fill})
    return shapes


def local(instant: datetime) -> datetime:
    """Bangkok's time of day without a zone, as the axis has it."""
    return instant.astimezone(BANGKOK).replace(tzinfo=None)
