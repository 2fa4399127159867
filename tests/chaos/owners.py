"""Two servers claim the same twins while the first one cannot know of it."""

import os
import signal
import time
from contextlib import suppress

from batterytwin.errors import TwinError
from clients.sync_client import TwinClient
from tests.bench.server_process import ServerProcess
from tests.chaos.arena import Arena
from tests.chaos.experiments import acked_rows, finish, loaded, recover
from tests.chaos.report import Outcome
from tests.chaos.victims import pids
from twin_server.operator_token import operator_token

_TOLD_S = 30.0


def second_owner(arena: Arena) -> Outcome:
    """A second server takes all twins over while the first one is stopped under load (R5).

    What the first has under way is given to the second as well. When the first goes on it must not write any of it.
    """
    outcome, before = Outcome("second owner", faults=1), acked_rows(arena)
    with loaded(arena) as load:
        load.wait_acked_since(time.monotonic())
        stopped = pids(arena, "shard") + pids(arena, "server")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            with arena.second_server() as second:
                rows = _give(arena, second)
                _go_on(stopped)
                began = time.monotonic()
                words = _wait_for_refusal(arena)
                outcome.require("another owner" in words, f"the first server says {words!r}")
                told_s = time.monotonic() - began
                refusal = _refusal(arena)
                outcome.require("Another server" in refusal, f"offered readings, the first server says {refusal!r}")
                outcome.notes.append(f"{rows} rows went to both; the first said {words!r} after {told_s:.1f} s")
        finally:
            _go_on(stopped)
        arena.server.stop()
        outcome.recoveries_s.append(recover(arena, load, time.monotonic()))
    return finish(outcome, arena, load, before)


def _go_on(stopped: list[int]) -> None:
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _give(arena: Arena, second: ServerProcess) -> int:
    """Gives a server everything that the other one has not acknowledged; returns the rows."""
    rows = 0
    with TwinClient(second.target, token=operator_token(arena.folder / "second")) as client:
        for ledger in arena.ledgers:
            for batch in [batch for batch in list(ledger.batches) if batch.acked_s is None]:
                counts = client.ingest(ledger.reading_batch(batch.sequences))
                rows += counts.accepted + counts.duplicate
    return rows


def _wait_for_refusal(arena: Arena) -> str:
    """What the first server gives as its reason for not being ready."""
    end, words = time.monotonic() + _TOLD_S, ""
    while time.monotonic() < end and "another owner" not in words:
        status = arena.server.status()
        words = "; ".join(status.not_ready_reasons) if status is not None else words
        time.sleep(0.1)
    return words


def _refusal(arena: Arena) -> str:
    """What the first server says to readings that it has been sent before; empty = it takes them."""
    ledger = arena.ledgers[0]
    try:
        with TwinClient(arena.target, token=arena.token) as client:
            client.ingest(ledger.reading_batch(ledger.batches[-1].sequences), deadline_s=20.0)
    except TwinError as error:
        return error.message
    return ""
