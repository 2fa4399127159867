"""A shard: twins, the log that they own, and the order of work that loses nothing. Plain Python; knows no Ray."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actors.alert_reconcile import Standing, reconcile
from actors.applied_batch import AppliedBatch, LateWorker, has_late_rows, in_order
from actors.fleet import ShardResult, TwinSpec
from actors.input_log import LogEnd, check_inputs, fresh_inputs
from actors.intake import TwinFinder
from actors.life_values import life_inputs
from actors.limits import AlertLimits, PlausibilityLimits
from actors.replacement import replaced_us, split_late
from actors.replay import replay
from actors.restore import restore_twins
from actors.revision import RevisedPast, Reviser
from actors.snapshot_rounds import SnapshotRounds
from actors.twin_memory import MEMORY_LAYOUT, TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.alerts import AlertTransition
from batterytwin.errors import LeaseLostError, StoreUnavailableError
from batterytwin.events import TwinInput
from batterytwin.telemetry import Rows, to_received_s
from storage.shard_store import ShardCommit, ShardStore, TwinSnapshot


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
        limits = alerts or AlertLimits()
        self._stepper = TwinStepper(specs, limits, plausibility or PlausibilityLimits())
        self._standing = Standing(self._specs, limits)
        self._reviser = Reviser(self._keys, self._stepper, store, self._standing)
        self._late = LateWorker(self._keys, self._stepper, self._reviser, store)
        self._finder = TwinFinder(len(specs))
        self._twin_of = self._stepper.twin_of
        self._memory = TwinMemory.blank(self._stepper.parameters)
        self._rounds = SnapshotRounds(len(specs), snapshot_interval_s)
        self._in_doubt = False
        self._past_in_doubt = False
        self._lost: LeaseLostError | None = None

    def restore(self) -> Rows:
        """Takes the twins over and brings them to where their log ends.

        Returns:
            Present of all twins, `LIVE_DTYPE`, shape `(n_twins,)`.

        Raises:
            StoreUnavailableError: the database is away.
        """
        self._store.take_over([int(key) for key in self._keys])
        self._restore_twins()
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
            received_s = to_received_s(receive_time_us)
            step = self._stepper.step(work, slots, rows, judged=False)
            batch = in_order(step)
            if has_late_rows(step):
                batch = self._late.work_in(rows, slots, touched, work, step, self._memory, received_s)
            alerts = self._alerts_of(batch)
            if batch.is_new:
                snapshots = self._due_snapshots(batch.past, len(rows))
                for part in batch.steps:
                    part.stored["received_s"] = received_s
                self._commit(_commit_of(batch, receive_time_us, alerts, snapshots))
                self._memory.put(touched, work)
                self._follow(batch)
                self._note_batch(batch)
                self._note_commit(touched, sum(len(part.stored) for part in batch.steps), snapshots)
        except LeaseLostError as error:
            self._lost = error
            raise
        if caught_up:  # others than those of this batch may have moved
            return ShardResult(batch.outcomes, self._all, self.live(), alerts)
        return ShardResult(batch.outcomes, touched, work.live(self._stepper.parameters, touched), alerts)

    def apply_inputs(self, inputs: Sequence[TwinInput]) -> ShardResult:
        """Applies what is no reading and makes it durable: evidence after all rows so far, replacements at their time.

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
            due, late = split_late(fresh, self._memory.records["watermark_us"], self._twin_of)
            alerts = [*self._take_due_inputs(due), *self._take_late_inputs(late)]
        except LeaseLostError as error:
            self._lost = error
            raise
        if caught_up:
            touched = self._all
        live = self._memory.take(touched).live(self._stepper.parameters, touched)
        return ShardResult(outcomes, touched, live, tuple(alerts))

    def _take_due_inputs(self, inputs: Sequence[TwinInput]) -> Sequence[AlertTransition]:
        if not inputs:
            return ()
        touched = np.array(list(dict.fromkeys(self._twin_of[i.battery_key] for i in inputs)), np.int32)
        work = self._memory.take_whole(touched)
        before = self._standing.of(work.records, touched)
        logged = self._stepper.take_inputs(work, touched, inputs)
        alerts = reconcile(before, self._standing.of(work.records, touched), (), replaced_us(inputs))
        snapshots = self._due_snapshots(None, 0)
        self._commit(ShardCommit(time.time_ns() // 1_000, alerts=alerts, snapshots=snapshots, inputs=logged))
        self._memory.put(touched, work)
        self._reviser.cursors.forget(touched.tolist())
        self._note_commit(touched, 0, snapshots)
        return alerts

    def _take_late_inputs(self, inputs: Sequence[TwinInput]) -> Sequence[AlertTransition]:
        alerts: list[AlertTransition] = []
        for given in inputs:  # one after the other: a battery may have been replaced twice
            past = self._reviser.take_late_inputs([given], self._memory)
            snapshots = self._due_snapshots(past, 0)
            self._commit(
                ShardCommit(
                    time.time_ns() // 1_000,
                    alerts=past.alerts,
                    snapshots=snapshots,
                    inputs=past.inputs,
                    revisions=past.revisions,
                    revised=past.revised,
                )
            )
            self._memory.put(past.twins, past.memory)
            self._reviser.cursors.forget(past.twins.tolist())
            self._note_commit(past.twins, 0, snapshots)
            alerts += past.alerts
        return alerts

    def snapshot_now(self) -> None:
        """Stores the state of every twin that changed since its last snapshot.

        Raises:
            StoreUnavailableError: the database is away. No snapshot is harmless: the log has everything.
            LeaseLostError: another owner has the twins.
        """
        self._check_owner()
        if self._in_doubt:  # memory may lack late rows that are stored: after a snapshot of it no restart sees them
            self._catch_up()
        for twins in self._rounds.parts():
            part = [self._snapshot(twin, self._memory, twin) for twin in twins]
            commit = ShardCommit(time.time_ns() // 1_000, snapshots=part)
            try:
                self._store.commit(commit)
            except StoreUnavailableError:  # the session may have ended with a database that is there again
                self._store.commit(commit)
        self._rounds.note_all_saved()

    def live(self) -> Rows:
        """Present of all twins, `LIVE_DTYPE`, shape `(n_twins,)`."""
        return self._memory.live(self._stepper.parameters, self._all)

    def life_inputs(self, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """What is known of the lives of some twins, or of all, `LifeInputs`, shape `(n_twins, N_LIFE_INPUTS)`."""
        memory, parameters = self._memory, self._stepper.parameters
        if twins is not None:
            memory, parameters = memory.take_whole(twins), parameters.take(twins)
        return life_inputs(memory.lives, memory.state, parameters)

    def copy(self) -> TwinMemory:
        """Copies of all twins."""
        return self._memory.take_whole(self._all)

    def state_hashes(self) -> dict[int, str]:
        """SHA-256 of all that is held of each twin, by battery key."""
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

    def _restore_twins(self) -> None:
        self._rounds.changed |= restore_twins(self._memory, self._stepper, self._keys, self._store)
        self._reviser.cursors.forget()

    def _alerts_of(self, batch: AppliedBatch) -> tuple[AlertTransition, ...]:
        """Changes of alerts, oldest first."""
        told = [change for part in batch.steps for change in self._standing.transitions(part)]
        if batch.past is None:
            return tuple(told)
        return tuple(sorted([*batch.past.alerts, *told], key=lambda change: change.sample_time_us))

    def _commit(self, commit: ShardCommit) -> None:
        self._in_doubt = True  # a connection lost during COMMIT does not say whether it came through
        self._past_in_doubt |= bool(commit.revisions)
        self._store.commit(commit)
        self._in_doubt = self._past_in_doubt = False

    def _catch_up(self) -> None:
        """Applies what a commit in doubt has stored after all."""
        if self._past_in_doubt:  # rows may have come into the past: their twins are no longer where memory has them
            self._memory = TwinMemory.blank(self._stepper.parameters)
            self._restore_twins()
        else:
            records, keys = self._memory.records, self._keys.tolist()
            tail = self._store.read_tail(dict(zip(keys, records["watermark_us"].tolist(), strict=True)))
            inputs = self._store.read_inputs(dict(zip(keys, records["input_seq"].tolist(), strict=True)))
            for step in replay(LogEnd(tail, inputs), self._memory, self._all, self._keys, self._stepper):
                self._rounds.changed[step.twins] = True
            self._rounds.changed[[self._twin_of[logged.content.battery_key] for logged in inputs]] = True
            self._reviser.cursors.forget()
        self._in_doubt = self._past_in_doubt = False

    def _due_snapshots(self, past: RevisedPast | None, row_count: int) -> list[TwinSnapshot]:
        """States that this commit takes along: some of those that the round under way has still to store.

        They are as the last commit has left them, or with another past: lives follow a batch only after its commit.
        """
        slot_of = {} if past is None else dict(zip(past.twins.tolist(), range(len(past.twins)), strict=True))
        return [
            self._snapshot(twin, self._memory, twin)
            if past is None or twin not in slot_of
            else self._snapshot(twin, past.memory, slot_of[twin])
            for twin in self._rounds.due(row_count)
        ]

    def _snapshot(self, twin: int, memory: TwinMemory, place: int) -> TwinSnapshot:
        return TwinSnapshot(
            battery_key=int(self._keys[twin]),
            watermark_us=int(memory.records["watermark_us"][place]),
            layout=MEMORY_LAYOUT,
            state=memory.to_bytes(place),
            life=memory.life_bytes(place),
        )

    def _follow(self, batch: AppliedBatch) -> None:
        """Lets the lives of twins follow a batch that is durable."""
        if batch.past is not None:
            self._memory.put_lives(batch.past.twins, batch.past.memory.lives)
        for part in batch.steps:
            self._stepper.follow(self._memory.lives, part)

    def _note_batch(self, batch: AppliedBatch) -> None:
        cursors = self._reviser.cursors
        if batch.past is not None:
            cursors.replace(batch.past.twins.tolist(), batch.past.cursors)
        if len(cursors):
            for part in batch.steps:
                cursors.append(part.twins, part.stored)

    def _note_commit(self, touched: NDArray[np.int32], row_count: int, snapshots: Sequence[TwinSnapshot]) -> None:
        saved = [self._twin_of[snapshot.battery_key] for snapshot in snapshots]
        self._rounds.note_commit(saved, touched, row_count)


def _commit_of(
    batch: AppliedBatch, receive_time_us: int, alerts: Sequence[AlertTransition], snapshots: Sequence[TwinSnapshot]
) -> ShardCommit:
    past = batch.past
    if past is None:
        return ShardCommit(receive_time_us, batch.stored, alerts=alerts, snapshots=snapshots, too_late=batch.too_late)
    return ShardCommit(
        receive_time_us,
        batch.stored,
        past.late,
        alerts,
        snapshots,
        too_late=batch.too_late,
        revisions=past.revisions,
        revised=past.revised,
    )
