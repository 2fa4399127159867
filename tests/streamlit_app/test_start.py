from importlib import resources

import pytest
from streamlit import config

from streamlit_app.__main__ import read_arguments
from streamlit_app.theme import streamlit_options

API = ["--target", "127.0.0.1:50051"]


def test_a_dashboard_stays_on_this_machine_unless_told_otherwise() -> None:
    settings = read_arguments(API)
    assert (settings.address, settings.port, settings.target) == ("127.0.0.1", 8501, "127.0.0.1:50051")


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.4", "::", "dashboard.example"])
def test_other_machines_need_tls(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments([*API, "--address", address])
    assert "--certificate" in capsys.readouterr().err
    tls = ["--certificate", "server.pem", "--key", "server.key"]
    assert read_arguments([*API, "--address", address, *tls]).address == address


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(SystemExit):
        read_arguments([*API, "--certificate", "server.pem"])


def test_streamlit_knows_every_option_and_reports_to_nobody() -> None:
    options = streamlit_options(address="127.0.0.1", port=8501)
    assert set(options) <= set(config._config_options_template)
    assert options["browser.gatherUsageStats"] is False
    assert options["server.enableAgentApi"] is False
    assert options["client.toolbarMode"] == "minimal"


def test_light_and_dark_set_the_same_things() -> None:
    names = set(streamlit_options(address="127.0.0.1", port=8501))
    light = {name.removeprefix("theme.light.") for name in names if name.startswith("theme.light.")}
    dark = {name.removeprefix("theme.dark.") for name in names if name.startswith("theme.dark.")}
    assert light == dark != set()


@pytest.mark.parametrize(
    "name", ["app.py", "style.css", "login.html", "live_chart.js", "logo.svg", "mark.svg", "favicon.svg"]
)
def test_nothing_that_is_served_points_elsewhere(name: str) -> None:
    text = (resources.files("streamlit_app") / name).read_text(encoding="utf-8")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in text
