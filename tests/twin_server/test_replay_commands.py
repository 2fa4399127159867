"""`batterytwin replay` tells a person what became of a file, and asks for what it needs."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, UnauthenticatedError, UnavailableError
from clients.sync_client import TwinClient
from tests.fixtures.server import RunningServer
from twin_server.replay_commands import replay

MAP = """
grid_id = "bench"
location_id = "BENCH"
battery_ids = ["BENCH-1"]
sample_period_s = 10.0
datasheet = { model = "M9", rated_capacity_ah = 9.0, cells = 6 }
time = { column = "t", kind = "seconds", start = 2024-05-01T00:00:00Z }
voltage = { column = "v" }
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    record, replay_map = tmp_path / "a.csv", tmp_path / "map.toml"
    record.write_text("t,v\n0,12.8\n10,12.7\n20,inf\n30,400\n")
    replay_map.write_text(MAP)
    return [str(record), "--map", str(replay_map)]


def run(arguments: list[str], password: str = "") -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(replay)
    result = CliRunner().invoke(app, arguments, input=password, env={"COLUMNS": "200"})
    if result.exception is not None:
        raise result.exception
    # the server of the test writes its log to the same place
    return "".join(line for line in result.output.splitlines(keepends=True) if "[info " not in line)


def test_a_file_is_replayed_and_accounted_for(threaded_server: RunningServer, files: list[str], tmp_path: Path) -> None:
    files += ["--buffer", str(tmp_path / "replay.buffer")]
    login = ["--server", threaded_server.target, "--user", "admin", "--password-stdin"]
    output = run([*files, *login], f"{threaded_server.admin_password}\n")
    counts = dict(line.strip("│┃ ").split("│") for line in output.splitlines() if line.count("│") == 3)
    assert {name.strip(): int(count) for name, count in counts.items()} == {
        "rows read": 4,
        "sent": 4,
        "stored and applied": 2,
        "stored as suspect": 1,
        "duplicate": 0,
        "conflict": 0,
        "late": 0,
        "too late": 0,
        "refused": 1,
    }
    assert "NOT_FINITE" in output
    assert (tmp_path / "replay.buffer").exists()
    assert "batterytwin twin BENCH-1" in output
    with TwinClient(threaded_server.target, threaded_server.admin_token) as client:
        assert client.get_twin("BENCH-1").rated_capacity_ah == 9.0

    again = run([*files, *login], f"{threaded_server.admin_password}\n")
    assert "duplicate" in again


def test_a_wrong_password_is_refused(threaded_server: RunningServer, files: list[str]) -> None:
    with pytest.raises(UnauthenticatedError):
        run([*files, "--server", threaded_server.target, "--user", "admin", "--password-stdin"], "wrong\n")


def test_another_server_wants_to_know_who_calls(files: list[str]) -> None:
    with pytest.raises(UnauthenticatedError, match="--user"):
        run([*files, "--server", "127.0.0.1:1"])


def test_a_server_that_does_not_run_is_named(files: list[str], tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="batterytwin up"):
        run([*files, "--data-dir", str(tmp_path)])


def test_a_start_needs_times_that_count_from_one(files: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(MAP.replace('kind = "seconds", start = 2024-05-01T00:00:00Z', 'kind = "utc"'))
    with pytest.raises(InvalidArgumentError, match="start has no meaning"):
        run([files[0], "--map", str(other), "--start", "2024-05-02"])
