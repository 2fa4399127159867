"""The queue of projections: one is computed at a time, beside the server and behind the twins."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol

import structlog

from batterytwin.errors import (
    OverloadedError,
    StoreUnavailableError,
    TwinError,
    UnavailableError,
    UnknownProjectionError,
)
from batterytwin.scenarios import ProjectionState
from storage.access_records import AuditEntry
from storage.projection_records import NewProjection, ProjectionOutcome, ProjectionRecord
from twin_server.projection_job import ProjectionNews, Tell

MOST_WAITING: Final = 20
"""Projections that may wait."""

_LOOK_S: Final = 30.0
_RETRY_S: Final = 2.0
_COME_BACK_S: Final = 60.0

_log = structlog.get_logger(__name__)

Compute = Callable[[bytes, Tell], Awaitable[ProjectionOutcome]]
"""Computes what a request asks; cancelling it ends it within two seconds."""


class ProjectionStore(Protocol):
    """What the queue needs of the store; see `storage.projection_table`."""

    async def add_projection(
        self, new: NewProjection, most_waiting: int, audit: AuditEntry | None = None
    ) -> ProjectionRecord | None:
        """Takes a projection into the queue; None = it is full."""

    async def projection(self, projection_id: str, *, deleted_too: bool = False) -> ProjectionRecord | None:
        """One projection."""

    async def begin_projection(self) -> ProjectionRecord | None:
        """Lets the oldest one that waits run."""

    async def requeue_projections(self) -> None:
        """Lets wait again what ran."""

    async def end_projection(self, projection_id: str, outcome: ProjectionOutcome, now_us: int) -> bool:
        """Keeps what came of one that runs."""

    async def cancel_projection(
        self, projection_id: str, request_id: str, now_us: int, audit: AuditEntry | None = None
    ) -> bool:
        """Cancels or deletes one."""


class ProjectionKeeper:
    """Takes projections, computes them one after the other, and keeps what came of them.

    All of it is in the database: what waits when the server ends goes on waiting, what runs is computed anew.

    Args:
        store: where they are kept.
        compute: computes one; None = nothing is taken.
    """

    def __init__(self, store: ProjectionStore, compute: Compute | None) -> None:
        self._store = store
        self._compute = compute
        self._asking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._running: tuple[str, asyncio.Future[ProjectionOutcome]] | None = None
        self._news = ProjectionNews()

    def news_of(self, projection_id: str) -> ProjectionNews:
        """How far a projection has come that runs here; nothing of any other."""
        if self._running is not None and self._running[0] == projection_id:
            return self._news
        return ProjectionNews()

    async def ask(self, new: NewProjection, audit: AuditEntry | None = None) -> ProjectionRecord:
        """Takes a projection into the queue; a request that was taken before gets the same one.

        Raises:
            OverloadedError: too many wait.
            UnavailableError: this server computes none.
        """
        if self._compute is None:
            raise UnavailableError("This server computes no projections; ask the one that it belongs to.")
        async with self._asking:  # counting what waits and adding one must not interleave
            record = await self._store.add_projection(new, MOST_WAITING, audit)
        if record is None:
            raise OverloadedError(
                f"{MOST_WAITING} projections wait already; cancel one, or ask again when one is done.",
                retry_after_s=_COME_BACK_S,
            )
        self._wake.set()
        return record

    async def cancel(self, projection_id: str, request_id: str, audit: AuditEntry | None = None) -> ProjectionRecord:
        """Cancels a projection that is not over, or deletes one that is; the same request again changes nothing.

        Raises:
            UnknownProjectionError: there is none.
        """
        changed = await self._store.cancel_projection(projection_id, request_id, _now_us(), audit)
        if changed and self._running is not None and self._running[0] == projection_id:
            self._running[1].cancel()
            await asyncio.wait({self._running[1]})
        record = await self._store.projection(projection_id, deleted_too=True)
        if record is None:
            raise unknown_projection(projection_id)
        return record

    async def run(self) -> None:
        """Computes what waits until it is cancelled."""
        if self._compute is None:
            return
        await self._insist(self._store.requeue_projections)
        while True:
            self._wake.clear()
            record = await self._insist(self._store.begin_projection)
            if record is not None:
                await self._work(self._compute, record)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()

    async def _work(self, compute: Compute, record: ProjectionRecord) -> None:
        self._news = ProjectionNews()
        computing = asyncio.ensure_future(compute(record.request, self._tell))
        self._running = record.projection_id, computing
        begun_s = time.monotonic()
        try:
            await asyncio.wait({computing})
        finally:
            if not computing.done():  # the server ends
                computing.cancel()
                await asyncio.wait({computing})
            begin_us, self._running = self._news.begin_us, None
        if computing.cancelled():
            return
        error = computing.exception()
        if isinstance(error, StoreUnavailableError):
            _log.warning("projection begins again", projection=record.projection_id, reason=error.message)
            await asyncio.sleep(_RETRY_S)
            await self._insist(self._store.requeue_projections)
            return
        if error is None:
            outcome = computing.result()
        else:
            _log.warning("projection failed", projection=record.projection_id, exc_info=error)
            reason = error.message if isinstance(error, TwinError) else f"unexpected {type(error).__name__}"
            outcome = ProjectionOutcome(ProjectionState.FAILED, begin_us, time.monotonic() - begun_s, reason)
        await self._insist(lambda: self._store.end_projection(record.projection_id, outcome, _now_us()))

    def _tell(self, news: ProjectionNews) -> None:
        self._news = news

    async def _insist(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What the store answers, however long the database is away."""
        while True:
            try:
                return await ask()
            except StoreUnavailableError:
                await asyncio.sleep(_RETRY_S)


def unknown_projection(projection_id: str) -> UnknownProjectionError:
    """What is told of a projection that is not there, or that the caller may not see."""
    return UnknownProjectionError(
        f"There is no projection {projection_id[:64]}.", field="projection_id", value=projection_id
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
