"""Everything dies at once under load, PostgreSQL too, and comes back with all that was acknowledged, and no more."""

import asyncio
import functools
import os
import re
import signal
import time
from pathlib import Path

import psycopg
import pytest

from actors.local_fleet import LocalFleet
from batterytwin.errors import TwinError, UnavailableError
from batterytwin.inventory import Inventory, load_fleet
from clients.async_client import AsyncTwinClient
from clients.sync_client import TwinClient
from storage.durability import durability_gaps
from storage.embedded import EmbeddedPostgres
from storage.embedded_process import Postmaster
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from tests.bench.load import float_readings
from tests.bench.server_process import ServerProcess
from tests.end_to_end.up_process import SMALL_FLEET, run_command
from twin_server.fleet_setup import make_specs
from twin_server.operator_token import operator_token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SENDERS = 6
SAMPLES_PER_BATCH = 3
ENOUGH_ACKS = 150

Acked = dict[str, list[int]]
"""Acknowledged sample times of each battery, ns, rising."""


async def feed_until(client: AsyncTwinClient, inventory: Inventory, acked: Acked, cut: asyncio.Event) -> None:
    """Several gateways at once, each with its own batteries; notes what was acknowledged until the power fails."""
    names = [b.battery_id for location in inventory.locations for b in location.batteries()]
    start_s = round(time.time()) - 6 * 3_600.0

    async def feed(own: list[str], first_s: float) -> None:
        for number in range(6 * 3_600):
            batch = float_readings(own, first_s + number, seed=number)
            try:
                result = await client.ingest(batch)
            except TwinError:
                return
            assert (result.accepted, result.rejected) == (len(own), 0)
            for name in own:
                acked.setdefault(name, []).append(int(batch.readings.sample_time_unix_ns[0]))

    async with asyncio.TaskGroup() as group:
        for k in range(SENDERS):
            group.create_task(feed(names[k::SENDERS], start_s))
        await cut.wait()


async def load_and_cut(server: ServerProcess, token: str, inventory: Inventory) -> Acked:
    acked: Acked = {}
    cut = asyncio.Event()
    async with AsyncTwinClient(server.target, token=token) as client:
        feeding = asyncio.create_task(feed_until(client, inventory, acked, cut))
        while min(map(len, acked.values()), default=0) < ENOUGH_ACKS:
            await asyncio.sleep(0.01)
            assert not feeding.done()
        await asyncio.to_thread(server.cut_power)  # in the middle of calls
        cut.set()
        await feeding
    return acked


async def send_until_acknowledged(target: str, token: str, inventory: Inventory, acked: Acked) -> None:
    """One batch of the whole fleet, sent again until the server can take it."""
    names = [b.battery_id for location in inventory.locations for b in location.batteries()]
    batch = float_readings(names, round(time.time()) - 30.0, seed=1)
    async with AsyncTwinClient(target, token=token) as client, asyncio.timeout(60):
        while True:
            try:
                result = await client.ingest(batch)
            except UnavailableError:
                await asyncio.sleep(0.1)
                continue
            assert result.accepted + result.duplicate == len(names)
            break
    for name in names:
        acked[name].append(int(batch.readings.sample_time_unix_ns[0]))


def check_rows(url: str, acked: Acked) -> None:
    """Every acknowledged (battery, time) is stored once, and nothing is stored twice."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        twice = connection.execute(
            "SELECT battery_key, sample_time FROM reading GROUP BY battery_key, sample_time HAVING count(*) > 1"
        ).fetchall()
        stored: dict[str, set[int]] = {}
        for name, us in connection.execute(
            "SELECT battery_id, (extract(epoch FROM sample_time) * 1000000)::bigint FROM reading "
            "JOIN battery USING (battery_key)"
        ):
            stored.setdefault(name, set()).add(us * 1_000)
    assert twice == []
    assert [(name, us) for name, times in acked.items() for us in set(times) - stored.get(name, set())] == []


async def state_hashes(url: str) -> dict[int, str]:
    """States of all twins as a fresh fleet restores them."""
    store = await ServerStore.connect(url)
    inventory, keys = await store.load_inventory()
    await store.close()
    fleet = LocalFleet([make_specs(inventory, keys)], functools.partial(PostgresShardStore, url), 1e9)
    await fleet.start()
    hashes = await fleet.state_hashes()
    await fleet.stop()
    return hashes


def test_a_total_power_cut_under_load_loses_nothing_acknowledged(reachable_tmp_path: Path) -> None:
    fleet_file = reachable_tmp_path / "fleet.toml"
    fleet_file.write_text(SMALL_FLEET, encoding="utf-8")
    inventory = load_fleet(fleet_file)
    data_dir = reachable_tmp_path / "data"
    options = ("--no-simulator", "--no-dashboard", "--fleet-file", str(fleet_file))
    server = ServerProcess(data_dir, *options)
    server.wait_for("ready")
    token = operator_token(data_dir)
    acked = asyncio.run(load_and_cut(server, token, inventory))

    server = ServerProcess(data_dir, *options)
    try:
        server.wait_for("ready")
        postgres = EmbeddedPostgres(data_dir)
        url = postgres.start()  # adopts the server's
        assert durability_gaps(url) == []
        check_rows(url, acked)
        with TwinClient(server.target, token) as client:
            twins = client.get_fleet_snapshot().twins
        as_of = dict(zip(twins.battery_ids, twins.as_of_unix_ns.tolist(), strict=True))
        assert [name for name, times in acked.items() if as_of[name] < times[-1]] == []

        postmaster = Postmaster.read(postgres.cluster)
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGKILL)  # the database alone; the server starts it again and goes on
        asyncio.run(send_until_acknowledged(server.target, token, inventory, acked))
        server.wait_for("ready")
        check_rows(url, acked)

        backup = reachable_tmp_path / "backup"
        told = run_command("backup", backup, "--data-dir", data_dir).stdout
        rows = int(re.search(r"([\d,]+) readings", told)[1].replace(",", ""))  # type: ignore[index] # shown always
        assert rows >= sum(map(len, acked.values()))
    finally:
        server.stop()

    restored = reachable_tmp_path / "restored"
    assert "sound" in run_command("restore", backup, "--check").stdout
    run_command("restore", backup, "--data-dir", restored)
    assert run_command("restore", backup, "--data-dir", restored, check=False).returncode == 1
    again = EmbeddedPostgres(restored)
    try:
        url = again.start()
        check_rows(url, acked)
        hashes = asyncio.run(state_hashes(url))  # newest snapshots, and the rows after them
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM twin_snapshot")
        assert asyncio.run(state_hashes(url)) == hashes  # the log alone
    finally:
        again.stop()
