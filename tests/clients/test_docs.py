"""The examples of the documentation run, and show what they say."""

import re
import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batterytwin.errors import InvalidArgumentError
from clients.replay_map import ReplayMap
from clients.sync_client import TwinClient
from tests.fixtures.server import RunningServer
from tests.twin_server.test_replay_commands import run

ROOT = Path(__file__).parents[2]
CLIENT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
REPLAY = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
RECORDS = {
    "charge_and_rests.csv": "universal-ub121000-100ah",
    "discharge_3a.csv": "bboxx-17ah-cc-discharge",
    "C02.csv": "uct-agm-soh/dod_s00",
}


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_client_run(
    threaded_server: RunningServer,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # the process that replays the past begins with the first question
    with TwinClient(threaded_server.target, threaded_server.admin_token) as client, suppress(InvalidArgumentError):
        client.get_twin_at("AAA-U1-S01-B01", datetime.now(UTC), deadline_s=60.0)
    source = "\n".join(blocks(CLIENT, "python"))
    source = source.replace("localhost:50051", threaded_server.target).replace("BRK-U1-S03", "AAA-U1-S01")
    names = {
        "password": threaded_server.admin_password,
        "gateway_token": threaded_server.gateway_tokens["AAA"],
        "folder": str(tmp_path),
    }
    exec(compile(source, "docs/client.md", "exec"), names)
    printed = capsys.readouterr().out
    shown = (
        "0 of 96 live",
        "2 accepted",
        "UNKNOWN_BATTERY",
        "3 accepted",
        "gateway: connected; 0 batches",
        "4 rows",
        "buckets of 1:00:00",
        "4 rows exported",
        "snapshot: True",
        "AAA-U9",
        "CAPACITY_TEST admin",
    )
    for text in shown:
        assert text in printed.replace("BRK-U9", "AAA-U9")


def test_the_map_of_the_documentation_is_one() -> None:
    (text,) = blocks(REPLAY, "toml")
    replay_map = ReplayMap.model_validate(tomllib.loads(text))
    assert set(tomllib.loads(text)) == set(ReplayMap.model_fields)
    assert set(replay_map.measured()) == {"voltage_v", "current_a", "temperature_c", "internal_resistance_mohm"}


@pytest.mark.shared_data
@pytest.mark.parametrize("example", blocks(REPLAY, "console"), ids=lambda text: text.split()[3])
def test_the_records_of_the_documentation_look_like_that(
    threaded_server: RunningServer, shared_data: Path, example: str
) -> None:
    command, _, shown = example.partition("\n")
    _, _, _, file, *arguments = command.split()
    arguments = [str(ROOT / word) if word.startswith("deploy/") else word for word in arguments]
    login = ["--server", threaded_server.target, "--user", "admin", "--password-stdin"]
    path = shared_data / RECORDS[file] / file
    output = run([str(path), *arguments, *login], f"{threaded_server.admin_password}\n")
    assert [line.rstrip() for line in output.strip().splitlines()] == shown.strip().splitlines()
