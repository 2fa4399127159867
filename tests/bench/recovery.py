"""How long the server takes to come back: after a power cut with a day of log, from a backup, and after a killed shard.

`python -m tests.bench.recovery FOLDER` measures all; the folder must be empty and reachable by every user.
"""

import asyncio
import json
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import psycopg

from batterytwin.errors import TwinError
from batterytwin.inventory import load_fleet
from clients.async_client import AsyncTwinClient
from clients.sync_client import TwinClient
from storage.backup import make_backup
from storage.backup_restore import restore_backup
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.embedded_process import Postmaster
from storage.instants import to_us
from tests.bench.load import float_readings
from tests.bench.log_tail import fill_day
from tests.bench.server_process import ServerProcess, cut_power, tree_of
from twin_server.operator_token import operator_token

_ROUNDS: Final = 5
_PERIOD_S: Final = 1.0
_SETTLE_S: Final = 3.0


def cold_start_with_tail_s(folder: Path) -> float:
    """Seconds from the start after a power cut until all twins of the fleet are back at their last acknowledged row.

    The median of five, each after another cut. No snapshot is newer than 24 hours: 1,944 batteries times 1,440 minutes
    are replayed.

    Args:
        folder: empty; the server's user must be able to reach it.

    Raises:
        RuntimeError: the database could lose commits, or a twin did not come back where it was.
    """
    data_dir = folder / "cold"
    postgres = EmbeddedPostgres(data_dir)
    url = postgres.start()
    last_us = fill_day(url)
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
        if len(columns.as_of_unix_ns) != 1_944 or not (columns.as_of_unix_ns == last_us * 1_000).all():
            raise RuntimeError("not every twin came back at its last row")
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


def shard_recovery_s(folder: Path) -> float:
    """Seconds from SIGKILL of a shard until every string is acknowledged again, at 1,944 readings/s; the worst of five.

    Args:
        folder: empty; the server's user must be able to reach it.
    """
    data_dir = folder / "shard"
    server = ServerProcess(data_dir, "--no-simulator", "--no-dashboard")
    try:
        server.wait_for("ready")
        return max(asyncio.run(_kill_shards(server, operator_token(data_dir))))
    finally:
        server.stop()


async def _kill_shards(server: ServerProcess, token: str) -> list[float]:
    strings = [
        [battery.battery_id for battery in string.batteries]
        for location in load_fleet().locations
        for string in location.strings()
    ]
    served = np.zeros(len(strings))  # when the newest acknowledged batch of each string was sent, monotonic seconds
    acked = np.zeros(len(strings))  # and when it was acknowledged
    async with AsyncTwinClient(server.target, token=token) as client, asyncio.TaskGroup() as group:
        senders = [
            group.create_task(_feed_string(client, place, ids, served, acked)) for place, ids in enumerate(strings)
        ]
        took = []
        for number in range(_ROUNDS):
            await asyncio.sleep(_SETTLE_S)
            shards = await asyncio.to_thread(server.shards)
            victim = shards[number % len(shards)]
            killed = time.monotonic()
            victim.send_signal(signal.SIGKILL)
            while served.min() < killed:  # noqa: ASYNC110 - what is waited for is seen from outside alone
                await asyncio.sleep(0.01)
            took.append(float(acked.max()) - killed)
        for sender in senders:
            sender.cancel()
    return took


async def _feed_string(
    client: AsyncTwinClient, place: int, ids: list[str], served: np.ndarray, acked: np.ndarray
) -> None:
    """Sends the blocks of a string once a second, and each batch again until it is acknowledged."""
    await asyncio.sleep(_PERIOD_S * (place % 81) / 81)
    start_s = time.time() - 3_600.0
    for number in range(3_600):
        batch = float_readings(ids, start_s + number, seed=number)
        sent = time.monotonic()
        while True:
            attempt = time.monotonic()
            try:
                result = await client.ingest(batch)
            except TwinError:
                await asyncio.sleep(0.05)
                continue
            if result.accepted + result.duplicate != len(ids):
                raise RuntimeError(f"{result} for {len(ids)} rows")
            served[place], acked[place] = attempt, time.monotonic()
            break
        await asyncio.sleep(max(0.0, sent + _PERIOD_S - time.monotonic()))


def main() -> None:
    """Measures all in a folder and prints one JSON object."""
    folder = Path(sys.argv[1])
    measured = {"cold_start_s": cold_start_with_tail_s(folder), "restore_backup_s": restore_backup_s(folder)}
    print(json.dumps(measured | {"shard_killed_s": shard_recovery_s(folder)}))


if __name__ == "__main__":
    main()
