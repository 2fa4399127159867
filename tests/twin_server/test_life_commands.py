"""`batterytwin life`, `plan` and `models` against a running server."""

import json
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from clients.sync_client import TwinClient
from tests.fixtures.scripted_scorer import write_model
from tests.fixtures.server import RunningServer
from tests.twin_server.test_look_commands import STRING, feed
from twin_server.life_command import life, plan
from twin_server.model_commands import models_app

BATTERY = f"{STRING}-B01"


def test_lives_plans_and_models_in_a_terminal(
    threaded_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_self: object, _archive: bytes) -> None:
        return

    monkeypatch.setattr("twin_server.model_files.ModelFiles.check", nothing)  # scripted models have no trees
    feed(threaded_server)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(life)
    app.command()(plan)
    app.add_typer(models_app, name="models")

    def told(*arguments: str) -> str:
        result = CliRunner().invoke(
            app,
            [*arguments, "--server", threaded_server.target],
            env={"COLUMNS": "80", "BATTERYTWIN_ACCESS_TOKEN": threaded_server.admin_token},
        )
        if result.exception is not None:
            raise result.exception
        return "".join(line for line in result.output.splitlines(keepends=True) if "[info " not in line)

    good = write_model(tmp_path / "good", "good", 1.2)
    bad = write_model(tmp_path / "bad", "bad", failed=["leakage"])
    assert "good  candidate" in told("models", "import", str(good))
    assert "gate         leakage: 0.5 (limit 0.8 or more), FAILED" in told("models", "import", str(bad))
    assert told("models", "list").splitlines()[-1].startswith("good  candidate, 5 of 5 gates, not approved")
    assert "shadow" in told("models", "shadow", "good")
    assert "No model" in told("models", "shadow", "none")
    assert "approved" in told("models", "approve", "good", "--note", "looked at it")
    assert "good  active" in told("models", "activate", "good")
    assert json.loads(told("models", "show", "bad", "--json").splitlines()[-1])["obstacles"]

    with TwinClient(threaded_server.target, threaded_server.admin_token) as client:
        for _ in range(200):
            fleet = client.get_fleet_life()
            if len(fleet.lives) == 24 and fleet.model_version == "good":
                break
            time.sleep(0.1)
    shown = told("life", BATTERY)
    assert "remaining life" in shown
    assert "replace in" in shown
    assert json.loads(told("life", BATTERY, "--json").splitlines()[-1])["battery_id"] == BATTERY
    assert "24 batteries" in told("life", "list", "--order", "median")
    shown = told("plan")
    assert "blocks in 4 quarters" in shown
    assert "Ends of life in twelve months" in shown
    assert json.loads(told("plan", "--json").splitlines()[-1])["forecast"]["total"]["battery_count"] == 24
