"""How long the server takes to come back after a power cut with a day of log, and from a backup.

`python -m tests.bench.recovery FOLDER` measures both; the folder must be empty and reachable by every user.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import psycopg

from clients.sync_client import TwinClient
from storage.backup import make_backup
from storage.backup_restore import restore_backup
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.embedded_process import Postmaster
from storage.instants import to_us
from tests.bench.log_tail import fill_day, state_hashes_of
from tests.bench.server_process import ServerProcess, cut_power, tree_of
from twin_server.operator_token import operator_token

_ROUNDS: Final = 5


def cold_start_with_tail_s(folder: Path) -> float:
    """Seconds from the start after a power cut until all twins of the fleet are back at their last acknowledged row.

    The median of five, each after another cut. No snapshot is newer than 24 hours: 1,944 batteries times 1,440 minutes
    are replayed, and lead to the same states bit for bit as the rows did when they came.

    Args:
        folder: empty; the server's user must be able to reach it.

    Raises:
        RuntimeError: the database could lose commits, or a twin did not come back where it was.
    """
    data_dir = folder / "cold"
    postgres = EmbeddedPostgres(data_dir)
    url = postgres.start()
    day = fill_day(url)
    if gaps := durability_gaps(url):
        raise RuntimeError(f"the database could lose commits: {gaps}")
    postmaster = Postmaster.read(postgres.cluster)
    if postmaster is None:
        raise RuntimeError("the database ended early")
    cut_power(lambda: tree_of(postmaster.pid))
    took = []
    for number in range(_ROUNDS):
        server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard")
        try:
            server.wait_for("ready")
            with TwinClient(server.target, operator_token(data_dir)) as client:
                columns = client.get_fleet_snapshot().twins
            took.append(time.monotonic() - server.began)
        finally:
            if number < _ROUNDS - 1:
                server.cut_power()  # a stop would leave snapshots
            else:
                server.stop()
        if len(columns.as_of_unix_ns) != 1_944 or not (columns.as_of_unix_ns == day.last_us * 1_000).all():
            raise RuntimeError("not every twin came back at its last row")
    try:
        found = state_hashes_of(postgres.start())
    finally:
        postgres.stop()
    if differing := sum(found[key] != state for key, state in day.state_hashes.items()):
        raise RuntimeError(f"{differing} twins came back otherwise than they were")
    return statistics.median(took)


def restore_backup_s(folder: Path) -> float:
    """Seconds from a lost data directory to all twins back: restore of a backup with a day of rows, and cold start.

    Args:
        folder: where `cold_start_with_tail_s` was measured, or empty.

    Raises:
        RuntimeError: a twin did not come back where it was.
    """
    data_dir = folder / "cold"
    postgres = EmbeddedPostgres(data_dir)
    try:
        url = postgres.start()
        if not (data_dir / "secret").exists():
            fill_day(url)
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT max(sample_time) FROM reading").fetchone()
        make_backup(url, data_dir, folder / "backup")
    finally:
        postgres.stop()
    began = time.monotonic()
    restore_backup(folder / "backup", folder / "restored")
    server = ServerProcess(folder / "restored", "--no-simulator", "--no-dashboard")
    try:
        server.wait_for("ready")
        with TwinClient(server.target, operator_token(folder / "restored")) as client:
            columns = client.get_fleet_snapshot().twins
        took_s = time.monotonic() - began
        if row is None or not (columns.as_of_unix_ns == to_us(row[0]) * 1_000).all():
            raise RuntimeError("not every twin came back at its last row")
    finally:
        server.stop()
    return took_s


def main() -> None:
    """Measures both in a folder and prints one JSON object."""
    folder = Path(sys.argv[1])
    print(json.dumps({"cold_start_s": cold_start_with_tail_s(folder), "restore_backup_s": restore_backup_s(folder)}))


if __name__ == "__main__":
    main()
