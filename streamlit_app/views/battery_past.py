"""The charts of a battery page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from clients.types import History, Metric, Twin
from streamlit_app import answers
from streamlit_app.charts.history_chart import PANELS, Panel, Past, history_chart
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.visitor import current_visitor

REFRESH_S: Final = 15
_DEFAULT_PANELS: Final = ("voltage_v", "temperature_c", "soc")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time and the buckets that suit it: about a thousand points."""

    label: str
    length: timedelta
    bucket: timedelta


SPANS: Final = (
    Span("24 h", timedelta(hours=24), timedelta(minutes=1)),
    Span("7 d", timedelta(days=7), timedelta(minutes=10)),
    Span("30 d", timedelta(days=30), timedelta(hours=1)),
    Span("90 d", timedelta(days=90), timedelta(hours=2)),
)


def past(battery_id: str) -> None:
    """Shows the charts with a choice of span and of quantities."""
    with st.container(border=True, key="panel_past"):
        _live(battery_id)


@st.fragment(run_every=REFRESH_S)
@explained
def _live(battery_id: str) -> None:
    span, panels = _controls()
    visitor = current_visitor()
    end = _present_of(answers.twin(visitor, battery_id).value)
    answer = answers.history(visitor, battery_id, span.length, span.bucket, end)
    away_notice(answer)
    if not answer.value.time_unix_ns.size:
        st.info("Nothing was stored in this time.", icon=":material/history:")
        return
    key = f"past_{battery_id}_{span.label}"
    live_chart(
        history_chart(_series(answer.value), panels, end - span.length, end, uirevision=key),
        key=key,
        label=f"{', '.join(panel.label for panel in panels)} in the last {span.label}",
        tools=True,
    )
    st.caption(
        "Bangkok time; UTC in the hover text. Bands are one standard deviation. Drag to zoom, double-click to reset."
    )


def _controls() -> tuple[Span, list[Panel]]:
    by_key = {panel.key: panel for panel in PANELS}
    by_label = {span.label: span for span in SPANS}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**History**", width="content")
        label = st.segmented_control(
            "Span", list(by_label), default=SPANS[0].label, required=True, key="past_span", label_visibility="collapsed"
        )
    chosen = st.pills(
        "Quantities", list(by_key), selection_mode="multi", default=list(_DEFAULT_PANELS), key="past_panels",
        format_func=lambda key: by_key[key].label, label_visibility="collapsed",
    )  # fmt: skip
    return by_label[label or SPANS[0].label], [panel for panel in PANELS if panel.key in chosen]


def _present_of(twin: Twin) -> datetime:
    # A replayed or accelerated site lives in a time of its own.
    return twin.as_of + timedelta(seconds=twin.age_s or 0.0) if twin.as_of else datetime.now(UTC)


def _series(history: History) -> Past:
    return Past(
        history.time_unix_ns,
        {metric.name.lower(): series.values for metric, series in history.series.items() if isinstance(metric, Metric)},
        history.suspects,
    )
