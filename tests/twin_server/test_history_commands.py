"""`batterytwin history` tells the past in a terminal, `batterytwin export` writes it to a file."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
import typer
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.events import EventKind
from batterytwin.readings import ReadingBatch
from clients.sync_client import TwinClient
from tests.fixtures.server import RunningServer
from tests.twin_server.calls import columns, now_ns
from twin_server.export_command import export
from twin_server.history_command import history
from twin_server.history_options import read_bucket

ONE, TWO = "AAA-U1-S01-B01", "AAA-U1-S01-B02"
COUNT = 120


class Terminal:
    """Runs commands against a server that knows two hours of two batteries."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._app = typer.Typer(pretty_exceptions_enable=False)
        self._app.command()(history)
        self._app.command()(export)
        first_ns = now_ns() // 60_000_000_000 * 60_000_000_000 - COUNT * 60_000_000_000
        times = [first_ns + n * 60_000_000_000 for n in range(COUNT)]
        volts = [13.5 + 0.001 * n for n in range(COUNT)]
        with TwinClient(server.target, server.admin_token) as client:
            for battery in (ONE, TWO):
                client.ingest(ReadingBatch(columns([battery] * COUNT, times, volts)))
            noon = datetime.fromtimestamp(times[60] / 1e9, UTC)
            client.record_event(EventKind.MAINTENANCE, noon, string_id="AAA-U1-S01", note="terminals cleaned")

    def run(self, *arguments: str) -> str:
        environment = {"COLUMNS": "80", "BATTERYTWIN_ACCESS_TOKEN": self._server.admin_token}
        told = CliRunner().invoke(self._app, [*arguments, "--server", self._server.target], env=environment)
        if told.exception is not None:
            raise told.exception
        # the server of the test writes its log to the same place
        return "".join(line for line in told.output.splitlines(keepends=True) if "[info " not in line)


@pytest.fixture
def terminal(threaded_server: RunningServer) -> Terminal:
    return Terminal(threaded_server)


def test_the_past_is_told_in_eighty_columns_with_what_happened(terminal: Terminal) -> None:
    told = terminal.run("history", ONE)
    assert "means of 30 min" in told
    assert sum(line.startswith("│ 20") for line in told.splitlines()) in {4, 5}
    assert all(len(line) <= 80 for line in told.splitlines())
    assert "maintenance of AAA-U1-S01: terminals cleaned" in told
    raw = terminal.run("history", ONE, "--bucket", "raw", "--metric", "voltage_v")
    assert sum(line.startswith("│ 20") for line in raw.splitlines()) == COUNT
    assert re.search(r"voltage *┃", raw)
    answer = json.loads(terminal.run("history", ONE, "--json", "--bucket", "1h", "--metric", "voltage_v"))
    assert sum(answer["voltage_v_max"][n] >= answer["voltage_v"][n] for n in range(len(answer["time"]))) >= 2
    assert (answer["bucket_s"], len(answer["events"])) == (3_600.0, 1)
    quiet = terminal.run("history", ONE, "--from", "2020-01-01", "--to", "2020-01-02T07:00+07:00")
    assert "Nothing was stored" in quiet


def test_a_file_is_written_whole_and_not_over_another(terminal: Terminal, tmp_path: Path) -> None:
    table, block = tmp_path / "aaa.csv", tmp_path / "one"
    assert f"{2 * COUNT} rows" in terminal.run("export", "AAA", "-o", str(table), "--metric", "voltage_v")
    with table.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["battery_id"] for row in rows] == [ONE] * COUNT + [TWO] * COUNT
    assert float(rows[7]["voltage_v"]) == pytest.approx(13.507)
    with pytest.raises(InvalidArgumentError, match="exists already"):
        terminal.run("export", ONE, "-o", str(table))
    assert f"{COUNT} rows" in terminal.run("export", ONE, "-o", str(table), "--force", "--format", "parquet")
    assert pyarrow.parquet.read_table(table).num_rows == COUNT
    terminal.run("export", "AAA-U1-S01", "-o", str(block), "--bucket", "1d")
    assert sum(pyarrow.parquet.read_table(block)["row_count"].to_pylist()) == 2 * COUNT
    with pytest.raises(NotFoundError):
        terminal.run("export", "nope", "-o", str(tmp_path / "x"))
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} >= {"aaa.csv", "one"}
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part") or path.name == "x"]


def test_what_makes_no_sense_is_refused_with_a_remedy(terminal: Terminal) -> None:
    for arguments in (
        ["--from", "yesterday"],
        ["--from", "2026-01-02", "--to", "2026-01-01"],
        ["--metric", "volts"],
        ["--bucket", "soon"],
        ["--bucket", "0h"],
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            terminal.run("history", ONE, *arguments)
        assert refused.value.field.startswith("--")
    assert read_bucket("15m") == read_bucket("15min") == timedelta(minutes=15)
