"""Rebuilds many twins from their logs, in processes that leave the live ones their time."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from actors.fleet import TwinSpec
from actors.rebuilder import RebuiltTwin, SnapshotCheck, TwinRebuilder
from storage.postgres_past_store import PostgresPastStore
from storage.rebuilt_snapshots import store_rebuilt

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class RebuildJob:
    """What to rebuild from where.

    Attributes:
        url: libpq connection string or URL of a migrated database.
        archive: folder of sealed days.
        until_us: end of the logs, microseconds since 1970 UTC.
        keep: store the states, so that a start under this filter version begins from them; not where a stored one rests
            on rows that are no longer kept.
    """

    url: str
    archive: Path
    until_us: int
    keep: bool


@dataclass(frozen=True, slots=True)
class RebuiltBattery:
    """One battery after its rebuild.

    Attributes:
        battery_id: its slot.
        twin: its twin.
        kept: its state was stored.
    """

    battery_id: str
    twin: RebuiltTwin
    kept: bool


def rebuild_all(job: RebuildJob, specs: Sequence[TwinSpec], process_count: int) -> Iterator[RebuiltBattery]:
    """Rebuilds twins, as they get ready.

    Raises:
        StoreUnavailableError: the database is away.
    """
    with ProcessPoolExecutor(process_count, get_context("spawn"), _begin, (job,)) as pool:
        for done in as_completed([pool.submit(_rebuild, spec) for spec in specs]):
            yield done.result()


_worker: "_Worker | None" = None


class _Worker:
    def __init__(self, job: RebuildJob) -> None:
        self._job = job
        self._rebuilder = TwinRebuilder(PostgresPastStore(job.url, job.archive))

    def rebuild(self, spec: TwinSpec) -> RebuiltBattery:
        kept = False
        for _ in range(_TRIES):  # again, if something came late meanwhile
            twin = self._rebuilder.rebuild(spec, self._job.until_us)
            if not self._job.keep or twin.snapshot is None or twin.check is SnapshotCheck.BEGAN_EARLIER:
                break
            kept = store_rebuilt(self._job.url, twin.snapshot, twin.revision)
            if kept:
                break
        return RebuiltBattery(spec.battery_id, twin, kept)


def _begin(job: RebuildJob) -> None:
    global _worker  # noqa: PLW0603 # one a process
    os.nice(10)  # the live twins come first
    _worker = _Worker(job)


def _rebuild(spec: TwinSpec) -> RebuiltBattery:
    if _worker is None:
        raise RuntimeError("the process was not begun")
    return _worker.rebuild(spec)
