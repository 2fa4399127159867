"""Brings twins back from snapshots and the log after them, bit for bit."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.input_log import LogEnd
from actors.replay import replay
from actors.twin_memory import MEMORY_LAYOUT, TWIN_BYTES, TwinMemory
from actors.twin_step import TwinStepper
from storage.shard_store import ShardStore

_TWINS_PER_LONG_READ: Final = 24  # without a snapshot the whole log is read: a string at a time bounds memory


def restore_twins(
    memory: TwinMemory, stepper: TwinStepper, keys: NDArray[np.int32], store: ShardStore
) -> NDArray[np.bool_]:
    """Fills blank twins from the store: newest snapshot that holds, then the log after it. Emits no alert.

    Args:
        memory: blank twins of the shard; filled.
        stepper: filter and rules of these twins.
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
        memory.from_bytes(twin_of[key], snapshot.state, snapshot.life, stepper.parameters)
    replayed = np.zeros(len(keys), np.bool_)
    everyone = np.arange(len(keys), dtype=np.int32)
    taken = dict(zip(keys.tolist(), memory.records["input_seq"].tolist(), strict=True))
    inputs = store.read_inputs(taken)  # few, so that they are read at once
    for watermarks in _reads(list(twin_of), {key: snapshot.watermark_us for key, snapshot in found.items()}):
        due = [logged for logged in inputs if logged.content.battery_key in watermarks]
        for step in replay(LogEnd(store.read_tail(watermarks, told=False), due), memory, everyone, keys, stepper):
            replayed[step.twins] = True
        replayed[[twin_of[logged.content.battery_key] for logged in due]] = True
    return replayed


def _reads(keys: Sequence[int], watermarks_us: dict[int, int]) -> Iterator[dict[int, int]]:
    if watermarks_us:
        yield watermarks_us
    without = [key for key in keys if key not in watermarks_us]
    for start in range(0, len(without), _TWINS_PER_LONG_READ):
        yield dict.fromkeys(without[start : start + _TWINS_PER_LONG_READ], 0)
