"""Logs are one JSON object a line, whatever is logged, and hold no secrets."""

import json
import logging

import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.twin_server.conftest import ReadLog
from twin_server.principal import LOCAL, Call, current_call


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60) | st.sampled_from(['\n{"event": "forged"}', "\x1b[2J", '"', "\u2028"]))
def test_no_text_can_forge_a_line(read_log: ReadLog, text: str) -> None:
    structlog.get_logger("test").info("event", note=text)
    logging.getLogger("library").warning("said %s", text)
    ours, theirs = read_log()[-2:]
    assert (ours["event"], ours["note"], ours["level"], ours["logger"]) == ("event", text, "info", "test")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (f"said {text}", "warning", "library")
    assert ours["timestamp"].endswith("Z")


def test_fields_that_name_secrets_are_masked(read_log: ReadLog) -> None:
    structlog.get_logger().warning("x", password="p1", access_token="p2", Authorization="p3", jwt_secret="p4", user="u")
    [line] = read_log()
    assert "p1" not in json.dumps(line)
    assert {line[name] for name in ("password", "access_token", "Authorization", "jwt_secret")} == {"***"}
    assert line["user"] == "u"


def test_lines_of_a_call_say_which_and_others_do_not(read_log: ReadLog) -> None:
    log = structlog.get_logger()
    token = current_call.set(Call("/x/Y", "abc", "127.0.0.1", LOCAL))
    try:
        log.info("inside")
    finally:
        current_call.reset(token)
    log.info("outside")
    inside, outside = read_log()
    assert (inside["request_id"], inside["method"], inside["caller"]) == ("abc", "/x/Y", "local")
    assert "request_id" not in outside


def test_a_traceback_is_one_line(read_log: ReadLog) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
    [line] = read_log()
    assert "ValueError: first\nsecond" in line["exception"]
