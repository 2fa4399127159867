"""The past of twins computed anew, with rows and inputs in it that came late."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.alert_reconcile import Standing, reconcile
from actors.input_log import LogEnd
from actors.late_cursors import MOST_ROWS, LateCursor, LateCursors
from actors.replacement import replaced_us
from actors.replay import replay
from actors.twin_memory import MEMORY_LAYOUT, TWIN_BYTES, TwinMemory
from actors.twin_step import Step, TwinStepper
from batterytwin.alerts import AlertTransition
from batterytwin.events import REACH_US, TwinInput
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.shard_store import LoggedInput, Revision, ShardStore


@dataclass(frozen=True, slots=True)
class RevisedPast:
    """What came late made of the past of some twins.

    Attributes:
        twins: positions of these twins in the shard, rising, shape `(n_twins,)`.
        memory: the twins as they would be had all come in time; their watermarks are what they were.
        late: the late rows with the estimates after them, `TELEMETRY_DTYPE`.
        revised: rows after what came late that are stored already, as they are now.
        revisions: one of each twin.
        alerts: changes that make the alerts agree with the new past.
        cursors: where to go on when more late rows follow, by twin; one of which too much follows has none.
        inputs: late inputs with their places in the logs of their twins.
    """

    twins: NDArray[np.int32]
    memory: TwinMemory
    late: Rows
    revised: Rows
    revisions: list[Revision]
    alerts: list[AlertTransition]
    cursors: dict[int, LateCursor]
    inputs: list[LoggedInput]


class Reviser:
    """Computes the past of twins anew.

    Args:
        keys: database keys of the shard's twins, shape `(n_twins,)`.
        stepper: their filter and rules.
        store: where their log is.
        standing: names the alerts that stand in a twin's record.
    """

    def __init__(self, keys: NDArray[np.int32], stepper: TwinStepper, store: ShardStore, standing: Standing) -> None:
        self._keys = keys
        self._stepper = stepper
        self._store = store
        self._standing = standing
        self.cursors = LateCursors()

    def revise(self, late: Rows, present: TwinMemory) -> RevisedPast:
        """Computes the past of every twin that has a late row.

        Args:
            late: new rows, not newer than their twins, `TELEMETRY_DTYPE` without estimates.
            present: all twins of the shard as they are; not changed.

        Raises:
            StoreUnavailableError: the database is away.
        """
        twins = np.sort(_places(self._keys, np.unique(late["battery_key"]))).astype(np.int32)
        return self._revise(twins, late, [], _span(late, self._keys[twins]), present)

    def take_late_inputs(self, late: Sequence[TwinInput], present: TwinMemory) -> RevisedPast:
        """Computes the past of every twin to which something has happened before its newest row.

        Args:
            late: inputs that stand at their own time, at most one of each battery.
            present: all twins of the shard as they are; not changed.

        Raises:
            StoreUnavailableError: the database is away.
        """
        of_key = {given.battery_key: given for given in late}
        twins = np.sort(_places(self._keys, np.array(list(of_key), np.int32))).astype(np.int32)
        inputs = []
        for key, record in zip(self._keys[twins].tolist(), present.records[twins], strict=True):
            place_us = max(of_key[key].time_us, int(record["watermark_us"]) - REACH_US)
            inputs.append(LoggedInput(int(record["input_seq"]) + 1, place_us, of_key[key]))
        places_us = np.array([logged.watermark_us for logged in inputs], np.int64)
        return self._revise(twins, np.empty(0, TELEMETRY_DTYPE), inputs, (places_us, places_us), present)

    def _revise(
        self,
        twins: NDArray[np.int32],
        late: Rows,
        late_inputs: list[LoggedInput],
        span_us: tuple[NDArray[np.int64], NDArray[np.int64]],
        present: TwinMemory,
    ) -> RevisedPast:
        """Computes the past of twins anew with rows or inputs that came late.

        Args:
            twins: positions in the shard, rising, shape `(n_twins,)`.
            late: rows, `TELEMETRY_DTYPE`.
            late_inputs: with their places.
            span_us: sample times of the first and the last of these of each twin, shape `(n_twins,)` each.
            present: all twins as they are.
        """
        keys = self._keys[twins]
        first_us, last_us = span_us
        memory, known, inputs = self._begin(twins, keys, first_us)
        inputs += late_inputs
        rows = np.concatenate([known, late])
        is_late = np.arange(len(rows)) >= len(known)
        time_order = np.lexsort((rows["sample_time_us"], rows["battery_key"]))
        rows, is_late = rows[time_order], is_late[time_order]
        slots = _places(keys, rows["battery_key"])
        until_last = rows["sample_time_us"] <= last_us[slots]
        early, later = _split_inputs(inputs, keys, last_us)
        steps = list(replay(LogEnd(rows[until_last], early), memory, twins, keys, self._stepper, judged=False))
        cursors = self._cursors(twins, keys, memory, rows[~until_last], {i.content.battery_key for i in later})
        steps += replay(LogEnd(rows[~until_last], later), memory, twins, keys, self._stepper, judged=False)
        stored = np.concatenate([rows[:0], *(step.stored for step in steps)])
        stored = stored[np.lexsort((stored["sample_time_us"], stored["battery_key"]))]
        stored["received_s"] = rows["received_s"]  # the same rows in the same order: all of them were newer
        after = ~is_late & (rows["sample_time_us"] > first_us[slots])
        return RevisedPast(
            twins=twins,
            memory=memory,
            late=stored[is_late],
            revised=stored[after],
            revisions=[Revision(int(key), int(us)) for key, us in zip(keys, first_us, strict=True)],
            alerts=self._agree(steps, twins, present, memory, replaced_us(logged.content for logged in inputs)),
            cursors=cursors,
            inputs=late_inputs,
        )

    def _begin(
        self, twins: NDArray[np.int32], keys: NDArray[np.int32], first_us: NDArray[np.int64]
    ) -> tuple[TwinMemory, Rows, list[LoggedInput]]:
        """The twins as they were before their first late rows, and the log from there on."""
        memory, parameters = self._stepper.blank(twins), self._stepper.parameters.take(twins)
        parts, elsewhere = [np.empty(0, TELEMETRY_DTYPE)], []
        for slot, twin in enumerate(twins.tolist()):
            cursor = self.cursors.find(twin, int(first_us[slot]))
            if cursor is None:
                elsewhere.append(slot)
            else:
                memory.from_bytes(slot, cursor.state, cursor.life, parameters)
                parts += cursor.rows
        inputs: list[LoggedInput] = []
        if elsewhere:
            before = {int(keys[slot]): int(first_us[slot]) for slot in elsewhere}
            found = self._store.load_snapshots(list(before), MEMORY_LAYOUT, before)
            for slot in elsewhere:
                snapshot = found.get(int(keys[slot]))
                if snapshot is not None and len(snapshot.state) == TWIN_BYTES:
                    memory.from_bytes(slot, snapshot.state, snapshot.life, parameters)
            marks = {int(keys[slot]): int(memory.records["watermark_us"][slot]) for slot in elsewhere}
            taken = {int(keys[slot]): int(memory.records["input_seq"][slot]) for slot in elsewhere}
            parts.append(self._store.read_tail(marks))
            inputs = self._store.read_inputs(taken)
        return memory, np.concatenate(parts), inputs

    def _cursors(
        self,
        twins: NDArray[np.int32],
        keys: NDArray[np.int32],
        memory: TwinMemory,
        rows: Rows,
        with_inputs: set[int],
    ) -> dict[int, LateCursor]:
        found = {}
        for slot, (twin, key) in enumerate(zip(twins.tolist(), keys.tolist(), strict=True)):
            mine = rows[rows["battery_key"] == key]
            if key not in with_inputs and len(mine) <= MOST_ROWS:
                watermark_us = int(memory.records["watermark_us"][slot])
                found[twin] = LateCursor(watermark_us, memory.to_bytes(slot), memory.life_bytes(slot), [mine])
        return found

    def _agree(
        self,
        steps: Sequence[Step],
        twins: NDArray[np.int32],
        present: TwinMemory,
        memory: TwinMemory,
        replaced: dict[int, int],
    ) -> list[AlertTransition]:
        changes = [change for step in steps for change in self._standing.transitions(step)]
        return reconcile(
            self._standing.of(present.records[twins], twins),
            self._standing.of(memory.records, twins),
            changes,
            replaced,
        )


def _span(late: Rows, keys: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last late row of each battery, us, shape `(n_batteries,)`."""
    places = _places(keys, late["battery_key"])
    first_us, last_us = np.full(len(keys), np.iinfo(np.int64).max), np.zeros(len(keys), np.int64)
    np.minimum.at(first_us, places, late["sample_time_us"])
    np.maximum.at(last_us, places, late["sample_time_us"])
    return first_us, last_us


def _places(keys: NDArray[np.int32], of: NDArray[np.int32]) -> NDArray[np.intp]:
    order = np.argsort(keys)
    return order[np.searchsorted(keys, of, sorter=order)]


def _split_inputs(
    inputs: Sequence[LoggedInput], keys: NDArray[np.int32], last_us: NDArray[np.int64]
) -> tuple[list[LoggedInput], list[LoggedInput]]:
    """Inputs before the last late row of their battery, and those from there on."""
    last_of = dict(zip(keys.tolist(), last_us.tolist(), strict=True))
    early = [i for i in inputs if i.watermark_us < last_of[i.content.battery_key]]
    return early, [i for i in inputs if i.watermark_us >= last_of[i.content.battery_key]]
