import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.alerts import AlertRule, AlertState, Severity
from batterytwin.diagnosis import FaultClass, FaultSource
from batterytwin.events import EventKind, HealthEvidenceKind
from batterytwin.telemetry import Quality, Regime, StringMode
from streamlit_app.alert_list import plain
from streamlit_app.drill_words import told_text
from streamlit_app.event_words import EVENT_TEXT, event_sign, when
from streamlit_app.evidence_words import EVIDENCE_HELP, EVIDENCE_TEXT
from streamlit_app.fault_words import FAULT_HELP, FAULT_TEXT, MODE_TEXT, SOURCE_TEXT
from streamlit_app.wording import (
    NOTHING,
    QUALITY_TEXT,
    REGIME_TEXT,
    RULE_TEXT,
    SEVERITY_TEXT,
    STATE_TEXT,
    age,
    both_times,
    compact,
    duration,
    local_time,
    number,
    percent,
    spread,
    step,
    word,
)
from tests.streamlit_app import dummy_events


@pytest.mark.parametrize(
    ("words", "members"),
    [
        (QUALITY_TEXT, Quality),
        (REGIME_TEXT, Regime),
        (SEVERITY_TEXT, Severity),
        (STATE_TEXT, AlertState),
        (RULE_TEXT, AlertRule),
        (FAULT_TEXT, FaultClass),
        (FAULT_HELP, FaultClass),
        (SOURCE_TEXT, FaultSource),
        (MODE_TEXT, StringMode),
        (EVIDENCE_TEXT, HealthEvidenceKind),
        (EVIDENCE_HELP, HealthEvidenceKind),
        (EVENT_TEXT, EventKind),
    ],
)
def test_every_state_has_its_word(words: dict[int, str], members: type[Quality]) -> None:
    texts = [word(words, member) for member in members]
    assert len(set(texts)) == len(list(members))
    assert not any(text.startswith("number") for text in texts)


def test_a_state_of_a_newer_server_is_named_by_its_number() -> None:
    assert word(QUALITY_TEXT, 77) == "number 77"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_not_known_is_a_dash(value: float | None) -> None:
    assert number(value, 2, "V") == NOTHING
    assert percent(value) == NOTHING
    assert value is None or compact(value, "V") == NOTHING


def test_zero_has_no_minus() -> None:
    assert number(-0.004, 2, "V", sign=True) == "+0.00 V"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (35.8, "degC", "35.8 °C"),
        (0.79, "", "0.79"),
        (-12.88, "V", "\N{MINUS SIGN}12.88 V"),
        (0.0007293, "V", "0.001 V"),
        (0.8643, "cells", "0.9 cells"),
        (-0.0001, "V", "0 V"),
    ],
)
def test_values_of_any_size_are_short(value: float, unit: str, text: str) -> None:
    assert compact(value, unit) == text


def test_an_unknown_spread_is_not_a_small_one() -> None:
    assert spread(math.nan, 1, "%") == spread(None, 1, "%") == "± unknown"
    assert spread(0.04, 1, "%") == "± 0.0 %"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (0.2, "0 s"), (119, "119 s"), (120, "2 min"), (7_260, "2 h 01 min"), (200_000, "2 d 7 h")],
)
def test_ages_read_like_people_say_them(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3_500, "58 min"),
        (5_900, "1 h 38 min"),
        (6_000, "1 h 40 min"),
        (172_800, "2 d"),
    ],
)
def test_lengths_of_time_are_those_people_plan_with(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_are_bangkoks_with_utc_beside() -> None:
    instant = datetime(2026, 3, 14, 20, 0, tzinfo=UTC)
    assert local_time(instant) == "15 Mar 2026, 03:00:00"
    assert both_times(instant) == "15 Mar 2026, 03:00:00 Bangkok · 14 Mar 2026, 20:00:00 UTC"


def test_every_kind_of_event_has_its_own_sign_and_colour() -> None:
    signs = [event_sign(kind) for kind in EventKind]
    assert len({sign for sign, _, _ in signs}) == len({colour for _, colour, _ in signs}) == len(signs)
    assert event_sign(77) not in signs


def test_events_say_how_long_they_took() -> None:
    outage, work, look = dummy_events.of_battery("BRK-U1-S01-B01")
    assert when(outage).endswith(", for 48 min")
    assert when(work).endswith(", for 3 h 00 min")
    assert "for" not in when(look)
    assert when(replace(outage, end_time=None)).endswith(", lasts")


@given(st.text())
def test_text_of_others_brings_no_markup(text: str) -> None:
    shown = plain(text)
    for sign in "*_`[]<>$:":
        assert shown.count(sign) == shown.count(f"\\{sign}")


@pytest.mark.parametrize(("seconds", "text"), [(10, "10 s"), (120, "2 min"), (43_200, "12 h"), (86_400, "1 d")])
def test_steps_read_in_their_own_unit(seconds: int, text: str) -> None:
    assert step(timedelta(seconds=seconds)) == text


def test_instants_in_words_are_bangkoks() -> None:
    assert told_text("at 2026-03-14 20:00:00 UTC 35.8 degC") == "at 15 Mar 2026, 03:00:00 35.8 °C"


@pytest.mark.parametrize("day", ["2026-02-30 10:00:00", "2026-01-01 24:01:00", "0000-01-01 00:00:00"])
@pytest.mark.parametrize("time", ["", "9999-12-31 23:59:59 UTC, "])
def test_what_people_wrote_that_is_no_instant_stays_as_it_is(day: str, time: str) -> None:
    note = f"Dry-out: {time}seen {day} UTC"
    assert told_text(note) == note
