"""Work on the database that comes back every few minutes or hours, whatever is restarted meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from batterytwin.errors import TwinError

LOOK_EVERY_S: Final = 20.0
"""How often the scheduler looks for work that is due."""

_RETRY_S: Final = 120.0

_log = structlog.get_logger(__name__)


class JobStore(Protocol):
    """What the scheduler needs of the store; see `storage.job_table`."""

    async def claim_job(self, job: str, period_s: float) -> bool:
        """Whether a job is due, and claimed by this."""

    async def retry_job(self, job: str, period_s: float, retry_s: float) -> None:
        """Makes a failed job due sooner."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work that comes back.

    Attributes:
        name: names it in the database.
        period_s: time from one begin to the next, s.
        work: does it.
    """

    name: str
    period_s: float
    work: Callable[[], Awaitable[Any]]


class Scheduler:
    """Does jobs when they are due, one after the other.

    The database remembers when each was begun, so a restart neither forgets a job nor repeats it, several servers share
    the work, and after a long absence each job is done once.

    Args:
        store: where that is remembered.
        jobs: what there is to do.
    """

    def __init__(self, store: JobStore, jobs: Sequence[Job]) -> None:
        self._store = store
        self._jobs = tuple(jobs)
        self._failing: dict[str, str] = {}

    def failing(self) -> list[str]:
        """Jobs that failed the last time they were tried here, each with the reason, for people."""
        return [f"{job}: {reason}" for job, reason in self._failing.items()]

    async def look(self) -> None:
        """Does what is due.

        Raises:
            StoreUnavailableError: the database is away; the next look finds the same.
        """
        for job in self._jobs:
            if not await self._store.claim_job(job.name, job.period_s):
                continue
            try:
                await job.work()
                self._failing.pop(job.name, None)
            except asyncio.CancelledError:
                await asyncio.shield(self._store.retry_job(job.name, job.period_s, 0.0))
                raise
            except TwinError as error:
                self._failing[job.name] = error.message
                _log.warning("job failed, trying again", job=job.name, reason=error.message)
                await self._store.retry_job(job.name, job.period_s, _RETRY_S)
            except Exception as error:  # noqa: BLE001 - one job that fails must not keep the others from their turn
                self._failing[job.name] = f"unexpected {type(error).__name__}"
                _log.exception("job failed, trying again", job=job.name)
                await self._store.retry_job(job.name, job.period_s, _RETRY_S)
