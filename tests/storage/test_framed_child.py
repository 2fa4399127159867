"""A process that answers questions outlives the signals that stop everything around it."""

import json
import os
import signal
from pathlib import Path

import pytest

from storage.framed_child import FramedChild


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_that_comes_before_it_can_ignore_it_does_not_end_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    child = FramedChild("storage.archive_worker", [str(tmp_path)], part_count=2, timeout_s=30.0, name="The archive")
    try:
        await child.begin()
        assert child._process is not None
        first = child._process.pid
        os.kill(first, number)
        head, _ = await child.ask(b"{}")
        assert "error" in json.loads(head), "it answers, and says that it was asked nothing"
        assert child._process.pid == first
    finally:
        await child.close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []).isdisjoint({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
