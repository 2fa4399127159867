from collections.abc import Callable
from datetime import timedelta

from streamlit.testing.v1 import AppTest

from streamlit_app.wording import BANGKOK, local_time
from tests.streamlit_app.dummy_fleet import NOW
from tests.streamlit_app.test_pages import only, texts, values

BATTERY = "BRK-U1-S03-B07"


def asked_for(app: AppTest, days: float) -> AppTest:
    instant = (NOW - timedelta(days=days)).astimezone(BANGKOK)
    app.date_input(key=f"at_day_{BATTERY}").set_value(instant.date())
    app.time_input(key=f"at_time_{BATTERY}").set_value(instant.time().replace(second=0, microsecond=0))
    next(button for button in app.button if button.label == "Show").click()
    return app.run()


def test_a_battery_is_shown_as_it_was(open_as: Callable[[str], AppTest]) -> None:
    open_as("anna")
    app = only("battery")
    app.query_params["battery"] = BATTERY
    app = asked_for(app.run(), 3.0)
    assert not app.exception
    instant = (NOW - timedelta(days=3)).replace(second=0, microsecond=0)
    assert local_time(instant) in texts(app)
    assert "12.345 V" in {tile.value for tile in app.metric}
    assert "through 91 readings" in texts(app)
    assert values(app)["Voltage"] != "12.345 V", "the live values stay what they are"


def test_a_time_that_cannot_be_is_refused_in_words_beside_it(open_as: Callable[[str], AppTest]) -> None:
    open_as("anna")
    app = only("battery")
    app.query_params["battery"] = BATTERY
    app = asked_for(app.run(), -2.0)
    assert not app.exception
    assert "in the future" in texts(app)
    assert "12.345 V" not in {tile.value for tile in app.metric}
