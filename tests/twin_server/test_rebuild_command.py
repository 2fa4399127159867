"""`batterytwin rebuild` beside a server that runs."""

import csv
import json
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, NotFoundError
from batterytwin.readings import ReadingBatch
from clients.sync_client import TwinClient
from tests.fixtures.server import RunningServer
from tests.twin_server.calls import blocks, columns, now_ns
from twin_server.rebuild_command import rebuild

STRING = "AAA-U1-S01"


@pytest.fixture
def app(threaded_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("DATABASE_URL", threaded_server.database_url)
    with TwinClient(threaded_server.target, threaded_server.admin_token) as client:
        for minutes in (3, 2, 1):
            client.ingest(ReadingBatch(columns(blocks(STRING), now_ns(-60 * minutes), 13.6, 0.02)))
    with psycopg.connect(threaded_server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE filter_version SET version = 'earlier-ekf'")
    made = typer.Typer(pretty_exceptions_enable=False)
    made.command()(rebuild)
    return made


def test_it_compares_without_changing_anything(
    app: typer.Typer, tmp_path: Path, threaded_server: RunningServer
) -> None:
    report = tmp_path / "report.csv"
    options = [
        "--compare",
        "--string",
        STRING,
        "--report",
        str(report),
        "--processes",
        "2",
        "--data-dir",
        str(tmp_path),
    ]
    told = CliRunner().invoke(app, options, env={"COLUMNS": "120"})
    assert told.exit_code == 0, told.output
    assert "24 twins compared; 72 readings; told by earlier-ekf" in told.output
    lines = list(csv.DictReader(report.read_text(encoding="utf-8").splitlines()))
    assert [line["battery_id"] for line in lines] == blocks(STRING)
    assert {line["soc_rms"] for line in lines} == {"0.0"}
    with psycopg.connect(threaded_server.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM twin_snapshot").fetchone() == (0,)


def test_it_stores_states_to_start_from(app: typer.Typer, tmp_path: Path, threaded_server: RunningServer) -> None:
    told = CliRunner().invoke(app, ["--battery", f"{STRING}-B07", "--json", "--data-dir", str(tmp_path)])
    line = json.loads(told.output)
    assert (line["battery_id"], line["readings"], line["kept"]) == (f"{STRING}-B07", 3, True)
    with psycopg.connect(threaded_server.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM twin_snapshot").fetchone() == (1,)


def test_what_it_cannot_do_is_told_in_words(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = CliRunner().invoke(app, ["--battery", "nobody", "--data-dir", str(tmp_path)])
    assert isinstance(nobody.exception, NotFoundError)
    monkeypatch.delenv("DATABASE_URL")
    nowhere = CliRunner().invoke(app, ["--data-dir", str(tmp_path / "nowhere")])
    assert isinstance(nowhere.exception, InvalidArgumentError)
