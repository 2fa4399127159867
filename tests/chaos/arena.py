"""A real server to do harm to, its gateways' books, and what of both is checked."""

import asyncio
import functools
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import psycopg
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from actors.local_fleet import LocalFleet
from batterytwin.telemetry import READING_DTYPE, snap_to_grid
from clients.sync_client import TwinClient
from storage.embedded import EmbeddedPostgres
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from tests.bench.server_process import ServerProcess
from tests.chaos.checker import Verdict, check, read_back
from tests.chaos.ledger import Ledger, voltage_v
from tests.end_to_end.up_process import SMALL_FLEET
from twin_server.fleet_setup import make_specs
from twin_server.operator_token import operator_token

_NEVER_S = 1e9
_DAYS_BACK_S = 86_400


class Arena:
    """`batterytwin up` with 72 twins on two locations, which may be killed and started again.

    Args:
        folder: place of the data directory; other users must be able to reach it.
    """

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self._fleet_file = folder / "fleet.toml"
        self._fleet_file.write_text(SMALL_FLEET, encoding="utf-8")
        self.port = _free_port()
        base_us = (int(time.time()) - _DAYS_BACK_S) * 1_000_000
        self.ledgers = [
            Ledger(tuple(f"{string}-B{n:02d}" for string in strings for n in range(1, 25)), base_us)
            for strings in (("BRK-U1-S01", "BRK-U1-S02"), ("HKT-R1-S01",))
        ]
        self.server = self._started()

    def _started(self) -> ServerProcess:
        options = ["--no-simulator", "--no-dashboard", "--port", str(self.port), "--fleet-file", str(self._fleet_file)]
        return ServerProcess(self.data_dir, *options)

    @property
    def target(self) -> str:
        """Address of the API."""
        return f"127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """A fresh access token."""
        return operator_token(self.data_dir)

    @property
    def url(self) -> str:
        """The server's database."""
        return self._postgres.start()

    @property
    def _postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.data_dir)

    def keep_up(self) -> None:
        """Does what a supervisor does: starts the server, or the database, where it has ended.

        The server starts its embedded database with itself only; whoever kills the postmaster alone has to start it
        again, as the next start of the server would.
        """
        if not self.server.is_running():
            self.server = self._started()
        elif not self._postgres.is_running():
            self._postgres.start()

    def pids(self, kind: str) -> list[int]:
        """Processes of a class: server, shard, raylet, gcs, backend, postmaster."""
        processes = self.server.processes()
        if kind == "server":
            return [processes[0].pid]
        if kind == "shard":
            return [process.pid for process in self.server.shards()]
        if kind == "backend":
            with psycopg.connect(self.url) as connection:
                owners = connection.execute(
                    "SELECT DISTINCT backend_pid FROM lease JOIN battery USING (lease_id) WHERE NOT revoked"
                ).fetchall()
            alive = {process.pid for process in processes}
            return [pid for (pid,) in owners if pid in alive]
        if kind == "postmaster":
            return [int((self._postgres.cluster / "postmaster.pid").read_text().split()[0])]
        word = {"raylet": "/raylet", "gcs": "gcs_server"}[kind]
        found = []
        for process in processes:
            with suppress(psutil.NoSuchProcess, IndexError):
                if process.cmdline()[0].endswith(word):
                    found.append(process.pid)
        return found

    def kill(self, kind: str, rng: np.random.Generator) -> bool:
        """SIGKILL for one process of a class; False when there is none just now."""
        with suppress(psycopg.Error, OSError, ProcessLookupError):
            if pids := self.pids(kind):
                os.kill(pids[int(rng.integers(len(pids)))], signal.SIGKILL)
                return True
        return False

    def health(self, service: str) -> str:
        """What the health service says of a name; FAILED when it says nothing."""
        with suppress(grpc.RpcError), grpc.insecure_channel(self.target) as channel:
            stub: Any = HealthStub(channel)
            answer = stub.Check(HealthCheckRequest(service=service), timeout=5.0)
            return HealthCheckResponse.ServingStatus.Name(answer.status)
        return "FAILED"

    def server_rss_mb(self) -> float:
        """Resident memory of the server's own process, MB."""
        return psutil.Process(self.pids("server")[0]).memory_info().rss / 1e6

    def check(self) -> Verdict:
        """Reads everything back: rows of the database, and the twins."""
        verdict = Verdict()
        with TwinClient(self.target, token=self.token) as client:
            for ledger in self.ledgers:
                twins = {name: client.get_twin(name) for name in ledger.battery_ids}
                newest = {
                    name: round(twin.as_of.timestamp() * 1e6) for name, twin in twins.items() if twin.as_of is not None
                }
                verdict.add(check(ledger, read_back(self.url, ledger.battery_ids), newest))
        return verdict

    def differing_states(self) -> int:
        """Stops the server, which stores the state of every twin; returns how many differ from undisturbed twins.

        The undisturbed twins get the same rows in the order of their sample times. Late rows are applied in their
        place, so that this holds with them as well.
        """
        self.server.wait_for("ready")
        self.server.stop()
        url = self.url
        try:
            return asyncio.run(self._differing(url))
        finally:
            self._postgres.stop()

    async def _differing(self, url: str) -> int:
        store = await ServerStore.connect(url)
        try:
            inventory, keys = await store.load_inventory()
        finally:
            await store.close()
        specs = make_specs(inventory, keys)
        found = LocalFleet([specs], functools.partial(PostgresShardStore, url), _NEVER_S)
        even = LocalFleet([specs], functools.partial(MemoryShardStore, MemoryDatabase()), _NEVER_S)
        await even.start()
        places = {spec.battery_id: place for place, spec in enumerate(specs)}
        for ledger in self.ledgers:
            for part in np.array_split(ledger.acked(), max(1, len(ledger.acked()) // 500)):
                await even.apply(0, _rows(ledger, part, [places[name] for name in ledger.battery_ids]), ledger.base_us)
        await found.start()
        try:
            expected, states = await even.state_hashes(), await found.state_hashes()
            return sum(states[key] != expected[key] for key in expected)
        finally:
            await found.stop()
            await even.stop()

    def end(self) -> list[int]:
        """Ends everything that it started; returns processes that had to be killed."""
        family = self.server.processes()
        with suppress(Exception):
            if self.server.is_running():
                self.server.stop()
        with suppress(Exception):
            self._postgres.stop()
        _, alive = psutil.wait_procs(family, timeout=10)
        left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
        for process in left:
            process.kill()
        return [process.pid for process in left]


def _rows(ledger: Ledger, sequences: np.ndarray, twins: Sequence[int]) -> np.ndarray:
    every = np.repeat(sequences, len(twins))
    rows = np.zeros(len(every), READING_DTYPE)
    rows["twin"] = np.tile(np.asarray(twins, np.int32), len(sequences))
    rows["sample_time_us"] = ledger.time_us(every)
    rows["voltage_v"] = voltage_v(every)
    rows["current_a"] = snap_to_grid("current_a", np.full(len(every), 0.02, np.float32))
    rows["temperature_c"] = snap_to_grid("temperature_c", np.full(len(every), 26.0, np.float32))
    rows["internal_resistance_mohm"] = np.nan
    return rows


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
