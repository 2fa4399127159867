"""Battery page: what was measured beside what is estimated, how sure that is, and how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from batterytwin.errors import TwinError
from batterytwin.telemetry import Quality
from clients.types import Location, Twin
from streamlit_app import answers, links
from streamlit_app.alert_list import alert_lines
from streamlit_app.charts.health_bands import health_band
from streamlit_app.data_sheet import data_sheet
from streamlit_app.event_list import event_lines
from streamlit_app.health_evidence import health_evidence
from streamlit_app.model_fit import current_sensor_words, innovation, model_tiles
from streamlit_app.notices import away_notice, explained, explained_page
from streamlit_app.palette import quality_badge
from streamlit_app.refreshing import refreshing
from streamlit_app.standing import in_its_string
from streamlit_app.string_columns import faults_of
from streamlit_app.twin_values import estimate_tiles, measurement_tiles
from streamlit_app.views.battery_at import battery_at
from streamlit_app.views.battery_life import battery_life
from streamlit_app.views.battery_past import past
from streamlit_app.views.event_form import event_form
from streamlit_app.visitor import current_visitor
from streamlit_app.wording import QUALITY_TEXT, REGIME_TEXT, age, both_times, local_time, short_name, word

REFRESH_S: Final = 5


def show() -> None:
    """Draws the page."""
    _page()


@explained_page
def _page() -> None:
    battery_id = st.query_params.get("battery") or st.session_state.get("battery_shown")
    if not battery_id:
        st.info("Choose a battery on the page of its site.", icon=":material/battery_unknown:")
        links.page_link("site", "To the sites", ":material/grid_view:")
        return
    st.session_state["battery_shown"] = battery_id
    links.stand_at(battery=battery_id)
    site, string_id = answers.location_of_battery(current_visitor(), battery_id)
    answers.twin(current_visitor(), battery_id)  # without any answer yet, the parts below need not ask one by one
    _heading(site, string_id, battery_id)
    _present(battery_id)
    _health(battery_id, string_id)
    if not current_visitor().drill_id:  # nobody tells the life of a copy
        battery_life(battery_id)
    past(battery_id)
    battery_at(battery_id)
    _happened(battery_id)
    with st.container(border=True, key="panel_sheet"):
        data_sheet(answers.twin(current_visitor(), battery_id).value)


def _happened(battery_id: str) -> None:
    left, right = st.columns(2)
    may_record = current_visitor().may_record_events
    with left, st.container(border=True, height="content" if may_record else "stretch", key="panel_events"):
        _events(battery_id)
    with left if may_record else right, st.container(border=True, height="stretch", key="panel_alerts"):
        _alerts(battery_id)
    if may_record:
        with right, st.container(border=True, height="stretch", key="panel_record"):
            event_form(battery_id)


def _heading(site: Location, string_id: str, battery_id: str) -> None:
    members = next(string.battery_ids for string in site.strings() if string.string_id == string_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            links.site_link(site.location_id, site.display_name, ":material/arrow_back:")
            links.string_link(string_id, short_name(string_id), ":material/view_week:")
            st.markdown(f"#### {battery_id}", width="content")
        with st.container(horizontal=True, width="content", gap="small", key="neighbours"):
            _neighbours(members, members.index(battery_id))


def _neighbours(members: Sequence[str], place: int) -> None:
    if place > 0:
        links.battery_link(members[place - 1], members[place - 1].rsplit("-", 1)[-1], ":material/chevron_left:")
    if place + 1 < len(members):
        links.battery_link(members[place + 1], members[place + 1].rsplit("-", 1)[-1], ":material/chevron_right:")


@refreshing(REFRESH_S)
@explained
def _present(battery_id: str) -> None:
    answer = answers.twin(current_visitor(), battery_id)
    twin = answer.value
    if away_notice(answer) and twin.quality is Quality.LIVE:
        twin = replace(twin, quality=Quality.STALE)
    faults = _faults(twin)
    _state_line(twin, faults)
    # Values that are not fresh stay readable but must not look like facts of this moment.
    tone = "live" if twin.quality is Quality.LIVE else "dim"
    measured, estimated, model = st.columns((3, 3, 4))
    with measured, st.container(border=True, height="stretch", key=f"panel_{tone}_measured"):
        st.markdown("**Measured**")
        with st.container(horizontal=True, key=f"stats_{tone}_measured"):
            measurement_tiles(twin)
    with estimated, st.container(border=True, height="stretch", key=f"panel_{tone}_estimated"):
        st.markdown("**Estimated by the twin**")
        with st.container(horizontal=True, key=f"stats_{tone}_estimated"):
            estimate_tiles(twin)
        if faults:
            st.caption("A fault is diagnosed. The estimates take the block for a sound one.")
    with model, st.container(border=True, height="stretch", key=f"panel_{tone}_model"):
        st.markdown("**Model against measurement**")
        innovation(twin)
        with st.container(horizontal=True, key=f"stats_{tone}_model"):
            model_tiles(twin)
        current_sensor_words(twin)


@refreshing(REFRESH_S)
@explained
def _health(battery_id: str, string_id: str) -> None:
    visitor = current_visitor()
    twin = answers.twin(visitor, battery_id).value
    left, right = st.columns((3, 2))
    with left, st.container(border=True, height="stretch", key="panel_health"):
        health_evidence(twin, may_record=visitor.may_record_events)
    with right, st.container(border=True, height="stretch", key="panel_standing"):
        _standing(string_id, battery_id)


@explained
def _standing(string_id: str, battery_id: str) -> None:
    in_its_string(answers.string(current_visitor(), string_id).value, battery_id)


def _faults(twin: Twin) -> str:
    """Words of the diagnosed faults that name the battery; the page does not wait for them."""
    try:
        return faults_of(answers.string(current_visitor(), twin.string_id).value, twin.battery_id)
    except TwinError:
        return ""


def _state_line(twin: Twin, faults: str) -> None:
    band = health_band(twin.soh_capacity.value if twin.soh_capacity else None)
    alerts = twin.active_alert_count
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            word(QUALITY_TEXT, twin.quality), color=quality_badge(twin.quality), icon=":material/sensors:",
            help=word(_QUALITY_HELP, twin.quality),
        )  # fmt: skip
        if twin.as_of:
            st.badge(word(REGIME_TEXT, twin.regime), color="gray", icon=":material/bolt:")
            st.badge(band.label, color=band.badge, icon=":material/favorite:", help="State of health")
        if faults:
            st.badge(
                faults[:1].upper() + faults[1:], color="red", icon=":material/build:",
                help="Diagnosed fault; its evidence stands below, among the blocks of the string",
            )  # fmt: skip
        if alerts:
            st.badge(f"{alerts} active alert{'s' if alerts > 1 else ''}", color="red", icon=":material/warning:")
        if twin.as_of is None:
            st.caption("No sample yet", width="content")
            return
        st.caption(
            f"Sample of {local_time(twin.as_of)}, age {age(twin.age_s)}",
            width="content", help=both_times(twin.as_of),
        )  # fmt: skip


_QUALITY_HELP: Final[Mapping[int, str]] = {
    Quality.UNSPECIFIED: "The server does not say how far these values can be trusted.",
    Quality.LIVE: "Fresh and plausible.",
    Quality.STALE: "Two expected samples or more are missing; these are the last known values.",
    Quality.NO_DATA: "No sample for five minutes or more; these are the last known values.",
    Quality.SUSPECT: "The newest sample is implausible; the estimates are those before it.",
}


@refreshing(REFRESH_S)
@explained
def _alerts(battery_id: str) -> None:
    st.markdown("**Alerts**")
    alert_lines(answers.alerts(current_visitor(), battery_id=battery_id, states=()).value)


@refreshing(REFRESH_S)
@explained
def _events(battery_id: str) -> None:
    st.markdown("**Events**")
    event_lines(answers.events(current_visitor(), battery_id).value)
