"""`batterytwin dataset`: the documentation's commands run, and a signal leaves nothing half."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError
from simulator.faults import FaultKind
from twin_server.dataset_command import dataset

DOCS = (Path(__file__).parents[2] / "docs" / "dataset.md").read_text(encoding="utf-8")


def run(arguments: list[str]) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(dataset)
    before = signal.getsignal(signal.SIGTERM)
    try:
        result = CliRunner().invoke(app, arguments)
    finally:
        signal.signal(signal.SIGTERM, before)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", blocks("console"), ids=lambda text: text.split()[3])
def test_the_commands_of_the_documentation_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    monkeypatch.chdir(tmp_path)
    (plan,) = blocks("toml")
    Path("plan.toml").write_text(plan)
    command, _, shown = example.strip().partition("\n")
    arguments = command.removeprefix("$ batterytwin dataset ").split()
    output = run(arguments)
    # sizes move with every change of the plant
    assert output.strip().rpartition(",")[0] == shown.rpartition(",")[0]
    rows = int(re.findall(r"([\d,]+) readings", output)[0].replace(",", ""))
    assert pq.read_table(tmp_path / arguments[0] / "readings").num_rows == rows


def test_the_documentation_knows_every_kind_of_fault() -> None:
    table = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", DOCS, re.MULTILINE))
    assert {kind.name: str(int(kind)) for kind in FaultKind} == {name: number for number, name in table.items()}


def test_a_string_and_all_strings_cannot_both_be_meant(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError):
        run([str(tmp_path / "set"), "--all", "--string", "BRK-U1-S03"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", "from twin_server.cli import main; main()", "dataset", str(tmp_path / "set")]
    with subprocess.Popen([*command, "--all", "--days", "365"], stderr=subprocess.DEVNULL) as process:
        while not list(tmp_path.glob(".set.unfinished-*/readings/*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) == 130
    assert list(tmp_path.iterdir()) == []
