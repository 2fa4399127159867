"""Brings twins back from snapshots and the log after them, bit for bit."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.input_log import LogEnd, rounds
from actors.intake import TwinFinder
from actors.twin_memory import MEMORY_LAYOUT, TWIN_BYTES, TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.telemetry import FLAG_MASK, MEASURED_COLUMNS, MODE_MASK, READING_DTYPE, Rows
from storage.shard_store import ShardStore

_TWINS_PER_LONG_READ: Final = 24  # without a snapshot the whole log is read: a string at a time bounds memory
_ROWS_PER_STEP: Final = 100_000


def restore_twins(
    memory: TwinMemory, stepper: TwinStepper, finder: TwinFinder, keys: NDArray[np.int32], store: ShardStore
) -> NDArray[np.bool_]:
    """Fills blank twins from the store: newest snapshot, then the log after it. Emits no alert.

    Args:
        memory: blank twins of the shard; filled.
        stepper: filter and rules of these twins.
        finder: finder of these twins.
        keys: database keys of the twins, shape `(n_twins,)`.
        store: store that has taken the twins over.

    Returns:
        Which twins have rows or inputs after their snapshot, shape `(n_twins,)`.

    Raises:
        StoreUnavailableError: the database is away.
    """
    twin_of = {int(key): twin for twin, key in enumerate(keys)}
    snapshots = store.load_snapshots(list(twin_of), MEMORY_LAYOUT)
    found = {key: snapshot for key, snapshot in snapshots.items() if len(snapshot.state) == TWIN_BYTES}
    for key, snapshot in found.items():
        memory.from_bytes(twin_of[key], snapshot.state)
    replayed = np.zeros(len(keys), np.bool_)
    taken = dict(zip(keys.tolist(), memory.records["input_seq"].tolist(), strict=True))
    inputs = store.read_inputs(taken)  # few, so that they are read at once
    for watermarks in _reads(list(twin_of), {key: snapshot.watermark_us for key, snapshot in found.items()}):
        due = [logged for logged in inputs if logged.content.battery_key in watermarks]
        replayed |= replay(LogEnd(store.read_tail(watermarks), due), memory, stepper, finder, keys)
    return replayed


def _reads(keys: Sequence[int], watermarks_us: dict[int, int]) -> Iterator[dict[int, int]]:
    if watermarks_us:
        yield watermarks_us
    without = [key for key in keys if key not in watermarks_us]
    for start in range(0, len(without), _TWINS_PER_LONG_READ):
        yield dict.fromkeys(without[start : start + _TWINS_PER_LONG_READ], 0)


def replay(
    log: LogEnd, memory: TwinMemory, stepper: TwinStepper, finder: TwinFinder, keys: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Applies the end of a log once more, rows with the judgement that they were stored with. Emits no alert.

    Args:
        log: what is stored of them after their state.
        memory: twins of the shard; changed.
        stepper: filter and rules of these twins.
        finder: finder of these twins.
        keys: database keys of the twins, shape `(n_twins,)`.

    Returns:
        Which twins had rows or inputs, shape `(n_twins,)`.
    """
    replayed = np.zeros(len(keys), np.bool_)
    twin_of = {int(key): twin for twin, key in enumerate(keys)} if log.inputs else {}
    for rows_first, inputs_then in rounds(log):
        for start in range(0, len(rows_first), _ROWS_PER_STEP):
            rows = _as_readings(rows_first[start : start + _ROWS_PER_STEP], keys)
            touched, slots = finder.find(rows)
            work = memory.take(touched)
            stepper.step(work, slots, rows, judged=True)
            memory.put(touched, work)
            replayed[touched] = True
        if inputs_then:
            touched = np.array([twin_of[logged.content.battery_key] for logged in inputs_then], np.int32)
            work = memory.take(touched)
            stepper.take_inputs(work, touched, [logged.content for logged in inputs_then])
            memory.put(touched, work)
            replayed[touched] = True
    return replayed


def _as_readings(tail: Rows, keys: NDArray[np.int32]) -> Rows:
    order = np.argsort(keys)
    rows = np.empty(len(tail), READING_DTYPE)
    rows["twin"] = order[np.searchsorted(keys, tail["battery_key"], sorter=order)]
    rows["status"] = tail["status"] & (FLAG_MASK | MODE_MASK)
    for name in ("sample_time_us", *MEASURED_COLUMNS):
        rows[name] = tail[name]
    return rows
