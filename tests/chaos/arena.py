"""A real server to do harm to, its gateways' books, and what of both is checked."""

import asyncio
import functools
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import psutil
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from actors.local_fleet import LocalFleet
from clients.sync_client import TwinClient
from storage.embedded import EmbeddedPostgres
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from tests.bench.server_process import ServerProcess
from tests.chaos.checker import Verdict, check, read_back
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Proxy
from tests.chaos.states import NEVER_S, differing
from tests.end_to_end.up_process import SMALL_FLEET
from twin_server.fleet_setup import make_specs
from twin_server.operator_token import operator_token

_DAYS_BACK_S = 86_400


class Arena:
    """`batterytwin up` with 72 twins on two locations, which may be killed and started again.

    Args:
        folder: place of the data directory; other users must be able to reach it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self._fleet_file = folder / "fleet.toml"
        self._fleet_file.write_text(SMALL_FLEET, encoding="utf-8")
        self.port = _free_port()
        base_us = (int(time.time()) - _DAYS_BACK_S) * 1_000_000
        self.ledgers = [
            Ledger(tuple(f"{string}-B{n:02d}" for string in strings for n in range(1, 25)), base_us)
            for strings in (("BRK-U1-S01", "BRK-U1-S02"), ("HKT-R1-S01",))
        ]
        self._proxy: Proxy | None = None
        self._parts = ExitStack()
        self.server = self._started()

    def _started(self) -> ServerProcess:
        environment = {"DATABASE_URL": _through(self._proxy)} if self._proxy is not None else {}
        return ServerProcess(self.data_dir, "--port", str(self.port), *self._options, environment=environment)

    @property
    def _options(self) -> list[str]:
        return ["--no-simulator", "--no-dashboard", "--fleet-file", str(self._fleet_file)]

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
        return self.postgres.start()

    @property
    def postgres(self) -> EmbeddedPostgres:
        """What serves the database, whoever started it."""
        return EmbeddedPostgres(self.data_dir)

    @property
    def archive(self) -> Path:
        """Folder of the archive."""
        return self.data_dir / "archive"

    def database_proxy(self) -> Proxy:
        """Moves the server away from its database, if it is not yet, and returns what stands between.

        It works on the same data, but the database is not its own any more: it does not start it again.
        """
        if self._proxy is None:
            self.server.wait_for("ready")
            self.server.stop()
            socket_dir = unquote(self.url.rsplit("host=", 1)[1])
            self._proxy = self._parts.enter_context(Proxy(Path(socket_dir) / ".s.PGSQL.5432"))
            self.server = self._started()
            self.server.wait_for("ready")
        return self._proxy

    @contextmanager
    def second_server(self) -> Iterator["ServerProcess"]:
        """One more server on the same database and archive, with a data directory of its own."""
        environment = {"DATABASE_URL": self.url, "BATTERYTWIN_ARCHIVE_DIR": str(self.archive)}
        second = ServerProcess(self.folder / "second", *self._options, environment=environment)
        try:
            second.wait_for("ready")
            yield second
        finally:
            second.stop()

    def keep_up(self) -> None:
        """Does what a supervisor does: starts the server where it has ended, and a database that is not its own."""
        if not self.server.is_running():
            self.server = self._started()
        elif self._proxy is not None and not self.postgres.is_running():
            self.postgres.start()

    def health(self, service: str) -> str:
        """What the health service says of a name; FAILED when it says nothing."""
        with suppress(grpc.RpcError), grpc.insecure_channel(self.target) as channel:
            stub: Any = HealthStub(channel)
            answer = stub.Check(HealthCheckRequest(service=service), timeout=5.0)
            return HealthCheckResponse.ServingStatus.Name(answer.status)
        return "FAILED"

    def check(self) -> Verdict:
        """Reads everything back: rows of the database, and the twins."""
        verdict = Verdict()
        with TwinClient(self.target, token=self.token) as client:
            for ledger in self.ledgers:
                twins = {name: client.get_twin(name) for name in ledger.battery_ids}
                newest = {
                    name: round(twin.as_of.timestamp() * 1e6) for name, twin in twins.items() if twin.as_of is not None
                }
                verdict.add(check(ledger, read_back(self.url, self.archive, ledger.battery_ids), newest))
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
            self.postgres.stop()

    async def _differing(self, url: str) -> int:
        store = await ServerStore.connect(url)
        try:
            inventory, keys = await store.load_inventory()
        finally:
            await store.close()
        specs = make_specs(inventory, keys)
        found = LocalFleet([specs], functools.partial(PostgresShardStore, url, self.archive), NEVER_S)
        return await differing(found, specs, self.ledgers)

    def end(self) -> list[int]:
        """Ends everything that it started; returns processes that had to be killed."""
        family = self.server.processes()
        with suppress(Exception):
            if self.server.is_running():
                self.server.stop()
        with suppress(Exception):
            self.postgres.stop()
        self._parts.close()
        _, alive = psutil.wait_procs(family, timeout=10)
        left = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
        for process in left:
            process.kill()
        return [process.pid for process in left]


def _through(proxy: Proxy) -> str:
    return f"postgresql://batterytwin@127.0.0.1:{proxy.port}/batterytwin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
