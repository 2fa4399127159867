"""A twin made anew from its whole log, beside the one that lives, and what differs from what was told."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from actors.estimate_difference import Differences
from actors.fleet import TwinSpec
from actors.input_log import LogEnd
from actors.limits import AlertLimits, PlausibilityLimits
from actors.replay import replay
from actors.twin_memory import MEMORY_LAYOUT, TWIN_BYTES, TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.telemetry import RECEIVED_EPOCH_S, TELEMETRY_DTYPE, Rows
from storage.past_store import Moment, PastStore
from storage.shard_store import LoggedInput, TwinSnapshot

_ONE = np.zeros(1, np.int32)
_STRETCH_US: Final = 30 * 86_400_000_000  # what is in memory at a time: 43,200 rows of a minute


class SnapshotCheck(StrEnum):
    """Whether the newest stored snapshot of this filter version is what the log makes."""

    SAME = "same"
    DIFFERS = "differs"
    BEGAN_EARLIER = "began earlier"
    """It has taken in rows that are no longer kept; what the rest of the log makes is less."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RebuiltTwin:
    """A twin that was computed from its log alone.

    Attributes:
        snapshot: its state at its newest row; None = it has no row.
        revision: that of the past it was computed from.
        row_count: rows of the log.
        versions: names of the filter versions whose estimates were stored, oldest first.
        differences: estimates anew minus those stored.
        check: the newest stored snapshot against the log.
    """

    snapshot: TwinSnapshot | None
    revision: int
    row_count: int
    versions: tuple[str, ...]
    differences: Differences
    check: SnapshotCheck


class TwinRebuilder:
    """Computes twins from their logs with the filter that is installed; changes nothing.

    Args:
        store: where the logs are.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
    """

    def __init__(
        self, store: PastStore, alerts: AlertLimits | None = None, plausibility: PlausibilityLimits | None = None
    ) -> None:
        self._store = store
        self._limits = (alerts or AlertLimits(), plausibility or PlausibilityLimits())
        self._versions = store.filter_versions()

    def rebuild(self, spec: TwinSpec, until_us: int) -> RebuiltTwin:
        """Computes one twin from its first row to a time, microseconds since 1970 UTC.

        Raises:
            StoreUnavailableError: the database is away.
        """
        key, moment = spec.battery_key, Moment(until_us)
        revision = self._store.revision_at(key, moment)
        inputs = self._store.inputs_between(key, 0, moment)
        stepper = TwinStepper([spec], *self._limits)
        memory, stored = TwinMemory.blank(stepper.parameters), TwinMemory.blank(stepper.parameters)
        snapshot = self._store.snapshot_before(key, MEMORY_LAYOUT, moment)
        if snapshot is not None and len(snapshot.state) == TWIN_BYTES:
            stored.from_bytes(0, snapshot.state, snapshot.life, stepper.parameters)
        stored_us, stored_seq = (int(stored.records[name][0]) for name in ("watermark_us", "input_seq"))
        check, differences, row_count, versions = SnapshotCheck.NONE, Differences(), 0, dict[str, None]()
        begin_us = 0
        for end_us in self._ends(key, until_us, stored_us):
            rows = self._store.rows_between(key, begin_us, Moment(end_us))
            due = [i for i in inputs if i.watermark_us <= end_us and (end_us > stored_us or i.seq <= stored_seq)]
            inputs = [i for i in inputs if i not in due]
            differences.add(rows, _apply(rows, due, memory, stepper, key))
            row_count += len(rows)
            versions |= dict.fromkeys(self._names(rows))
            begin_us = end_us
            if end_us == stored_us:
                check = _check(memory, stored)
        watermark_us = int(memory.records["watermark_us"][0])
        state = TwinSnapshot(key, watermark_us, MEMORY_LAYOUT, memory.to_bytes(0), memory.life_bytes(0))
        return RebuiltTwin(state if watermark_us else None, revision, row_count, tuple(versions), differences, check)

    def _ends(self, key: int, until_us: int, stored_us: int) -> Iterator[int]:
        """Where stretches of the log end: every month, at the stored snapshot, and at the end of all."""
        first_us, last_us = self._store.log_span(key) or (until_us, until_us)
        ends = {*range(first_us + _STRETCH_US, min(last_us, until_us), _STRETCH_US), until_us}
        if 0 < stored_us < until_us:
            ends.add(stored_us)
        yield from sorted(ends)

    def _names(self, rows: Rows) -> list[str]:
        if not len(rows) or not self._versions:
            return []
        received_us = (np.unique(rows["received_s"]).astype(np.int64) + RECEIVED_EPOCH_S) * 1_000_000
        since_us = np.array([version.since_us for version in self._versions], np.int64)
        places = np.unique(np.maximum(np.searchsorted(since_us, received_us, side="right") - 1, 0))
        return [self._versions[place].name for place in places.tolist()]


def _check(memory: TwinMemory, stored: TwinMemory) -> SnapshotCheck:
    if memory.records["accepted_count"][0] < stored.records["accepted_count"][0]:
        return SnapshotCheck.BEGAN_EARLIER
    return SnapshotCheck.SAME if _same(memory, stored) else SnapshotCheck.DIFFERS


def _same(memory: TwinMemory, stored: TwinMemory) -> bool:
    """Whether a stored twin is what the log makes; a life that began late cannot be."""
    same_life = bool(stored.lives["begun_late"][0]) or memory.lives.tobytes() == stored.lives.tobytes()
    return same_life and memory.to_bytes(0) == stored.to_bytes(0)


def _apply(rows: Rows, inputs: list[LoggedInput], memory: TwinMemory, stepper: TwinStepper, key: int) -> Rows:
    """Applies a stretch of the log; gives the rows with their new estimates, in order."""
    steps = replay(LogEnd(rows, inputs), memory, _ONE, np.array([key], np.int32), stepper)
    return np.concatenate([np.empty(0, TELEMETRY_DTYPE), *(step.stored for step in steps)])
