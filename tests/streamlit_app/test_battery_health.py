"""The parts of the battery page that say how far the twin can be believed, and what people tell it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from batterytwin.events import EventKind, HealthEvidenceKind, Replacement, ReplacementReason
from clients.types import Estimate, HealthEvidence
from streamlit_app.health_evidence import PRIOR_ONLY, deciding_kind, ladder
from streamlit_app.model_fit import innovation_words
from streamlit_app.standing import rank_words, standing_table
from streamlit_app.views.event_form import KINDS
from tests.streamlit_app import dummy_events, dummy_fleet, dummy_strings
from tests.streamlit_app.dummy_client import DummyClient
from tests.streamlit_app.dummy_fleet import NOW
from tests.streamlit_app.dummy_strings import FAULTY, SHORTED
from tests.streamlit_app.test_pages import texts

Opener = Callable[[str], AppTest]
HERE = "BRK-U2-S04-B07"


def open_battery(open_as: Opener, battery_id: str = HERE, username: str = "somchai") -> AppTest:
    app = open_as(username)
    app.query_params["battery"] = battery_id
    app.run()
    assert not app.exception
    return app


def tiles(app: AppTest) -> dict[str, tuple[str, str]]:
    return {tile.label: (tile.value, tile.delta) for tile in app.metric}


def record(app: AppTest, **typed: float) -> AppTest:
    """Fills in the form of a capacity test and sends it."""
    fields = {"charge": "Charge", "current": "Mean current", "warmth": "Mean temp", "end": "Voltage at the end"}
    for name, value in typed.items():
        next(field for field in app.number_input if field.label.startswith(fields[name])).set_value(value)
    return press(app)


def press(app: AppTest) -> AppTest:
    next(button for button in app.button if button.label == "Record").click()
    app.run()
    assert not app.exception
    return app


def test_innovation_stands_beside_the_size_that_the_filter_expects(open_as: Opener) -> None:
    shown = tiles(open_battery(open_as))
    assert shown["Innovation"][0].endswith(" mV")
    assert shown["Innovation"][1] == "± 8.0 mV"
    assert shown["Float marker"] == ("0.12", "± 0.05")
    assert shown["V1, fast"] == ("\N{EN DASH}", "not used on float")


@pytest.mark.parametrize(
    ("value", "sigma", "says"),
    [(3, 8, "within one"), (-15, 8, "within two"), (-40, 8, "5.0 sigma"), (1, 0, "states no expectation")],
)
def test_an_unusual_innovation_is_called_so(value: float, sigma: float, says: str) -> None:
    assert says in innovation_words(value, sigma)


def test_without_a_discharge_the_page_says_what_health_is_worth(open_as: Opener) -> None:
    said = texts(open_battery(open_as))
    assert "Indirect signs only" in said
    assert "resistance trend" in said
    assert "Record one below" in said


def test_signs_that_weigh_less_than_the_prior_are_called_so(open_as: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    known = dummy_fleet.twin(HERE, [])
    weak = tuple(
        replace(item, soh_capacity=Estimate(0.9, 0.06 if item.kind is HealthEvidenceKind.PRIOR else 0.2))
        for item in known.health_evidence
    )
    monkeypatch.setattr(dummy_fleet, "twin", lambda *_: replace(known, health_evidence=weak))
    assert "Mostly a guess" in texts(open_battery(open_as))


def test_a_prior_is_called_a_prior(open_as: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = HealthEvidence(HealthEvidenceKind.PRIOR, Estimate(0.9, 0.06), None)
    known = dummy_fleet.twin(HERE, [])
    monkeypatch.setattr(dummy_fleet, "twin", lambda *_: replace(known, health_evidence=(prior,)))
    assert PRIOR_ONLY in texts(open_battery(open_as))


def test_the_ladder_has_every_kind_best_first_and_marks_what_decides() -> None:
    twin = dummy_fleet.twin(HERE, [])
    rungs = ladder(twin)
    assert [rung.name for rung in rungs][:2] == ["Together", "Capacity test"]
    assert rungs[-1].name == "Age and warmth"
    assert len(rungs) == 1 + len([kind for kind in HealthEvidenceKind if kind])
    assert [rung.name for rung in rungs if rung.decides] == ["Resistance trend"]
    assert [rung.when for rung in rungs if rung.soh is None] == ["nothing yet"] * 4
    assert twin.soh_capacity is not None
    assert (rungs[0].soh, rungs[0].sigma) == (twin.soh_capacity.value, twin.soh_capacity.sigma)


def test_the_most_precise_evidence_decides() -> None:
    evidence = dummy_fleet.twin(HERE, []).health_evidence
    assert deciding_kind(evidence) == HealthEvidenceKind.RESISTANCE_TREND
    assert deciding_kind(()) is None


def test_a_ladder_of_a_twin_that_knows_nothing_is_empty() -> None:
    twin = replace(dummy_fleet.twin(HERE, []), soh_capacity=None, health_evidence=())
    assert {rung.soh for rung in ladder(twin)} == {None}


def test_a_recorded_capacity_test_is_evidence_at_once(open_as: Opener, dummy: DummyClient) -> None:
    app = open_battery(open_as)
    before = tiles(app)["State of health"][0]
    record(app, charge=96.0, current=12.0, end=10.5)
    shown = tiles(app)

    assert shown["State of health"] == ("80.0 %", "± 2.0 %")
    assert f"State of health is now 80.0 ± 2.0 %, was {before[:-2]}" in texts(app)
    assert "Last evidence of capacity: **capacity test**" in texts(app)
    assert "96.0 Ah at 12.0 A" in texts(app)
    event = dummy.list_events(battery_id=HERE, token="access-1").events[0]
    assert event.end_time is not None
    assert (event.end_time - event.start_time).total_seconds() == 8 * 3_600
    assert event.recorded_by == "somchai"


def test_a_refusal_stands_as_words_at_its_field_and_nothing_is_lost(open_as: Opener, dummy: DummyClient) -> None:
    app = open_battery(open_as)
    record(app, charge=500.0, current=50.0, end=10.5)
    assert app.error[0].value == "Charge taken out is 500; give more than 0 and at most 240 Ah."
    charge = next(field for field in app.number_input if field.label.startswith("Charge"))
    assert charge.value == 500.0
    record(app, charge=100.0)
    assert not app.error
    assert "Capacity test recorded." in texts(app)
    assert len(set(dummy.request_ids)) == 2, "another content is another event"


def test_a_missing_value_is_asked_for_without_the_server(open_as: Opener, dummy: DummyClient) -> None:
    app = press(open_battery(open_as))
    assert "Give this value" in app.error[0].value
    assert "record_event" not in dummy.calls


def test_what_is_sent_again_after_a_silence_is_recorded_once(open_as: Opener, dummy: DummyClient) -> None:
    app = open_battery(open_as)
    dummy.deaf = True
    record(app, charge=100.0, end=10.5)
    assert "cannot be reached" in texts(app)
    dummy.deaf = False
    press(app)
    assert "recorded." in texts(app)
    assert len(dummy.request_ids) == 2
    assert len(set(dummy.request_ids)) == 1


def test_work_is_recorded_for_the_string(open_as: Opener, dummy: DummyClient) -> None:
    app = open_battery(open_as)
    app.segmented_control(key="event_kind").set_value(KINDS[1]).run()
    next(box for box in app.selectbox if box.label == "It concerns").set_value("string_id")
    app.text_area[0].set_value("torque checked")
    press(app)
    event = dummy.list_events(battery_id=HERE, token="access-1").events[0]
    assert (event.kind, event.string_id, event.battery_id, event.note) == (KINDS[1], "BRK-U2-S04", "", "torque checked")
    assert "torque checked" in texts(app)


def test_a_viewer_reads_events_and_cannot_record(open_as: Opener) -> None:
    app = open_battery(open_as, "HKT-U2-S04-B07", "viewer")
    assert "Maintenance" in texts(app)
    assert not [button for button in app.button if button.label == "Record"]
    assert "Record what happened" not in texts(app)
    assert "An engineer can record one" in texts(app)


def test_a_block_is_shown_among_its_neighbours(open_as: Opener) -> None:
    app = open_battery(open_as, SHORTED)
    assert "Shorted cell" in texts(app)
    assert "1 other fault stands" in texts(app)
    assert "Room too warm" not in texts(app), "it does not name this block"
    table = standing_table(dummy_strings.string(FAULTY, [], None), SHORTED)
    assert table["Rank"].iloc[0] == "lowest of 24"
    assert any(tile.label.startswith("Lasts") for tile in app.metric)


@pytest.mark.parametrize(
    ("place", "words"),
    [(0, "lowest of 12"), (2, "3rd lowest of 12"), (6, "in the middle of 12"), (10, "2nd highest of 12")],
)
def test_ranks_in_words(place: int, words: str) -> None:
    assert rank_words(np.arange(12.0), place) == words


def test_an_unknown_value_has_no_rank() -> None:
    assert rank_words(np.array([np.nan, 1.0]), 0) == "\N{EN DASH}"
    assert rank_words(np.array([1.0]), 0) == "in the middle of 1"


def test_events_of_the_battery_its_string_and_its_site_are_listed(open_as: Opener) -> None:
    said = texts(open_battery(open_as))
    for event in dummy_events.of_battery(HERE):
        assert event.start_time < NOW
    assert "Outage" in said
    assert "whole site BRK" in said
    assert "Connections \\*tightened\\*" in said, "text of others brings no markup"


def test_a_replacement_is_recorded_with_both_serial_numbers(open_as: Opener, dummy: DummyClient) -> None:
    app = open_battery(open_as)
    app.segmented_control(key="event_kind").set_value(EventKind.REPLACEMENT).run()
    app.text_input[0].set_value(" SN-2044 ")
    next(box for box in app.selectbox if box.label.startswith("Why")).set_value(ReplacementReason.OTHER)
    press(app)
    event = dummy.list_events(battery_id=HERE, token="access-1").events[0]
    assert event.replacement == Replacement("SN-2044", dummy_fleet.twin(HERE, []).serial, ReplacementReason.OTHER)
    assert "another reason" in texts(app)
    assert "2044 came" in texts(app)
    assert "begins anew" in texts(app)


@pytest.mark.parametrize(("charge", "current"), [(1e9, 1e-6), (1e300, 1e-300), (50.0, 1e-7)])
def test_a_test_longer_than_any_calendar_is_for_the_server_to_refuse(
    open_as: Opener, dummy: DummyClient, charge: float, current: float
) -> None:
    record(open_battery(open_as), charge=charge, current=current, warmth=26.0, end=10.5)
    assert len(dummy.request_ids) == 1
