"""A battery as it was at an instant of the past."""

from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from batterytwin.errors import InvalidArgumentError
from clients.types import PastTwin, TwinSource
from streamlit_app import answers
from streamlit_app.alert_list import plain
from streamlit_app.notices import explained
from streamlit_app.twin_time import present_of
from streamlit_app.twin_values import estimate_tiles, measurement_tiles
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import BANGKOK, REGIME_TEXT, both_times, local_time, word

_BACK: Final = timedelta(hours=24)
"""What is offered first: the same time of the day before."""
_BACK_IN_A_DRILL: Final = timedelta(minutes=5)
"""A drill has no day before."""


@st.fragment
def battery_at(battery_id: str) -> None:
    """Shows a choice of instant and, when asked, the twin as it was then."""
    with st.expander("As it was at a past instant", icon=":material/history_toggle_off:", key="panel_at"):
        _asked(battery_id)


@explained
def _asked(battery_id: str) -> None:
    visitor = current_visitor()
    back = _BACK_IN_A_DRILL if visitor.drill_id else _BACK
    begin = (present_of(answers.twin(visitor, battery_id).value) - back).astimezone(BANGKOK)
    with st.form(f"at_{battery_id}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            day = st.date_input("Day", begin.date(), format="YYYY-MM-DD", width=160, key=f"at_day_{battery_id}")
            time_of_day = st.time_input(
                "Time in Bangkok", begin.time(), step=60, width=160, key=f"at_time_{battery_id}"
            )
            asked = st.form_submit_button("Show", icon=":material/history:")
        refusal = st.empty()
    if not asked:
        st.caption("The state comes from the nearest snapshot and the readings after it, bit for bit as it was.")
        return
    instant = datetime.combine(day, time_of_day, BANGKOK)
    try:
        with st.spinner("Going back…"):
            past = answers.twin_at(visitor, battery_id, instant)
    except InvalidArgumentError as error:
        refusal.error(plain(error.message), icon=":material/error:")
        return
    _tell(past, instant)


def _tell(past: PastTwin, instant: datetime) -> None:
    twin = past.twin
    st.markdown(
        f"**{local_time(instant)}** · block {plain(twin.serial)} · {word(REGIME_TEXT, twin.regime)} · "
        f"sample of {local_time(twin.as_of)}",
        help=both_times(instant),
    )
    with st.container(horizontal=True, key="stats_at_measured"):
        measurement_tiles(twin)
    with st.container(horizontal=True, key="stats_at_estimated"):
        estimate_tiles(twin)
    st.caption(_origin(past))


def _origin(past: PastTwin) -> str:
    if past.source == TwinSource.STORED:
        return f"Lived under another filter, {past.twin.model_version}: these are the estimates that were stored then."
    begin = f"the snapshot of {local_time(past.snapshot_time)}" if past.snapshot_time else "the first reading"
    revised = f", revision {past.revision} after late readings" if past.revision else ""
    return f"Replayed from {begin} through {past.replayed_row_count:,} readings{revised}."
