"""A shard: twins, the log that they own, and the order of work that loses nothing. Plain Python; knows no Ray."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.alert_messages import to_transitions
from actors.fleet import ShardResult, TwinSpec
from actors.input_log import LogEnd, check_inputs, fresh_inputs
from actors.intake import TwinFinder
from actors.limits import AlertLimits, PlausibilityLimits
from actors.restore import replay, restore_twins
from actors.twin_memory import MEMORY_LAYOUT, TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.errors import LeaseLostError
from batterytwin.events import TwinInput
from batterytwin.telemetry import Outcome, Rows, to_received_s
from storage.shard_store import ShardCommit, ShardStore, TwinSnapshot

_ROWS_BETWEEN_SNAPSHOTS: Final = 200_000


class TwinShard:
    """Twins with their store. One caller at a time.

    A batch is applied to copies of the twins that it touches, made durable, and only then taken over, so that a failed
    commit leaves the twins as they were.

    Args:
        specs: twins, in the order of their positions.
        store: store that this shard alone uses.
        snapshot_interval_s: time after which a commit carries the states of the twins that changed.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.
    """

    def __init__(
        self,
        specs: Sequence[TwinSpec],
        store: ShardStore,
        snapshot_interval_s: float,
        alerts: AlertLimits | None = None,
        plausibility: PlausibilityLimits | None = None,
    ) -> None:
        self._specs = tuple(specs)
        self._all = np.arange(len(specs), dtype=np.int32)
        self._keys = np.array([spec.battery_key for spec in specs], np.int32)
        self._store = store
        self._alerts = alerts or AlertLimits()
        self._stepper = TwinStepper(specs, self._alerts, plausibility or PlausibilityLimits())
        self._finder = TwinFinder(len(specs))
        self._twin_of = {spec.battery_key: twin for twin, spec in enumerate(specs)}
        self._memory = TwinMemory.blank(self._stepper.parameters)
        self._changed = np.zeros(len(specs), np.bool_)  # since their last snapshot
        self._rows_since_snapshot = 0
        self._snapshot_interval_s = snapshot_interval_s
        self._snapshot_due_s = time.monotonic() + snapshot_interval_s
        self._in_doubt = False
        self._lost: LeaseLostError | None = None

    def restore(self) -> Rows:
        """Takes the twins over and brings them to where their log ends.

        Returns:
            Present of all twins, `LIVE_DTYPE`, shape `(n_twins,)`.

        Raises:
            StoreUnavailableError: the database is away.
        """
        self._store.take_over([int(key) for key in self._keys])
        replayed = restore_twins(self._memory, self._stepper, self._finder, self._keys, self._store)
        self._changed |= replayed
        return self.live()

    def apply(self, rows: Rows, receive_time_us: int) -> ShardResult:
        """Applies rows and makes them durable.

        Args:
            rows: `READING_DTYPE`, shape `(n_rows,)`, in order of arrival.
            receive_time_us: when the server received them, microseconds since 1970 UTC.

        Raises:
            InvalidArgumentError: a row names a twin that is not here; nothing was applied.
            StoreUnavailableError: the database is away; nothing was applied.
            LeaseLostError: another owner has the twins; this shard is of no more use.
        """
        self._check_owner()
        rows = np.array(rows)  # Ray hands over read-only memory, and judging changes the status
        touched, slots = self._finder.find(rows)
        try:
            caught_up = self._in_doubt
            if caught_up:
                self._catch_up()
            work = self._memory.take(touched)
            step = self._stepper.step(work, slots, rows, judged=False)
            late = self._sort_out_late(rows, step.outcomes)
            alerts = to_transitions(step.events, step.stored, step.twins, self._specs, self._alerts)
            if len(step.stored) or len(late):
                snapshots = self._due_snapshots(touched, work)
                late_rows = self._stepper.late_rows(late)
                step.stored["received_s"] = late_rows["received_s"] = to_received_s(receive_time_us)
                self._commit(ShardCommit(receive_time_us, step.stored, late_rows, alerts, snapshots))
                self._memory.put(touched, work)
                self._note_commit(touched, len(step.stored), snapshots)
        except LeaseLostError as error:
            self._lost = error
            raise
        if caught_up:  # others than those of this batch may have moved
            return ShardResult(step.outcomes, self._all, self.live(), alerts)
        return ShardResult(step.outcomes, touched, work.live(self._stepper.parameters, touched), alerts)

    def apply_inputs(self, inputs: Sequence[TwinInput]) -> ShardResult:
        """Applies evidence that is no reading, after all rows applied so far, and makes it durable.

        Args:
            inputs: any number; one whose (battery, source) is known changes nothing.

        Raises:
            InvalidArgumentError: a battery is not here, or a value is no evidence; nothing was applied.
            StoreUnavailableError: the database is away; nothing was applied.
            LeaseLostError: another owner has the twins; this shard is of no more use.
        """
        self._check_owner()
        check_inputs(inputs, self._twin_of)
        try:
            caught_up = self._in_doubt
            if caught_up:
                self._catch_up()
            known = self._store.stored_inputs({(i.battery_key, i.source_id) for i in inputs})
            outcomes, fresh = fresh_inputs(inputs, known)
            touched = np.array(list(dict.fromkeys(self._twin_of[i.battery_key] for i in fresh)), np.int32)
            work = self._memory.take(touched)
            logged = self._stepper.take_inputs(work, touched, fresh)
            if logged:
                snapshots = self._due_snapshots(touched, work)
                self._commit(ShardCommit(time.time_ns() // 1_000, snapshots=snapshots, inputs=logged))
                self._memory.put(touched, work)
                self._note_commit(touched, 0, snapshots)
        except LeaseLostError as error:
            self._lost = error
            raise
        if caught_up:
            return ShardResult(outcomes, self._all, self.live(), ())
        return ShardResult(outcomes, touched, work.live(self._stepper.parameters, touched), ())

    def snapshot_now(self) -> None:
        """Stores the state of every twin that changed since its last snapshot.

        Raises:
            StoreUnavailableError: the database is away.
            LeaseLostError: another owner has the twins.
        """
        self._check_owner()
        snapshots = [self._snapshot(int(twin), self._memory, int(twin)) for twin in np.flatnonzero(self._changed)]
        if snapshots:
            self._store.commit(ShardCommit(time.time_ns() // 1_000, snapshots=snapshots))
        self._note_snapshot()

    def live(self) -> Rows:
        """Present of all twins, `LIVE_DTYPE`, shape `(n_twins,)`."""
        return self._memory.live(self._stepper.parameters, self._all)

    def state_hashes(self) -> dict[int, str]:
        """SHA-256 of the state of each twin, by battery key."""
        return {int(key): self._memory.state_hash(twin) for twin, key in enumerate(self._keys)}

    @property
    def is_owner(self) -> bool:
        """Whether no other owner is known to have taken the twins over."""
        return self._lost is None

    def close(self) -> None:
        """Gives the store's connection back."""
        self._store.close()

    def _check_owner(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _commit(self, commit: ShardCommit) -> None:
        self._in_doubt = True  # a connection lost during COMMIT does not say whether it came through
        self._store.commit(commit)
        self._in_doubt = False

    def _catch_up(self) -> None:
        """Applies what a commit in doubt has stored after all."""
        records, keys = self._memory.records, self._keys.tolist()
        tail = self._store.read_tail(dict(zip(keys, records["watermark_us"].tolist(), strict=True)))
        inputs = self._store.read_inputs(dict(zip(keys, records["input_seq"].tolist(), strict=True)))
        self._changed |= replay(LogEnd(tail, inputs), self._memory, self._stepper, self._finder, self._keys)
        self._in_doubt = False

    def _sort_out_late(self, rows: Rows, outcomes: NDArray[np.uint8]) -> Rows:
        """Tells late rows from duplicates, in `outcomes`; returns the late ones."""
        places = np.flatnonzero(outcomes == Outcome.LATE)
        if not len(places):
            return rows[:0]
        old = rows[places]
        keys = self._keys[old["twin"]]
        times = np.ascontiguousarray(old["sample_time_us"])
        known = self._store.stored_mask(keys, times)
        order = np.lexsort((times, keys))
        repeated = (np.diff(keys[order]) == 0) & (np.diff(times[order]) == 0)
        first = np.ones(len(places), np.bool_)
        first[order[1:][repeated]] = False
        late = first & ~known
        outcomes[places[~late]] = Outcome.DUPLICATE
        return old[late]

    def _due_snapshots(self, touched: NDArray[np.int32], work: TwinMemory) -> list[TwinSnapshot]:
        if time.monotonic() < self._snapshot_due_s and self._rows_since_snapshot < _ROWS_BETWEEN_SNAPSHOTS:
            return []
        snapshots = [self._snapshot(int(twin), work, slot) for slot, twin in enumerate(touched)]
        others = self._changed.copy()
        others[touched] = False
        snapshots += [self._snapshot(int(twin), self._memory, int(twin)) for twin in np.flatnonzero(others)]
        return snapshots

    def _snapshot(self, twin: int, memory: TwinMemory, place: int) -> TwinSnapshot:
        return TwinSnapshot(
            battery_key=int(self._keys[twin]),
            watermark_us=int(memory.records["watermark_us"][place]),
            layout=MEMORY_LAYOUT,
            state=memory.to_bytes(place),
        )

    def _note_commit(self, touched: NDArray[np.int32], row_count: int, snapshots: Sequence[TwinSnapshot]) -> None:
        if snapshots:
            self._note_snapshot()
            return
        self._changed[touched] = True
        self._rows_since_snapshot += row_count

    def _note_snapshot(self) -> None:
        self._changed[:] = False
        self._rows_since_snapshot = 0
        self._snapshot_due_s = time.monotonic() + self._snapshot_interval_s
