"""Whether the server can do its work, told by the health service and by `GetStatus`."""

import asyncio
from typing import Final, Protocol

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health

from actors.fleet import Fleet
from batterytwin.errors import TwinError

DATABASE_PROBE_S: Final = 2.0
SHARD_PROBE_S: Final = 6.0
PROBE_TIMEOUT_S: Final = 2.0
LIVENESS: Final = "liveness"
"""Name under which health is SERVING for as long as the process answers at all; the others tell readiness."""

_log = structlog.get_logger(__name__)


class PingStore(Protocol):
    """What readiness needs of the store."""

    async def ping(self) -> None:
        """Raises `StoreUnavailableError` while the database is away."""


class Readiness:
    """Watches database and shards, and sets the health of each service name.

    A server without its database is alive and not ready: to restart it would help nobody, and it comes back by itself.

    Attributes:
        damaged_snapshots: snapshots of twins found damaged; no reason not to be ready, for older ones serve as well.
    """

    def __init__(self, health_servicer: health.HealthServicer, service_names: tuple[str, ...]) -> None:
        self._health = health_servicer
        self._names = ("", *service_names)
        self._restoring = True
        self._stopping = False
        self._database = True
        self._unsupervised = ""
        self._shards: list[bool] = []
        self._told: bool | None = None
        self.damaged_snapshots = 0

    @property
    def shards_ready(self) -> int:
        """Shards that answered last time."""
        return sum(self._shards)

    @property
    def shards_away(self) -> list[int]:
        """Numbers of those that did not, or whose twins have another owner."""
        return [shard for shard, answers in enumerate(self._shards) if not answers]

    @property
    def restoring(self) -> bool:
        """Whether twins are still being restored after the start."""
        return self._restoring

    def reasons(self) -> list[str]:
        """What is missing, for people; empty = ready."""
        found = []
        if self._stopping:
            found.append("the server is shutting down")
        if self._restoring:
            found.append("twins are being restored")
        if not self._database:
            found.append("the database does not answer")
        if self._unsupervised:
            found.append(self._unsupervised)
        if away := len(self._shards) - self.shards_ready:
            found.append(f"{away} of {len(self._shards)} shards do not answer, or their twins have another owner")
        return found

    async def set_restored(self, shard_count: int) -> None:
        """Says that every twin is back."""
        self._restoring = False
        self._shards = [True] * shard_count
        await self.tell()

    async def set_stopping(self) -> None:
        """Says that the server stops."""
        self._stopping = True
        await self.tell()

    async def set_unsupervised(self, reason: str) -> None:
        """Says why a shard that died could not be started again."""
        self._unsupervised = reason
        await self.tell()

    async def probe_database(self, store: PingStore) -> None:
        """Asks the database for a sign of life."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await store.ping()
            self._database = True
        except (TwinError, TimeoutError):
            self._database = False
        await self.tell()

    async def probe_shards(self, fleet: Fleet) -> None:
        """Asks every shard for a sign of life."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                self._shards = await fleet.ready()
        except (TwinError, TimeoutError):
            self._shards = [False] * len(self._shards)
        await self.tell()

    async def tell(self) -> None:
        """Tells the health service if something has changed."""
        reasons = self.reasons()
        if self._told == (not reasons):
            return
        self._told = not reasons
        _log.info("ready" if self._told else "not ready", reasons=reasons)
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set(LIVENESS, serving)
        for name in self._names:
            await self._health.set(name, serving if self._told else not_serving)
