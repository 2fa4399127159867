"""What may be chosen about a server, and what is refused."""

import traceback
from pathlib import Path

import pytest

from batterytwin.errors import InvalidArgumentError
from twin_server.settings import ServerSettings, unknown_variables
from twin_server.up_command import make_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_needs_no_tls(host: str) -> None:
    ServerSettings(host=host).check_exposure()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "battery.example"])
def test_public_address_without_tls_is_refused(host: str) -> None:
    with pytest.raises(InvalidArgumentError, match="needs TLS") as caught:
        ServerSettings(host=host).check_exposure()
    assert caught.value.field == "host"


def test_public_address_with_tls_is_served() -> None:
    ServerSettings(host="0.0.0.0", tls_certificate=Path("c.pem"), tls_key=Path("k.pem")).check_exposure()


def test_half_of_tls_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="key"):
        ServerSettings(tls_certificate=Path("c.pem")).check_exposure()


def test_options_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATTERYTWIN_PORT", "50151")
    assert make_settings(port=None).port == 50151
    assert make_settings(port=50200).port == 50200


def test_wrong_option_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="--port"):
        make_settings(port=70_000)


def test_a_wrong_value_of_the_environment_is_named_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATTERYTWIN_HOT_DAYS", "0"), ("BATTERYTWIN_PRICE_BLOCK", "inf"), ("BATTERYTWIN_PORT", "x")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(InvalidArgumentError, match=f"^{name}: Input should be"):
                make_settings(port=None)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BATTERYTWIN_PORT", "BATTERYTWIN_FLEET_FILE"):
        monkeypatch.setenv(name, "")
    settings = make_settings()
    assert (settings.database_url, settings.port, settings.fleet_file) == (None, 50051, None)


@pytest.mark.parametrize("url", ["postgres:/u:hunter2@host/x", "postgresql://u:hunter2@[host", "hunter2"])
def test_a_database_url_that_is_none_is_refused_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(InvalidArgumentError, match=r"^DATABASE_URL: .*postgresql://") as caught:
        make_settings()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_variables_that_are_no_settings_are_told() -> None:
    names = ["PATH", "DATABASE_URL", "BATTERYTWIN_PORT", "BATTERYTWIN_JWT_SECRET", "BATTERYTWIN_HOTDAYS"]
    assert unknown_variables(names) == ["BATTERYTWIN_HOTDAYS is no setting; BATTERYTWIN_HOT_DAYS is"]


def test_database_password_is_masked() -> None:
    settings = ServerSettings(DATABASE_URL="postgresql://u:hunter2@localhost/x")  # type: ignore[call-arg]  # an alias
    assert "hunter2" not in repr(settings)
