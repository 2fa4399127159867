"""What a person reads about an alert, and what that person can do about it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import streamlit as st

from batterytwin.alerts import AlertRule, AlertState
from batterytwin.errors import TwinError
from clients.types import Alert
from streamlit_app import links
from streamlit_app.alert_list import plain, source
from streamlit_app.palette import severity_badge
from streamlit_app.visitor import Visitor
from streamlit_app.wording import RULE_TEXT, SEVERITY_TEXT, STATE_TEXT, both_times, compact, local_time, word

MAX_NOTE_LENGTH: Final = 1_000
_OF_LIFE: Final = (AlertRule.LIFE_SHORT, AlertRule.LIFE_FELL, AlertRule.LIFE_REVIEW)
_TO_ACKNOWLEDGE: Final = (AlertState.RAISED, AlertState.CLEARED)


def alert_detail(alert: Alert) -> None:
    """Everything about one alert."""
    with st.container(gap="xxsmall"):
        _headline(alert)
        st.markdown(plain(alert.message))
        st.caption(" · ".join(_facts(alert)), help=both_times(alert.raise_time))


def _headline(alert: Alert) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(word(SEVERITY_TEXT, alert.severity), color=severity_badge(alert.severity))
        st.markdown(f"**{word(RULE_TEXT, alert.rule)}** · {word(STATE_TEXT, alert.state)}", width="content")
        if alert.battery_id:
            links.battery_link(alert.battery_id, alert.battery_id, ":material/battery_full:")
        if alert.string_id:
            links.string_link(alert.string_id, alert.string_id, ":material/view_week:")
        if not (alert.battery_id or alert.string_id):
            st.markdown(source(alert), width="content")
            if alert.rule in _OF_LIFE:  # of many batteries: that page lists them
                links.page_link("life", "Remaining life", ":material/timeline:")


def _facts(alert: Alert) -> list[str]:
    facts = [
        f"value {compact(alert.value, alert.unit)}, limit {compact(alert.threshold, alert.unit)}",
        f"raised {local_time(alert.raise_time)}",
    ]
    if alert.clear_time:
        facts.append(f"cleared {local_time(alert.clear_time)}")
    if alert.acknowledge_time:
        facts.append(_handled("acknowledged", alert.acknowledged_by, alert.acknowledge_note))
    if alert.resolve_time:
        facts.append(_handled("resolved", alert.resolved_by, alert.resolve_note))
    return facts


def alert_actions(visitor: Visitor, alerts: Sequence[Alert]) -> bool:
    """Offers to acknowledge and to resolve. True when something was done."""
    if not visitor.may_handle_alerts:
        st.caption("Viewers read alerts; engineers and administrators handle them.")
        return False
    open_alerts = [alert for alert in alerts if alert.state in _TO_ACKNOWLEDGE]
    unresolved = [alert for alert in alerts if alert.state is not AlertState.RESOLVED]
    with st.form("handle_alerts", border=False, clear_on_submit=True):
        note = st.text_input("Note", max_chars=MAX_NOTE_LENGTH, placeholder="What you found or did (optional)")
        with st.container(horizontal=True):
            acknowledged = st.form_submit_button(
                "Acknowledge", type="primary", icon=":material/visibility:", disabled=not open_alerts
            )
            resolved = st.form_submit_button("Resolve", icon=":material/task_alt:", disabled=not unresolved)
    client = visitor.client
    if acknowledged:
        return _apply(visitor, open_alerts, note, client.acknowledge_alert, "acknowledged")
    if resolved:
        return _apply(visitor, unresolved, note, client.resolve_alert, "resolved")
    return False


def _apply(visitor: Visitor, alerts: Sequence[Alert], note: str, method: Callable[..., Alert], done: str) -> bool:
    count = 0
    for alert in alerts:
        try:
            visitor.act(partial(_call, method, alert.alert_id, note))
            count += 1
        except TwinError as error:
            st.error(plain(error.message), icon=":material/error:")
    if count:
        visitor.backend.live.forget(visitor.scope)
        st.toast(f"{count} alert{'s' if count > 1 else ''} {done}.", icon=":material/check:")
    return count == len(alerts)


def _call(method: Callable[..., Alert], alert_id: str, note: str, token: str) -> Alert:
    return method(alert_id, note, token=token)


def _handled(verb: str, name: str, note: str) -> str:
    return f"{verb} by {plain(name)}" + (f": {plain(note)}" if note else "")
