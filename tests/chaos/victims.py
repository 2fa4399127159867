"""Processes of the server under test: found by their class, and killed."""

import os
import signal
from contextlib import suppress

import numpy as np
import psutil
import psycopg

from tests.chaos.arena import Arena

_WORDS = {"raylet": "/raylet", "gcs": "gcs_server"}


def pids(arena: Arena, kind: str) -> list[int]:
    """Processes of a class: server, shard, raylet, gcs, backend, postmaster."""
    processes = arena.server.processes()
    if kind == "server":
        return [processes[0].pid]
    if kind == "shard":
        return [process.pid for process in arena.server.shards()]
    if kind == "backend":
        return [pid for pid in _owners(arena.url) if pid in {process.pid for process in processes}]
    if kind == "postmaster":
        return [int((arena.postgres.cluster / "postmaster.pid").read_text().split()[0])]
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess, IndexError):
            if process.cmdline()[0].endswith(_WORDS[kind]):
                found.append(process.pid)
    return found


def _owners(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        owners = connection.execute(
            "SELECT DISTINCT backend_pid FROM lease JOIN battery USING (lease_id) WHERE NOT revoked"
        ).fetchall()
    return [pid for (pid,) in owners]


def kill(arena: Arena, kind: str, rng: np.random.Generator) -> bool:
    """SIGKILL for one process of a class; False when there is none just now."""
    with suppress(psycopg.Error, OSError, ProcessLookupError):
        if found := pids(arena, kind):
            os.kill(found[int(rng.integers(len(found)))], signal.SIGKILL)
            return True
    return False


def server_rss_mb(arena: Arena) -> float:
    """Resident memory of the server's own process, MB."""
    return float(psutil.Process(pids(arena, "server")[0]).memory_info().rss / 1e6)
