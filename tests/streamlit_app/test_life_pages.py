"""Pages about remaining life over a client without a server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from batterytwin.quarters import Quarter
from clients.types import FleetLife, ModelState, RemainingLife, ReplacementUrgency
from streamlit_app.charts.life_fan import life_fan
from streamlit_app.charts.life_histogram import life_histogram
from streamlit_app.life_table import disagreeing, to_review
from streamlit_app.life_words import counted_from, life_text
from streamlit_app.wording import local_date
from tests.streamlit_app import dummy_life
from tests.streamlit_app.dummy_client import DummyClient
from tests.streamlit_app.dummy_fleet import NOW, SITES
from tests.streamlit_app.test_pages import only, texts, values

Opener = Callable[[str], AppTest]
BATTERY = "BRK-U1-S03-B07"


def test_the_life_page_lists_every_battery_with_a_prediction(open_as: Opener) -> None:
    open_as("anna")
    app = only("life").run()
    assert not app.exception
    lives = dummy_life.fleet([site.location_id for site in SITES]).lives
    table = app.dataframe[0].value
    assert sorted(table["battery"]) == sorted(lives.battery_ids)
    assert table["months"].is_monotonic_increasing
    assert (table["lower"] <= table["months"]).all()
    assert table["upper"].notna().sum() == np.count_nonzero(lives.upper_known) > 0, (
        "what is not known to hold is not told"
    )
    assert "at least" in texts(app)
    assert values(app)["Replace now"] == f"{np.count_nonzero(lives.urgencies == ReplacementUrgency.NOW):,}"


def test_its_filters_narrow_it(open_as: Opener) -> None:
    open_as("anna")
    app = only("life").run()
    app.multiselect(key="life_sites").set_value(["BRK"]).run()
    assert {name.split("-", 1)[0] for name in app.dataframe[0].value["battery"]} == {"BRK"}
    app.toggle(key="life_differing").set_value(True).run()
    assert app.dataframe[0].value["differ"].all()
    app.slider(key="life_years").set_value(1).run()
    assert (app.dataframe[0].value["months"] <= 12.0).all()


def test_low_confidence_is_to_be_reviewed_where_something_rests_on_it(open_as: Opener) -> None:
    open_as("anna")
    app = only("life").run()
    low = app.dataframe[0].value["confidence"].eq("Low").sum()
    app.toggle(key="life_review").set_value(True).run()
    table = app.dataframe[0].value
    assert values(app)["To review"] == f"{len(table):,}"
    assert 0 < len(table) < low
    assert set(table["confidence"]) == {"Low"}
    present = Quarter.of_time(round(NOW.timestamp() * 1e6))
    assert set(table["quarter"]) <= {str(present.plus(count)) for count in range(3)}
    lives = [dummy_life.fleet([site.location_id]).lives for site in SITES]
    told = next(
        one.battery_ids[row] for one in lives for row in np.flatnonzero(to_review(one, present) & ~disagreeing(one))
    )
    battery = only("battery")
    battery.query_params["battery"] = told
    assert "low confidence" in texts(battery.run())


def test_a_degraded_answer_says_so(open_as: Opener, dummy: DummyClient) -> None:
    dummy.life_degraded = "the scorer does not answer"
    open_as("anna")
    assert "the scorer does not answer" in texts(only("life").run())


def test_a_battery_tells_its_life_with_reasons_and_cases(open_as: Opener) -> None:
    open_as("anna")
    app = only("battery")
    app.query_params["battery"] = BATTERY
    app.run()
    assert not app.exception
    life = dummy_life.life(BATTERY)
    assert values(app)["Remaining life"] == life_text(life.fused.days_50)
    assert values(app)["Twin alone"] == life_text(life.twin.days_50)
    cases = next(frame.value for frame in app.dataframe if "story" in frame.value)
    assert list(cases["lasted"].str.endswith("or more")) == [not found.case.ended for found in life.cases]
    assert list(cases["kind"]) == ["simulated", "CNX-U1-S01-B02", "simulated", "UDN-U1-S01-B01"]
    assert list(cases["became"]) == ["End of life", "End of life", "Good when last seen", "End of life"]
    assert "2 real" in texts(app)
    app.slider(key=f"life_warmer_{BATTERY}").set_value(10).run()
    assert life_text(dummy_life.life(BATTERY, 10.0).fused.days_50) in texts(app)
    assert "-50 %" in texts(app)


def test_a_life_that_counts_from_an_old_reading_says_so(open_as: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not counted_from(NOW - timedelta(minutes=9), NOW)
    old, life, fleet = NOW - timedelta(days=200), dummy_life.life, dummy_life.fleet

    def fleet_of(*asked: Any) -> FleetLife:
        told = fleet(*asked)
        as_of = told.lives.as_of_unix_ns.copy()
        as_of[:7] = round(old.timestamp() * 1e9)
        return replace(told, lives=replace(told.lives, as_of_unix_ns=as_of))

    monkeypatch.setattr(dummy_life, "life", lambda *asked: replace(life(*asked), as_of=old))
    monkeypatch.setattr(dummy_life, "fleet", fleet_of)
    open_as("anna")
    battery = only("battery")
    battery.query_params["battery"] = BATTERY
    assert f"the days count from its newest reading, {local_date(old)}" in texts(battery.run())
    app = only("life").run()
    assert "7 rest on readings of more than a day before" in texts(app)
    assert (app.dataframe[0].value["as_of"] < NOW - timedelta(days=100)).sum() == 7


def test_a_cached_answer_is_not_compared_with_physics(open_as: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    life = dummy_life.life

    def told(battery_id: str, warmer_k: float = 0.0) -> RemainingLife:
        return replace(life(battery_id, warmer_k), model_version="" if warmer_k else "m1")

    monkeypatch.setattr(dummy_life, "life", told)
    open_as("anna")
    app = only("battery")
    app.query_params["battery"] = BATTERY
    app.run()
    app.slider(key=f"life_warmer_{BATTERY}").set_value(10).run()
    assert "cannot be compared" in texts(app)
    assert "instead of" not in texts(app)


def test_the_planner_adds_up_and_exports(open_as: Opener) -> None:
    open_as("anna")
    app = only("plan").run()
    assert not app.exception
    grid = next(frame.value for frame in app.dataframe if "Blocks" in frame.value)
    assert values(app)["Blocks to exchange"] == f"{grid['Blocks'].sum():,}"
    quarters = [name for name in map(str, grid) if name.startswith("Q")]
    assert (grid[quarters].sum(axis=1) == grid["Blocks"]).all()
    assert "Songkran" in texts(app)
    app.slider(key="plan_cooler").set_value(3).run()
    assert "3 K cooler" in texts(app)


@pytest.mark.parametrize(("user", "acts"), [("anna", True), ("viewer", False)])
def test_only_administrators_switch_models(open_as: Opener, user: str, acts: bool) -> None:
    open_as(user)
    app = only("models").run()
    assert not app.exception
    assert "Gate coverage" in texts(app)
    labels = [button.label for button in app.button]
    assert ("Activate" in labels) is acts


def test_a_model_without_gates_has_passed_none(open_as: Opener, dummy: DummyClient) -> None:
    dummy.models = [replace(model, gates=()) for model in dummy.models]
    open_as("anna")
    told = texts(only("models").run())
    assert "No gate measured" in told
    assert "passed" not in told


def test_a_model_is_switched_and_a_failing_one_refused(open_as: Opener, dummy: DummyClient) -> None:
    open_as("anna")
    app = only("models").run()
    assert app.button(key="activate_life-2026-04").disabled
    app.button(key="approve_life-2026-04").click().run()
    assert "fails gate coverage" in texts(app)
    app.button(key="activate_life-2026-02").click().run()
    assert "life-2026-02 speaks now" in texts(app)
    assert [model.version for model in dummy.models if model.state is ModelState.ACTIVE] == ["life-2026-02"]


def test_the_fan_ends_at_the_quantiles_and_the_limit() -> None:
    life = dummy_life.life(BATTERY)
    figure = life_fan(NOW, 0.93, life.fused, life.twin.days_50, None)
    outer, inner, median = figure.data[:3]
    last = [max(trace.x) for trace in (outer, inner, median)]
    days = [(end - min(median.x)).total_seconds() / 86_400 for end in last]
    assert days == pytest.approx([life.fused.days_95, life.fused.days_75, life.fused.days_50])
    assert median.y[0] == pytest.approx(93.0)
    assert median.y[-1] == pytest.approx(80.0)


def test_the_histogram_counts_every_known_life() -> None:
    days = np.array([0.0, 30.0, 400.0, 9_000.0, np.nan])
    assert sum(life_histogram(days).data[0].y) == 4
    assert sum(life_histogram(np.array([np.nan])).data[0].y) == 0
