"""Alerts page: what stands, who has seen it, and the two things to do about it."""

from collections.abc import Sequence
from typing import Final, cast

import streamlit as st

from batterytwin.alerts import ACTIVE_STATES, AlertState, Severity
from clients.types import Alert
from streamlit_app import answers
from streamlit_app.alert_list import COLUMN_CONFIG, alert_table
from streamlit_app.notices import away_notice, explained
from streamlit_app.refreshing import refreshing
from streamlit_app.views.alert_actions import alert_actions, alert_detail
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import SEVERITY_TEXT

REFRESH_S: Final = 5
DETAILS_SHOWN: Final = 3
_TABLE_PX: Final = 570
_SHOWN: Final = "alerts_shown"
_ROUND: Final = "alerts_round"
_ALL_SITES: Final = ""
_STATES: Final[dict[str, tuple[AlertState, ...]]] = {
    "Active": tuple(ACTIVE_STATES),
    "Unacknowledged": (AlertState.RAISED, AlertState.CLEARED),
    "Resolved": (AlertState.RESOLVED,),
    "All": (),
}


def show() -> None:
    """Draws the page."""
    _live()


@refreshing(REFRESH_S)
@explained
def _live() -> None:
    visitor = current_visitor()
    latest, filter_name = _filtered(visitor)
    # Another filter, world or a new round makes a new table, without the selection of the one before.
    key = f"alert_table_{visitor.world}_{filter_name}_{st.session_state.setdefault(_ROUND, 0)}"
    alerts = _held_still(latest, key)
    if not alerts:
        st.success("No alert matches.", icon=":material/check_circle:")
        return
    event = st.dataframe(
        alert_table(alerts), key=key, column_config=COLUMN_CONFIG, hide_index=True,
        height=min(_TABLE_PX, 40 + 35 * len(alerts)), on_select="rerun", selection_mode="multi-row", placeholder="",
    )  # fmt: skip
    chosen = [alerts[row] for row in event["selection"]["rows"]]
    if not chosen:
        st.caption(f"{_count(len(alerts))} Select one or more to read and handle them.")
        return
    waiting = len({alert.alert_id for alert in latest} - {alert.alert_id for alert in alerts})
    if waiting:
        st.caption(f"{waiting} newer alerts appear when the selection is cleared.")
    with st.container(border=True, key="panel_chosen"):
        for alert in chosen[:DETAILS_SHOWN]:
            alert_detail(alert)
        if len(chosen) > DETAILS_SHOWN:
            st.caption(f"and {len(chosen) - DETAILS_SHOWN} more")
        if alert_actions(visitor, chosen):
            st.session_state[_ROUND] += 1
            st.rerun(scope="fragment")


def _count(shown: int) -> str:
    if shown < answers.ALERTS_SHOWN:
        return f"{shown} alerts, newest first."
    return f"The newest {shown} alerts. Older ones may match too: narrow the filters to see them."


def _filtered(visitor: Visitor) -> tuple[Sequence[Alert], str]:
    names = {site.location_id: site.display_name for site in answers.locations(visitor).value}
    with st.container(border=True, horizontal=True, vertical_alignment="bottom", key="panel_filters"):
        state = st.segmented_control("State", list(_STATES), default="Active", required=True, key="alerts_state")
        location_id = st.selectbox(
            "Site", [_ALL_SITES, *names], format_func=lambda key: names.get(key, "All sites"), key="alerts_site",
            width=200,
        )  # fmt: skip
        severity = st.selectbox(
            "Severity", list(_SEVERITY_FILTER), format_func=lambda rank: _SEVERITY_FILTER[rank], key="alerts_severity",
            width=200,
        )  # fmt: skip
    answer = answers.alerts(visitor, location_id=location_id, states=_STATES[state], min_severity=Severity(severity))
    away_notice(answer)
    return answer.value, f"{state}_{location_id}_{int(severity)}"


def _held_still(latest: Sequence[Alert], key: str) -> Sequence[Alert]:
    """The alerts to list. While some are selected, the rows stay where they are: a selection is made of row numbers."""
    state = cast("dict[str, dict[str, list[int]]]", st.session_state.get(key, {}))
    shown = cast("Sequence[Alert]", st.session_state.get(_SHOWN, ()))
    rows = state.get("selection", {}).get("rows", [])
    if rows and max(rows) < len(shown):
        renewed = {alert.alert_id: alert for alert in latest}
        return [renewed.get(alert.alert_id, alert) for alert in shown]
    st.session_state[_SHOWN] = latest
    return latest


_SEVERITY_FILTER: Final = {
    Severity.INFO: "All severities",
    Severity.WARNING: f"{SEVERITY_TEXT[Severity.WARNING]} and above",
    Severity.CRITICAL: f"{SEVERITY_TEXT[Severity.CRITICAL]} only",
}
