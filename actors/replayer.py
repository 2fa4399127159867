"""The twin as it was at an instant of the past, as it was known at another."""

from dataclasses import dataclass

import numpy as np

from actors.filter import FilterParameters
from actors.fleet import TwinSpec
from actors.input_log import LogEnd
from actors.limits import AlertLimits, PlausibilityLimits
from actors.replay import replay
from actors.twin_memory import MEMORY_LAYOUT, TWIN_BYTES, TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.telemetry import Rows
from storage.past_store import Moment, PastStore
from storage.shard_store import TwinSnapshot

_ONE = np.zeros(1, np.int32)


@dataclass(frozen=True, slots=True)
class PastTwin:
    """A twin as it was.

    Attributes:
        live: its present then, `LIVE_DTYPE`, shape `(1,)`; `as_of_us` = 0 where it had no row yet.
        newest: its newest row then with the estimates that were stored, `TELEMETRY_DTYPE`, shape `(1,)` or `(0,)`.
        snapshot_us: watermark of the snapshot that the replay began from; None = from nothing.
        row_count: rows replayed.
        revision: how often its past had been computed anew.
        state_sha256: SHA-256 of its state, as `Fleet.state_hashes` tells it; more than a month ago accumulators of life
            are missing in the snapshots, and it is another.
    """

    live: Rows
    newest: Rows
    snapshot_us: int | None
    row_count: int
    revision: int
    state_sha256: str


class TwinReplayer:
    """Replays the past of single twins; plain, slow beside a shard, and in nobody's way.

    Args:
        store: where the past is.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
    """

    def __init__(
        self, store: PastStore, alerts: AlertLimits | None = None, plausibility: PlausibilityLimits | None = None
    ) -> None:
        self._store = store
        self._limits = (alerts or AlertLimits(), plausibility or PlausibilityLimits())

    def twin_at(self, spec: TwinSpec, moment: Moment, *, from_blank: bool = False) -> PastTwin:
        """The twin of a battery at a moment.

        Args:
            spec: the battery.
            moment: instant, and what was known.
            from_blank: replay the whole log, without a snapshot.

        Raises:
            StoreUnavailableError: the database is away.
        """
        key = spec.battery_key
        memory, rows, snapshot = self._replay(spec, moment, from_blank=from_blank)
        return PastTwin(
            live=memory.live(FilterParameters.from_specs([spec]), _ONE),
            newest=rows[-1:] if len(rows) else self._store.newest_row(key, moment),
            snapshot_us=None if snapshot is None else snapshot.watermark_us,
            row_count=len(rows),
            revision=self._store.revision_at(key, moment),
            state_sha256=memory.state_hash(0),
        )

    def state_at(self, spec: TwinSpec, moment: Moment) -> tuple[bytes, bytes]:
        """State and life of the twin of a battery at a moment, as `TwinMemory.from_bytes` takes them.

        Raises:
            StoreUnavailableError: the database is away.
        """
        memory, _, _ = self._replay(spec, moment, from_blank=False)
        return memory.to_bytes(0), memory.life_bytes(0)

    def _replay(
        self, spec: TwinSpec, moment: Moment, *, from_blank: bool
    ) -> tuple[TwinMemory, Rows, TwinSnapshot | None]:
        stepper = TwinStepper([spec], *self._limits)
        memory = TwinMemory.blank(stepper.parameters)
        key = spec.battery_key
        snapshot = None if from_blank else self._store.snapshot_before(key, MEMORY_LAYOUT, moment)
        if snapshot is not None and len(snapshot.state) == TWIN_BYTES:
            memory.from_bytes(0, snapshot.state, snapshot.life, stepper.parameters)
        else:
            snapshot = None
        rows = self._store.rows_between(key, 0 if snapshot is None else snapshot.watermark_us, moment)
        inputs = self._store.inputs_between(key, int(memory.records["input_seq"][0]), moment)
        for _ in replay(LogEnd(rows, inputs), memory, _ONE, np.array([key], np.int32), stepper):
            pass
        return memory, rows, snapshot
