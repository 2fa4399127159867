from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from batterytwin.telemetry import Quality
from tests.streamlit_app.dummy_client import DummyClient
from tests.streamlit_app.dummy_fleet import SITES, columns
from tests.streamlit_app.dummy_strings import FAULTY, SHORTED
from tests.streamlit_app.test_pages import texts, values

Opener = Callable[[str], AppTest]


def open_string(open_as: Opener, string_id: str, username: str = "anna") -> AppTest:
    app = open_as(username)
    app.query_params["string"] = string_id
    app.run()
    assert not app.exception
    return app


def string_with(quality: Quality) -> str:
    table = columns([site.location_id for site in SITES], [])
    battery_id = next(n for n, q in zip(table.battery_ids, table.qualities, strict=True) if q == quality)
    return battery_id.rsplit("-", 1)[0]


def test_blocks_stand_side_by_side_with_the_sum_rule(open_as: Opener) -> None:
    app = open_string(open_as, FAULTY)
    shown = values(app)
    assert len(app.dataframe[0].value) == 24
    assert shown["Current"] == "0.06 A"
    assert float(shown["String voltage"][:-2]) - float(shown["Sum of blocks"][:-2]) == pytest.approx(0.04, abs=0.011)
    assert shown["Difference"] == "+0.04 V"
    assert shown["Set point"] == "326.9 V"
    assert "24 live" in texts(app)
    assert "Charger: float" in texts(app)


def test_faults_are_named_with_part_blocks_and_evidence(open_as: Opener) -> None:
    app = open_string(open_as, FAULTY)
    assert "Shorted cell" in texts(app)
    assert "Battery" in texts(app)
    assert "block B07" in texts(app)
    assert "Room too warm" in texts(app)
    assert "the whole string" in texts(app)
    evidence = app.table[0].value
    assert "below the string" in evidence["What was seen"].iloc[0]
    assert evidence["Seen"].iloc[0] == "\N{MINUS SIGN}2.05\N{NO-BREAK SPACE}V"
    assert SHORTED in {link.label for link in app.page_link}
    assert list(app.dataframe[0].value["fault"]).count("shorted cell") == 1


def test_a_string_without_faults_says_so(open_as: Opener) -> None:
    assert "No fault is diagnosed" in texts(open_string(open_as, "NBI-U1-S01"))


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.NO_DATA])
def test_a_string_that_does_not_wholly_speak_says_so(open_as: Opener, quality: Quality) -> None:
    app = open_string(open_as, string_with(quality))
    assert "no fresh sample" in texts(app)
    assert app.get_by_key("panel_dim_electric")
    assert "a fault may be hidden" in texts(app)


def test_autonomy_comes_with_its_interval_and_its_weakest_block(open_as: Opener) -> None:
    app = open_string(open_as, FAULTY)
    tile = next(tile for tile in app.metric if tile.label.startswith("Lasts"))
    assert tile.label == "Lasts if it has to carry 25.0 kW"
    assert (tile.value, tile.delta) == ("58 min", "48 min to 1 h 08 min")
    app.number_input[0].set_value(50.0).run()
    tile = next(tile for tile in app.metric if tile.label.startswith("Lasts"))
    assert tile.label.endswith("50.0 kW")
    assert tile.value == "29 min"


def test_a_string_that_is_not_ones_own_is_not_shown(open_as: Opener) -> None:
    app = open_string(open_as, "HKT-U1-S01", "somchai")
    assert not app.metric
    assert "There is no string" in texts(app)


def test_a_string_costs_one_question(open_as: Opener, dummy: DummyClient) -> None:
    open_string(open_as, FAULTY)
    assert dummy.calls.count("get_string") == 1
    assert "get_twin" not in dummy.calls


@pytest.mark.parametrize(("parameter", "subject"), [("site", "BRK"), ("battery", SHORTED), ("string", "BRK-U2-S04")])
def test_strings_are_linked_from_sites_and_batteries(open_as: Opener, parameter: str, subject: str) -> None:
    app = open_as("anna")
    app.query_params[parameter] = subject
    app.run()
    labels = {link.label for link in app.page_link}
    assert labels & {"U1 S01", "U2 S05"}
