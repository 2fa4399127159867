"""`batterytwin twin` and `batterytwin string` tell everything in a terminal of 80 columns."""

import math
import re

import numpy as np
import typer
from typer.testing import CliRunner

from batterytwin.readings import ReadingBatch, StringReadingColumns
from batterytwin.telemetry import StringMode
from clients.sync_client import TwinClient
from tests.fixtures.server import RunningServer
from tests.twin_server.calls import blocks, columns, now_ns
from twin_server.client_commands import twin
from twin_server.string_command import string

STRING = "AAA-U1-S01"


def feed(server: RunningServer) -> None:
    time_ns = now_ns(-5)
    total = StringReadingColumns(
        [STRING],
        np.array([time_ns], np.int64),
        np.array([326.9], np.float32),
        np.array([0.02], np.float32),
        np.array([StringMode.FLOAT], np.int32),
    )
    with TwinClient(server.target, server.admin_token) as client:
        client.ingest(ReadingBatch(columns(blocks(STRING), time_ns, 13.6, math.nan), total))


def test_what_is_known_fits_into_eighty_columns(threaded_server: RunningServer) -> None:
    feed(threaded_server)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(twin)
    app.command()(string)
    reach = ["--server", threaded_server.target]
    environment = {"COLUMNS": "80", "BATTERYTWIN_ACCESS_TOKEN": threaded_server.admin_token}

    told = CliRunner().invoke(app, ["string", STRING, *reach], env=environment)
    assert told.exception is None
    assert "voltage      326.90 V" in told.output
    assert "blocks 326.40 V, rest 0.50 V" in told.output
    assert re.findall(r"│ (B\d\d) .* \d+ ± \d+ │ +\d+ ± \d+ │", told.output) == [f"B{n:02d}" for n in range(1, 25)]

    told = CliRunner().invoke(app, ["twin", blocks(STRING)[0], *reach], env=environment)
    assert told.exception is None
    assert re.search(r"innovation .* mV │ +[\d.]+ mV", told.output)
    assert re.search(r"health by prior .* % │ +[\d.]+ %", told.output)
