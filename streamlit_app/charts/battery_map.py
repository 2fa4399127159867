"""The map of a site: one cell a battery, one row a string, in the order in which the blocks stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from batterytwin.telemetry import Quality
from streamlit_app.charts.cell_metrics import CellMetric
from streamlit_app.wording import QUALITY_TEXT, age, number, short_name, word

BLOCKS_PER_ROW: Final = 24
_ROW_HEIGHT_PX: Final = 34
_ABSENT: Final = -1
_VEIL: Final = "rgba(128, 138, 154, 0.72)"
_MARK_OF_QUALITY: Final[Mapping[int, str]] = {
    Quality.STALE: "circle",
    Quality.NO_DATA: "x",
    Quality.SUSPECT: "triangle-up",
}
_ALERT_MARK: Final = "diamond"
_MARK_COLOUR: Final = "#10161F"


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Where each battery stands on the map.

    Attributes:
        row_names: names of the rows, shape `(n_rows,)`.
        cells: index of the battery in the columns of the site, -1 where there is none, shape `(n_rows, 24)`.
    """

    row_names: tuple[str, ...]
    cells: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """What the map shows of each battery, all of shape `(n_batteries,)`.

    Attributes:
        battery_ids: names.
        values: the metric in its unit on screen; NaN = unknown.
        qualities: trust, numbers of `Quality`.
        ages_s: age of the newest sample, s; NaN = never.
        alert_counts: active alerts.
        shown: False where a filter hides the battery.
    """

    battery_ids: Sequence[str]
    values: NDArray[np.float64]
    qualities: NDArray[np.int64]
    ages_s: NDArray[np.float64]
    alert_counts: NDArray[np.int64]
    shown: NDArray[np.bool_]


def cell_grid(strings: Sequence[tuple[str, Sequence[str]]], battery_ids: Sequence[str]) -> CellGrid:
    """Lays strings out in rows of 24; a longer string goes on in the next row.

    Args:
        strings: name and battery names of each string, in order.
        battery_ids: names in the order of the site's columns.
    """
    index_of = {battery_id: index for index, battery_id in enumerate(battery_ids)}
    names: list[str] = []
    rows: list[list[int]] = []
    for string_id, members in strings:
        for start in range(0, len(members), BLOCKS_PER_ROW):
            row = [index_of.get(battery_id, _ABSENT) for battery_id in members[start : start + BLOCKS_PER_ROW]]
            rows.append(row + [_ABSENT] * (BLOCKS_PER_ROW - len(row)))
            names.append(string_id if start == 0 else "")
    return CellGrid(tuple(names), np.array(rows, np.int64).reshape(-1, BLOCKS_PER_ROW))


def battery_map(grid: CellGrid, cells: Cells, metric: CellMetric, *, uirevision: str) -> go.Figure:
    """Draws the map. `customdata` of a cell is the name of its battery.

    The colour tells the metric between fixed limits. A grey veil lies over values that are not fresh, and marks tell
    why; a cell without any value shows the veil alone. A filter leaves the cells that it hides empty.
    """
    present = grid.cells != _ABSENT
    at = np.where(present, grid.cells, 0)
    shown = present & cells.shown[at]
    fresh = np.isin(cells.qualities[at], (Quality.LIVE, Quality.SUSPECT))
    values = np.where(shown, cells.values[at], np.nan)
    veil = np.where(shown & (~fresh | np.isnan(values)), 1.0, np.nan)
    x, y = np.arange(1, BLOCKS_PER_ROW + 1), np.arange(len(grid.row_names))
    names = [[cells.battery_ids[i] if i != _ABSENT else None for i in row] for row in grid.cells]
    texts = [[_hover(cells, metric, int(i)) if i != _ABSENT else "" for i in row] for row in grid.cells]
    figure = go.Figure(
        [
            go.Heatmap(
                name="cells", z=values, x=x, y=y, zmin=metric.low, zmax=metric.high, xgap=2, ygap=3,
                colorscale=metric.scale, showscale=metric.show_scale, colorbar=_colour_bar(metric),
                customdata=names, hovertext=texts, hovertemplate="%{hovertext}<extra></extra>", hoverongaps=True,
            ),
            go.Heatmap(
                name="veil", z=veil, x=x, y=y, zmin=0, zmax=1, xgap=2, ygap=3, hoverinfo="skip", showscale=False,
                colorscale=[(0, _VEIL), (1, _VEIL)],
            ),
            _marks(grid, cells, shown),
        ]
    )  # fmt: skip
    figure.update_layout(
        height=_ROW_HEIGHT_PX * max(3, len(grid.row_names)) + (84 if metric.show_scale else 34),
        margin={"l": 8, "r": 4, "t": 28, "b": 48 if metric.show_scale else 4},
        showlegend=False, clickmode="event", dragmode=False, hovermode="closest", uirevision=uirevision,
        xaxis={
            "side": "top", "tickvals": [1, 4, 8, 12, 16, 20, 24], "range": [0.5, BLOCKS_PER_ROW + 0.5],
            "showgrid": False, "showline": False, "fixedrange": True, "ticks": "",
        },
        yaxis={
            "tickvals": y, "ticktext": [short_name(name) for name in grid.row_names],
            "range": [len(grid.row_names) - 0.5, -0.5], "showgrid": False, "showline": False,
            "fixedrange": True, "ticks": "",
        },
    )  # fmt: skip
    return figure


def _marks(grid: CellGrid, cells: Cells, shown: NDArray[np.bool_]) -> go.Scatter:
    symbols = np.array([mark_of(int(q), int(n)) for q, n in zip(cells.qualities, cells.alert_counts, strict=True)])
    rows, columns = np.nonzero(shown & (symbols[np.where(shown, grid.cells, 0)] != ""))
    return go.Scatter(
        name="marks",
        x=columns + 1,
        y=rows,
        mode="markers",
        hoverinfo="skip",
        marker={
            "symbol": symbols[grid.cells[rows, columns]],
            "size": 10,
            "color": _MARK_COLOUR,
            "line": {"color": "#FFFFFF", "width": 1.4},
        },
    )


def mark_of(quality: int, alert_count: int) -> str:
    """Sign of a battery that is not simply well: old, silent, suspect or alerting; empty = none."""
    return _MARK_OF_QUALITY.get(quality, _ALERT_MARK if alert_count else "")


def _hover(cells: Cells, metric: CellMetric, index: int) -> str:
    alerts = int(cells.alert_counts[index])
    lines = [
        f"<b>{cells.battery_ids[index]}</b>",
        f"{metric.label}: {number(float(cells.values[index]), metric.decimals, metric.unit, sign=metric.signed)}",
        f"{word(QUALITY_TEXT, cells.qualities[index])}, age {age(float(cells.ages_s[index]))}",
    ]
    if alerts:
        lines.append(f"{alerts} active alert{'s' if alerts > 1 else ''}")
    if not cells.shown[index]:
        lines.append("hidden by the filter")
    return "<br>".join(lines)


def _colour_bar(metric: CellMetric) -> dict[str, object]:
    return {
        "orientation": "h", "thickness": 8, "len": 0.5, "x": 0, "xanchor": "left", "y": 0, "yanchor": "top", "ypad": 14,
        "ticksuffix": f" {metric.unit}" if metric.unit else "", "nticks": 6, "outlinewidth": 0,
    }  # fmt: skip
