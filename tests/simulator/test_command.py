"""`python -m simulator` as a process."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.ingest_recorder import IngestRecorder, serve
from tests.simulator.small_fleet import write_fleet


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_goes_live_and_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    fleet_file = write_fleet(tmp_path / "fleet.toml", blocks=4)
    recorder = IngestRecorder()
    async with serve(recorder) as port:
        process = await start(
            *("--target", f"127.0.0.1:{port}", "--fleet", str(fleet_file), "--speed", "60"),
            *("--backfill-days", "2"),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"tokens": {"BRK": "bt_brk"}}).encode() + b"\n")
        events: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while not events or events[-1]["event"] != "live":
                events.append(json.loads(await process.stdout.readline()))
        process.send_signal(number)
        output, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert errors == b""
    assert events[-2] == {"event": "backfill", "done": 1.0}
    assert len(recorder.rows("bt_brk")["BRK-U1-S01-B01"]) >= 48
    assert all(json.loads(line)["event"] == "live" for line in output.splitlines())


@pytest.mark.parametrize(
    "line", [b"", b"bt_secret\n", b'{"tokens": ["bt_secret"]}\n', b'{"tokens": {"XXX": "bt_secret"}}\n']
)
async def test_wrong_input_is_explained_in_one_line(line: bytes) -> None:
    process = await start("--target", "127.0.0.1:1")
    output, errors = await asyncio.wait_for(process.communicate(line), 30)
    assert process.returncode == 2
    assert json.loads(output)["event"] == "error"
    assert b"Traceback" not in errors
    assert b"bt_secret" not in output + errors
