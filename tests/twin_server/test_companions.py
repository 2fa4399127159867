"""Companions are started again for as long as the server lives, whatever went wrong meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from twin_server import companions as companions_module
from twin_server.child_process import ChildProcess
from twin_server.companions import Companions
from twin_server.instance import Instance
from twin_server.progress import StartReport


class Started:
    """Children that end at once, of which some cannot be started; the last one stays."""

    def __init__(self, outcomes: Sequence[str]) -> None:
        self.outcomes = list(outcomes)
        self.arguments: list[Sequence[str]] = []
        self.stays = asyncio.Event()

    async def __call__(self, name: str, _module: str, arguments: Sequence[str], **_: Any) -> ChildProcess:
        self.arguments.append(arguments)
        outcome = self.outcomes.pop(0)
        if outcome == "fails":
            raise OSError(28, "No space left on device")
        code = "raise SystemExit(3)" if outcome == "ends" else "import time; time.sleep(60)"
        process = await asyncio.create_subprocess_exec("python3", "-c", code, stdout=asyncio.subprocess.PIPE)
        if outcome == "stays":
            self.stays.set()
        return ChildProcess(name, process)


async def test_a_companion_that_cannot_be_started_is_tried_again_with_arguments_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Started(["ends", "fails", "fails", "ends", "stays"])
    monkeypatch.setattr(ChildProcess, "start", started)
    monkeypatch.setattr(companions_module, "_RESTART_DELAY_S", 0.01)
    instance = Instance(tmp_path)
    instance.acquire()
    companions = Companions(instance, tmp_path / "logs", StartReport())
    starts = iter(range(100))
    try:
        await companions.start_simulator(lambda: [f"--start={next(starts)}"], {}, asyncio.Event())
        async with asyncio.timeout(30.0):
            await started.stays.wait()
        await asyncio.sleep(0.05)
        assert [arguments[0] for arguments in started.arguments] == [f"--start={number}" for number in range(5)]
        assert len(instance.record.children) == 1, "those that have ended are forgotten"
    finally:
        await companions.stop(1.0)
        instance.release()
