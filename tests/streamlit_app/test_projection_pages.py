"""Pages about projections over a client without a server."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from clients.types import ProjectionRequest, ProjectionState
from streamlit_app.charts.first_losses import first_losses
from streamlit_app.charts.replacement_fan import Fan, replacement_fan
from streamlit_app.json_file import json_file
from streamlit_app.projection_tables import projection_csv
from streamlit_app.projection_words import count_text, loss_text
from tests.streamlit_app import dummy_scenarios
from tests.streamlit_app.dummy_client import DummyClient
from tests.streamlit_app.test_pages import only, texts, values

Opener = Callable[[str], AppTest]
HOT = ProjectionRequest("Hot summer", (dummy_scenarios.part(),), years=10.0, warmth=True)
AS_IT_IS = ProjectionRequest("As it is", years=5.0)


def test_a_projection_is_asked_for_awaited_and_cancelled(open_as: Opener, dummy: DummyClient) -> None:
    open_as("somchai")
    app = only("projections").run()
    assert not app.exception
    app.button(key="add_projection_hvac_failure").click().run()
    app.number_input(key="projection_years").set_value(3.0)
    app.toggle(key="projection_warmth").set_value(True).run()
    app.button(key="start_projection").click().run()
    assert not app.exception
    (found,) = dummy.projections.values()
    assert (found.request.title, found.request.years, found.request.warmth) == ("Cooling fails", 3.0, True)
    assert found.request.parts[0].targets == (), "everywhere"
    assert any("40 %" in str(bar.proto) for bar in app.get("progress"))
    app.button(key="cancel_p1").click().run()
    assert not app.exception
    assert dummy.projections["p1"].state == ProjectionState.CANCELLED


def test_a_viewer_reads_and_asks_for_nothing(open_as: Opener, dummy: DummyClient) -> None:
    open_as("anna")
    dummy.project_scenario(HOT, token="access-1")
    open_as("viewer")
    app = only("projections").run()
    assert not app.exception
    assert "Viewers read projections" in texts(app)
    assert not app.button


def select(app: AppTest, *rows: int) -> AppTest:
    app.session_state[str(app.dataframe[0].key)] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_stored_projections_are_compared_over_the_years_that_all_have(open_as: Opener, dummy: DummyClient) -> None:
    open_as("anna")
    for request in (HOT, AS_IT_IS):
        dummy.project_scenario(request, token="access-1")
    dummy.finish_projections()
    app = select(only("projections").run(), 0, 1)
    assert not app.exception
    assert "Compared over 5 years" in texts(app)
    table = app.table[0].value
    assert list(table["Projection"]) == ["As it is", "Hot summer"], "what nothing happens in comes first"
    assert table["More than the first"].iloc[1] == "+81 (+40 to +120)"


def test_the_result_tells_replacements_risk_losses_and_what_helps(open_as: Opener, dummy: DummyClient) -> None:
    open_as("viewer")
    dummy.projections["p1"] = dummy_scenarios.projection("p1", HOT)
    app = only("projection")
    app.query_params["projection"] = "p1"
    app.run()
    assert not app.exception
    assert values(app)["To replace in 10 years"] == "900 (720 to 1,080)"
    assert values(app)["With the scenario"] == "1,170 (936 to 1,404)"
    assert values(app)["In half a year"] == "2 of 3"
    carrying, one_more = app.dataframe[0].value, app.dataframe[1].value
    assert carrying["later"].is_monotonic_increasing
    assert (one_more["gain"] > 0.0).any()
    assert "What warmer rooms cost in 10 years" in texts(app)
    assert len(app.get("download_button")) == 2


@pytest.mark.parametrize("name", ["", "nobody"])
def test_an_address_of_no_projection_says_so(open_as: Opener, name: str) -> None:
    open_as("viewer")
    app = only("projection")
    if name:
        app.query_params["projection"] = name
    app.run()
    assert not app.exception
    assert ("There is no projection" if name else "Choose a projection") in texts(app)


def test_a_fan_begins_at_nothing_and_ends_at_the_quantiles() -> None:
    course = dummy_scenarios.course(10.0, 1.0)
    figure = replacement_fan([Fan("As it is", course.replacements)])
    outer, _, median = figure.data
    assert median.y[0] == 0.0
    assert median.y[-1] == pytest.approx(900.0)
    assert max(outer.y) == pytest.approx(1_080.0)
    many = replacement_fan([Fan(str(n), course.replacements) for n in range(5)])
    assert [trace.name for trace in many.data if trace.name] == list("01234")


def test_losses_beyond_the_horizon_end_at_its_edge() -> None:
    course = dummy_scenarios.course(10.0, 1.0)
    figure = first_losses([("As it is", course.first_losses)], {"BRK": "Bangrak"}, 10.0)
    (trace,) = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["HKT", "NBI", "Bangrak"], "the first to go on top"
    assert trace.x[1] + trace.error_x.array[1] == pytest.approx(10.0)


def test_words_of_quantiles() -> None:
    assert count_text((1.0, 2.0, 3.4, 4.0, 5.0)) == "3 (1 to 5)"
    assert count_text(()) == "\N{EN DASH}"
    nan = float("nan")
    assert loss_text((nan,) * 5) == "not within these years"
    assert loss_text((100.0, 200.0, 300.0, nan, nan)).endswith("to later)")


def test_files_hold_every_quantile() -> None:
    projection = dummy_scenarios.projection("p1", HOT)
    rows = projection_csv(projection).decode().splitlines()
    assert rows[0] == "quantity,course,where,when,value,q05,q25,q50,q75,q95"
    assert sum(row.startswith("replacements,") for row in rows) == 20
    assert sum(row.startswith("cost_warmer,scenario,") for row in rows) == 5
    assert json.loads(json_file(projection))["request"]["title"] == "Hot summer"
