"""The form in which engineers record what they did and what a test showed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from batterytwin.errors import InvalidArgumentError, TwinError
from batterytwin.events import CapacityTest, CurrentSensor, EventKind, Replacement, ReplacementReason
from clients.types import Twin
from streamlit_app import answers
from streamlit_app.alert_list import plain
from streamlit_app.event_words import EVENT_TEXT, REASON_TEXT
from streamlit_app.health_evidence import evidence_news
from streamlit_app.notices import explained
from streamlit_app.request_ids import done, request_id
from streamlit_app.twin_time import present_of
from streamlit_app.visitor import Visitor, current_visitor
from streamlit_app.wording import BANGKOK

KINDS: Final = (
    EventKind.CAPACITY_TEST,
    EventKind.MAINTENANCE,
    EventKind.INSPECTION,
    EventKind.IMPEDANCE_TEST,
    EventKind.REPLACEMENT,
    EventKind.CURRENT_SENSOR,
)
MAX_NOTE_LENGTH: Final = 2_000
_LONGEST_TEST_H: Final = 87_600.0
"""A slip of the pen makes any number of years, and a calendar has an end; before this no block was in service."""
_LABELS: Final = {
    "discharged_ah": "charge taken out",
    "current_a": "mean current",
    "temperature_c": "mean temperature",
    "end_voltage_v": "voltage at the end",
    "start_time": "beginning",
    "end_time": "end",
    "offset_a": "the reading without current",
    "old_serial": "the serial number of the old block",
}
_NEWS: Final = "event_news"
_ROUND: Final = "event_round"


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was typed, as arguments of `record_event`, and a place for words under each field."""

    arguments: dict[str, Any]
    slots: Mapping[str, DeltaGenerator]


@st.fragment
@explained
def event_form(battery_id: str) -> None:
    """Shows the form; not for viewers, whom the server would refuse."""
    visitor = current_visitor()
    st.markdown("**Record what happened**")
    twin = answers.twin(visitor, battery_id).value
    news = st.session_state.pop(_NEWS, None)
    if news and news[0] == battery_id:
        st.success(news[1], icon=":material/check_circle:")
    kind = st.segmented_control(
        "What to record", KINDS, default=KINDS[0], required=True, key="event_kind", label_visibility="collapsed",
        format_func=lambda member: EVENT_TEXT[member],
    )  # fmt: skip
    # A recorded event empties the form; a refused one leaves it as it was typed.
    key = f"{battery_id}_{int(kind)}_{st.session_state.setdefault(_ROUND, 0)}"
    with st.form(f"event_form_{key}", border=False):
        draft = _FIELDS.get(kind, _work_fields)(twin, key)
        if not st.form_submit_button("Record", type="primary", icon=":material/edit_note:"):
            return
    try:
        _record(visitor, twin, kind, draft)
    except TwinError as error:
        slot = draft.slots.get(error.field.rsplit(".", 1)[-1], draft.slots["note"])
        slot.error(plain(_in_words(error.message)), icon=":material/error:")
        return
    st.rerun()


def _in_words(message: str) -> str:
    """A message of the server with the names of its fields as they stand on the form."""
    for name, label in _LABELS.items():
        message = message.replace(name, label)
    return message[:1].upper() + message[1:].replace(" degC", " °C")


def _test_fields(twin: Twin, key: str) -> _Draft:
    st.caption(f"The discharge of {twin.battery_id} alone, from full to its end voltage. All values as measured.")
    slots: dict[str, DeltaGenerator] = {}
    left, right = st.columns(2)
    with left:
        charge = _number("discharged_ah", "Charge taken out, Ah", None, "%.1f", 1.0, key, slots)
        warmth = _number("temperature_c", "Mean temperature, °C", _rounded(twin.temperature_c), "%.1f", 0.5, key, slots)
    with right:
        current = _number(
            "current_a", "Mean current, A", round(twin.rated_capacity_ah / 10, 1), "%.1f", 0.5, key, slots
        )
        end_v = _number("end_voltage_v", "Voltage at the end, V", None, "%.2f", 0.05, key, slots)
    ended = _time("The test ended (Bangkok time)", twin, key, slots)
    note = _note(key, slots)
    missing = [
        name
        for name, value in
        (("discharged_ah", charge), ("current_a", current), ("temperature_c", warmth), ("end_voltage_v", end_v))
        if value is None
    ]  # fmt: skip
    # What cannot be is sent as it is: the server names the value that is wrong, not a beginning made of it.
    hours = min(charge / current, _LONGEST_TEST_H) if charge and current and min(charge, current) > 0 else 0.0
    return _Draft(
        {
            "battery_id": twin.battery_id,
            "start_time": ended - timedelta(hours=hours),
            "end_time": ended,
            "note": note,
            "capacity_test": missing[0]
            if missing
            else CapacityTest(charge or 0.0, current or 0.0, warmth or 0.0, end_v or 0.0),
        },
        slots,
    )


def _replacement_fields(twin: Twin, key: str) -> _Draft:
    st.caption(
        f"Block {plain(twin.serial)} in slot {twin.battery_id} goes, one of the same model comes. Its twin begins "
        "anew; what is known of the old block stays in the history."
    )
    slots: dict[str, DeltaGenerator] = {}
    serial = st.text_input("Serial number of the new block", max_chars=64, key=f"new_serial_{key}")
    slots["new_serial"] = st.empty()
    reason = st.selectbox(
        "Why the old one goes", list(ReplacementReason), format_func=lambda why: REASON_TEXT[why], key=f"reason_{key}"
    )
    since = _time("In service since (Bangkok time)", twin, key, slots)
    note = _note(key, slots)
    return _Draft(
        {
            "battery_id": twin.battery_id,
            "start_time": since,
            "note": note,
            "replacement": Replacement(serial.strip(), twin.serial, ReplacementReason(reason or 0)),
        },
        slots,
    )


def _sensor_fields(twin: Twin, key: str) -> _Draft:
    st.caption(f"Work on the current sensor of string {twin.string_id}: its twins know of it from then on.")
    slots: dict[str, DeltaGenerator] = {}
    left, right = st.columns(2)
    with left:
        positive = st.selectbox("The gateway counts as positive", ("charge", "discharge"), key=f"positive_{key}")
    with right:
        offset_a = _number("offset_a", "Reads without current, A", None, "%.2f", 0.1, key, slots)
    since = _time("Since (Bangkok time)", twin, key, slots)
    note = _note(key, slots)
    return _Draft(
        {
            "string_id": twin.string_id,
            "start_time": since,
            "note": note,
            "current_sensor": CurrentSensor(positive == "discharge", offset_a),
        },
        slots,
    )


def _work_fields(twin: Twin, key: str) -> _Draft:
    slots: dict[str, DeltaGenerator] = {}
    scopes = {
        "battery_id": (twin.battery_id, f"Battery {twin.battery_id}"),
        "string_id": (twin.string_id, f"String {twin.string_id}"),
        "location_id": (twin.location_id, f"Whole site {twin.location_id}"),
    }
    scope = st.selectbox("It concerns", list(scopes), format_func=lambda name: scopes[name][1], key=f"scope_{key}")
    slots |= dict.fromkeys(scopes, st.empty())
    left, right = st.columns(2)
    with left:
        began = _time("It began (Bangkok time)", twin, key, slots)
    with right:
        hours = st.number_input(
            "It took, h", min_value=0.0, max_value=1_000.0, value=None, step=0.5, format="%.1f", key=f"hours_{key}",
            placeholder="leave open",
        )  # fmt: skip
        slots["end_time"] = st.empty()
    note = _note(key, slots)
    return _Draft(
        {
            scope: scopes[scope][0],
            "start_time": began,
            "end_time": began + timedelta(hours=hours) if hours else None,
            "note": note,
        },
        slots,
    )


_FIELDS: Final[Mapping[EventKind, Callable[[Twin, str], _Draft]]] = {
    EventKind.CAPACITY_TEST: _test_fields,
    EventKind.REPLACEMENT: _replacement_fields,
    EventKind.CURRENT_SENSOR: _sensor_fields,
}


def _number(  # noqa: PLR0917 - a field of a form
    name: str,
    label: str,
    value: float | None,
    number_format: str,
    step: float,
    key: str,
    slots: dict[str, DeltaGenerator],
) -> float | None:
    typed = st.number_input(
        label, value=value, format=number_format, step=step, key=f"{name}_{key}", placeholder="as measured"
    )
    slots[name] = st.empty()
    return typed


def _time(label: str, twin: Twin, key: str, slots: dict[str, DeltaGenerator]) -> datetime:
    # The default must not move while somebody types.
    present = present_of(twin).astimezone(BANGKOK).replace(second=0, microsecond=0, tzinfo=None)
    default: datetime = st.session_state.setdefault(f"event_default_{key}", present)
    typed = st.datetime_input(label, value=default, step=60, format="YYYY-MM-DD", key=f"time_{key}")
    slots |= dict.fromkeys(("start_time", "end_time"), st.empty())
    return (typed or default).replace(tzinfo=BANGKOK)


def _note(key: str, slots: dict[str, DeltaGenerator]) -> str:
    note = st.text_area("Note", max_chars=MAX_NOTE_LENGTH, placeholder="optional", height=80, key=f"note_{key}")
    slots["note"] = st.empty()
    return note.strip()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _record(visitor: Visitor, twin: Twin, kind: EventKind, draft: _Draft) -> None:
    test = draft.arguments.get("capacity_test")
    if isinstance(test, str):
        raise InvalidArgumentError("Give this value: a test without it says nothing of the capacity.", field=test)
    client = visitor.backend.client
    name = request_id(EVENT_TEXT[kind], draft.arguments)
    visitor.act(lambda token: client.record_event(kind, request_id=name, token=token, **draft.arguments))
    visitor.backend.live.forget(visitor.scope)
    visitor.backend.history.forget(visitor.scope)
    news = f"{EVENT_TEXT[kind]} recorded."
    if kind is EventKind.CAPACITY_TEST:
        news = f"{news} {evidence_news(twin, answers.twin(visitor, twin.battery_id).value)}"
    if kind is EventKind.REPLACEMENT:
        news = f"{news} The twin of {twin.battery_id} begins anew with the first reading of the new block."
    st.session_state[_NEWS] = (twin.battery_id, news)
    st.session_state[_ROUND] += 1
    done()
