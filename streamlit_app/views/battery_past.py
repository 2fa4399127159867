"""The charts of a battery page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from batterytwin.events import EventKind
from clients.types import Event, History, Metric
from streamlit_app import answers
from streamlit_app.charts.event_marks import Mark
from streamlit_app.charts.history_chart import history_chart
from streamlit_app.charts.history_panels import PANELS, Panel, Past
from streamlit_app.event_words import EVENT_TEXT, concerns, event_sign, when
from streamlit_app.html_parts import colour_key
from streamlit_app.live_chart import live_chart
from streamlit_app.notices import away_notice, explained
from streamlit_app.twin_time import present_of
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import word

REFRESH_S: Final = 15
_DEFAULT_PANELS: Final = (
    "voltage_v", "soc", "soh_capacity", "soh_resistance", "internal_resistance_mohm", "r0_ohm", "innovation_v",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time and the buckets that suit it: some 700 points, as many as a screen can show."""

    label: str
    length: timedelta
    bucket: timedelta


SPANS: Final = (
    Span("2 h", timedelta(hours=2), timedelta(seconds=10)),
    Span("24 h", timedelta(hours=24), timedelta(minutes=2)),
    Span("7 d", timedelta(days=7), timedelta(minutes=15)),
    Span("30 d", timedelta(days=30), timedelta(hours=1)),
    Span("90 d", timedelta(days=90), timedelta(hours=3)),
)
_DEFAULT_SPAN: Final = SPANS[1]


def past(battery_id: str) -> None:
    """Shows the charts with a choice of span and of quantities."""
    with st.container(border=True, key="panel_past"):
        _live(battery_id)


@st.fragment(run_every=REFRESH_S)
@explained
def _live(battery_id: str) -> None:
    span, panels = _controls()
    visitor = current_visitor()
    end = present_of(answers.twin(visitor, battery_id).value)
    if not panels:
        st.info("Choose a quantity.", icon=":material/checklist:")
        return
    answer = answers.history(visitor, battery_id, span.length, span.bucket, end, _metrics(panels))
    away_notice(answer)
    if not answer.value.time_unix_ns.size:
        st.info("Nothing was stored in this time.", icon=":material/history:")
        return
    key = f"past_{battery_id}_{span.label}"
    start = end - span.length
    events = answers.events(visitor, battery_id, *_whole_buckets(start, end, span)).value
    marks = _marks(events, end)
    live_chart(
        history_chart(_series(answer.value), panels, start, end, uirevision=key, marks=marks),
        key=key,
        label=f"{', '.join(panel.label for panel in panels)} in the last {span.label}",
        tools=True,
    )
    if marks:
        kinds = sorted({int(event.kind) for event in events})
        colour_key([(word(EVENT_TEXT, kind), "transparent", event_sign(kind)[2]) for kind in kinds])
    st.caption(
        "Bangkok time; UTC in the hover text. Coloured bands: one standard deviation of the estimate; around the "
        "innovation two of what the filter expected. Grey bands: lowest to highest value. Drag to zoom, double-click "
        "to reset."
    )


def _metrics(panels: Sequence[Panel]) -> tuple[Metric, ...]:
    return tuple(Metric[name.upper()] for panel in panels for name in panel.series)


def _controls() -> tuple[Span, list[Panel]]:
    by_key = {panel.key: panel for panel in PANELS}
    by_label = {span.label: span for span in SPANS}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**History**", width="content")
        label = st.segmented_control(
            "Span",
            list(by_label),
            default=_DEFAULT_SPAN.label,
            required=True,
            key="past_span",
            label_visibility="collapsed",
        )
    chosen = st.pills(
        "Quantities", list(by_key), selection_mode="multi", default=list(_DEFAULT_PANELS), key="past_panels",
        format_func=lambda key: by_key[key].label, label_visibility="collapsed",
    )  # fmt: skip
    return by_label[label or _DEFAULT_SPAN.label], [panel for panel in PANELS if panel.key in chosen]


def _whole_buckets(start: datetime, end: datetime, span: Span) -> tuple[datetime, datetime]:
    """The span in whole buckets, so that one answer serves until the chart moves on."""
    seconds = span.bucket.total_seconds()
    first, last = start.timestamp() // seconds, end.timestamp() // seconds + 1
    return datetime.fromtimestamp(first * seconds, UTC), datetime.fromtimestamp(last * seconds, UTC)


def _marks(events: Sequence[Event], present: datetime) -> list[Mark]:
    marks = []
    for event in events:
        symbol, colour, _ = event_sign(event.kind)
        lasts = event.end_time is None and event.kind is EventKind.OUTAGE
        label = f"<b>{word(EVENT_TEXT, event.kind)}</b>, {concerns(event)}: {when(event)}"
        marks.append(Mark(label, symbol, colour, event.start_time, present if lasts else event.end_time))
    return marks


def _series(history: History) -> Past:
    named = {metric.name.lower(): found for metric, found in history.series.items() if isinstance(metric, Metric)}
    return Past(
        history.time_unix_ns,
        {name: found.values for name, found in named.items()},
        history.suspects,
        {name: found.min_values for name, found in named.items() if found.min_values is not None},
        {name: found.max_values for name, found in named.items() if found.max_values is not None},
    )
