"""`batterytwin scenario start` and its kin, against a server whose drills do what the test says."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from batterytwin.errors import InvalidArgumentError, UnknownDrillError
from clients.async_client import AsyncTwinClient
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.conftest import ReadLog
from tests.twin_server.scripted_drills import ScriptedDatabases, ScriptedHosts, scripted_place
from twin_server.cli import app

OWN = """
name: my_outage
title: An outage of mine
targets: [location]
parameter: [{name: outage_h, unit: h, default: 1.0, least: 0.1, most: 8.0, words: How long.}]
effect: [{kind: OUTAGE, duration_h: outage_h, magnitude: 1.0}]
"""


class Terminal:
    """Runs commands beside the server's event loop."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server

    async def run(self, *words: str) -> str:
        environment = {"COLUMNS": "160", "BATTERYTWIN_ACCESS_TOKEN": self.server.admin_token}
        asked = ["scenario", *words, "--server", self.server.target]
        result = await asyncio.to_thread(CliRunner().invoke, app, asked, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.output

    async def ask(self, *words: str) -> Any:
        return [json.loads(line) for line in (await self.run(*words, "--json")).splitlines()]


@pytest_asyncio.fixture
async def terminal(database_url: str, tmp_path: Path, read_log: ReadLog) -> AsyncIterator[Terminal]:
    assert read_log() == []  # the server's lines go there, and not among what commands print
    place = scripted_place(ScriptedHosts(), ScriptedDatabases(), tmp_path)
    async with serve(database_url, tmp_path, drills=place) as server:
        yield Terminal(server)


async def test_a_drill_in_a_terminal(terminal: Terminal, tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(OWN)
    (first,) = await terminal.ask("start", "hvac_failure", "--target", "AAA", "--set", "duration_h=8", "--speed", "60")
    (second,) = await terminal.ask("start", str(own), "--target", "BBB", "--after", "5", "--hours", "2")
    assert first["parts"][0]["parameters"]["duration_h"] == 8.0
    assert (second["title"], second["parts"][0]["start_s"]) == ("An outage of mine", 300.0)
    assert second["end_time"] is not None

    told = await terminal.run("running")
    assert "2 drills" in told
    assert first["drill_id"] in told
    (changed,) = await terminal.ask("update", first["drill_id"], "--set", "duration_h=4", "--speed", "600")
    assert (changed["speed"], changed["parts"][0]["parameters"]["duration_h"]) == (600.0, 4.0)
    assert changed["parts"][0]["parameters"]["rate_k_h"] == first["parts"][0]["parameters"]["rate_k_h"]
    (other,) = await terminal.ask("update", first["drill_id"], "--play", "power_outage", "--target", "AAA")
    (outage,) = other["parts"]
    assert outage["scenario_name"] == "power_outage"
    assert outage["start_s"] > 0.0

    watching = asyncio.create_task(terminal.ask("watch", first["drill_id"]))
    await asyncio.sleep(0.5)
    async with AsyncTwinClient(terminal.server.target, terminal.server.admin_token) as client:
        await client.stop_scenario(first["drill_id"])  # a second command would print into the first one's
    assert [one["state"] for one in await watching][-1] == 4
    assert "stopped" in await terminal.run("stop", first["drill_id"])
    async with asyncio.timeout(10):
        assert "stopped" in await terminal.run("watch", first["drill_id"]), "there is nothing to wait for"
    told = await terminal.run("get", first["drill_id"])
    for words in ("pace 60 → 600", "acknowledged by anna", "lowest voltage", "admin"):
        assert words in told
    (report,) = await terminal.ask("get", first["drill_id"])
    assert report["alert_count"] == 2
    assert [one["drill_id"] for one in await terminal.ask("running")] == [second["drill_id"]]
    assert len(await terminal.ask("running", "--all")) == 2


async def test_wrong_words_are_told_in_one_line(terminal: Terminal) -> None:
    (drill,) = await terminal.ask("start", "hvac_failure", "--target", "AAA")
    for error, words in (
        (InvalidArgumentError, ("start", "nothing")),
        (InvalidArgumentError, ("start", "nothing.toml")),
        (InvalidArgumentError, ("start", "hvac_failure", "--target", "CCC")),
        (InvalidArgumentError, ("update", drill["drill_id"])),
        (InvalidArgumentError, ("update", drill["drill_id"], "--set", "nothing=1")),
        (UnknownDrillError, ("update", "nothing", "--speed", "2")),
        (UnknownDrillError, ("stop", "nothing")),
        (UnknownDrillError, ("get", "nothing")),
        (UnknownDrillError, ("watch", "nothing")),
    ):
        with pytest.raises(error) as told:
            await terminal.run(*words)
        assert "\n" not in told.value.message
