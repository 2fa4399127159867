"""The charts of a battery page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from clients.types import ExportFormat, History, Metric
from streamlit_app import answers
from streamlit_app.charts.history_chart import history_chart
from streamlit_app.charts.history_panels import PANELS, Panel, Past
from streamlit_app.download_routes import LONGEST_RAW, Download
from streamlit_app.html_parts import colour_key, download_links
from streamlit_app.live_chart import live_chart
from streamlit_app.marks import alert_marks, event_marks, mark_key
from streamlit_app.notices import away_notice, explained
from streamlit_app.refreshing import refreshing
from streamlit_app.twin_time import present_of
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import step

REFRESH_S: Final = 15
_DEFAULT_PANELS: Final = (
    "voltage_v", "soc", "soh_capacity", "soh_resistance", "internal_resistance_mohm", "r0_ohm", "innovation_v",
)  # fmt: skip
_FILE_TEXT: Final = {ExportFormat.CSV: "CSV", ExportFormat.PARQUET: "Parquet"}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that ends now."""

    label: str
    length: timedelta


SPANS: Final = (
    Span("2 h", timedelta(hours=2)),
    Span("24 h", timedelta(hours=24)),
    Span("7 d", timedelta(days=7)),
    Span("30 d", timedelta(days=30)),
    Span("90 d", timedelta(days=90)),
    Span("1 y", timedelta(days=365)),
)
_DEFAULT_SPAN: Final = SPANS[1]


def past(battery_id: str) -> None:
    """Shows the charts with a choice of span and of quantities."""
    with st.container(border=True, key="panel_past"):
        _live(battery_id)


@refreshing(REFRESH_S, in_a_drill_s=4.0)
@explained
def _live(battery_id: str) -> None:
    visitor = current_visitor()
    span, panels = _controls(drill=bool(visitor.drill_id))
    end = present_of(answers.twin(visitor, battery_id).value)
    if not panels:
        st.info("Choose a quantity.", icon=":material/checklist:")
        return
    answer = answers.history(visitor, battery_id, span.length, end, _metrics(panels))
    away_notice(answer)
    history = answer.value
    if not history.time_unix_ns.size:
        st.info("Nothing was stored in this time.", icon=":material/history:")
        return
    key = f"past_{visitor.world}_{battery_id}_{span.label}"
    start = end - span.length
    marks = [*event_marks(history.events, end), *alert_marks(history.alerts, end)]
    live_chart(
        history_chart(series_of(history), panels, start, end, uirevision=key, marks=marks),
        key=key,
        label=f"{', '.join(panel.label for panel in panels)} in the last {span.label}",
        tools=True,
    )
    if marks:
        colour_key(mark_key(history.events, history.alerts))
    points = "" if history.bucket is None else f" A point is the mean of {step(history.bucket)}."
    st.caption(
        "Bangkok time; UTC in the hover text. Coloured bands: one standard deviation of the estimate; around the "
        f"innovation two of what the filter expected. Grey bands: lowest to highest value.{points} Drag to zoom, "
        "double-click to reset."
    )
    _downloads(battery_id, span, end)


def _downloads(battery_id: str, span: Span, end: datetime) -> None:
    """What can be taken away: raw rows where they are few enough, else hourly means."""
    bucket = None if span.length <= LONGEST_RAW else timedelta(hours=1)
    rows = "every sample" if bucket is None else "hourly means with lowest and highest values"
    stop = end + timedelta(seconds=1)
    drill_id = current_visitor().drill_id
    files = [Download(battery_id, stop - span.length, stop, bucket, kind, drill_id) for kind in ExportFormat]
    download_links(
        f"All quantities of the last {span.label}, {rows}:",
        [(_FILE_TEXT[file.file_format], file.url, file.file_name) for file in files],
    )


def _metrics(panels: Sequence[Panel]) -> tuple[Metric, ...]:
    return tuple(Metric[name.upper()] for panel in panels for name in panel.series)


def _controls(*, drill: bool) -> tuple[Span, list[Panel]]:
    usual = SPANS[0] if drill else _DEFAULT_SPAN
    by_key = {panel.key: panel for panel in PANELS}
    by_label = {span.label: span for span in SPANS}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**History**", width="content")
        label = st.segmented_control(
            "Span",
            list(by_label),
            default=usual.label,
            required=True,
            key="past_span_drill" if drill else "past_span",
            label_visibility="collapsed",
        )
    chosen = st.pills(
        "Quantities", list(by_key), selection_mode="multi", default=list(_DEFAULT_PANELS), key="past_panels",
        format_func=lambda key: by_key[key].label, label_visibility="collapsed",
    )  # fmt: skip
    return by_label[label or usual.label], [panel for panel in PANELS if panel.key in chosen]


def series_of(history: History) -> Past:
    """Series of a history under the names that charts know."""
    named = {metric.name.lower(): found for metric, found in history.series.items() if isinstance(metric, Metric)}
    return Past(
        history.time_unix_ns,
        {name: found.values for name, found in named.items()},
        history.suspects,
        {name: found.min_values for name, found in named.items() if found.min_values is not None},
        {name: found.max_values for name, found in named.items() if found.max_values is not None},
    )
