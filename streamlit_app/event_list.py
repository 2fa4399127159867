"""Events as lines of text."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from clients.types import Event
from streamlit_app.alert_list import plain
from streamlit_app.event_words import (
    EVENT_TEXT,
    concerns,
    event_badge,
    event_sign,
    exchanged,
    result,
    sensor_words,
    when,
)
from streamlit_app.wording import word

LINES_SHOWN: Final = 8


def event_lines(events: Sequence[Event]) -> None:
    """The newest events, in short."""
    if not events:
        st.caption("Nothing was recorded so far.")
    for event in events[:LINES_SHOWN]:
        st.markdown("  \n".join(_lines(event)))
    if len(events) > LINES_SHOWN:
        st.caption(f"{len(events) - LINES_SHOWN} older events are marked in the charts of longer spans.")


def _lines(event: Event) -> list[str]:
    kind = word(EVENT_TEXT, event.kind)
    lines = [
        f":{event_badge(event.kind)}-badge[{event_sign(event.kind)[2]} {kind}] **{when(event)}** · {concerns(event)}"
    ]
    if event.capacity_test is not None:
        lines.append(result(event.capacity_test))
    if event.replacement is not None:
        lines.append(plain(exchanged(event.replacement)))
    if event.current_sensor is not None:
        lines.append(sensor_words(event.current_sensor))
    if event.note:
        lines.append(plain(event.note))
    lines.append(f":gray[recorded by {plain(event.recorded_by)}]")
    return lines
