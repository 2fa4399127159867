"""Another block in the slot of a twin: the twin begins anew, and the log goes on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter_layout import state_records
from actors.life_layout import empty_life
from actors.twin_memory import TwinMemory
from batterytwin.events import PLACED_BY_TIME, TwinInput, TwinInputKind

_OF_THE_STRING: Final = ("current_sign", "sign_evidence", "current_offset_a", "current_offset_var")
_OF_THE_LOG: Final = ("watermark_us", "accepted_count", "input_seq", "ring_us", "ring_values", "ring_next", "status")


def renew_block(memory: TwinMemory, slot: int, blank: TwinMemory, time_us: int) -> None:
    """Makes one twin that of a new block.

    What is known of the string's current sensor stays, and so does the place in the log. No row up to this time is one
    of the new block, so the time becomes the watermark: such a row is late from now on.

    Args:
        memory: twins; one is changed.
        slot: which.
        blank: this twin before its first reading, one row.
        time_us: when the new block came into service, microseconds since 1970 UTC.
    """
    state, old_state = blank.state.copy(), state_records(memory.state)[slot : slot + 1].copy()
    for name in _OF_THE_STRING:
        state_records(state)[name] = old_state[name]
    state_records(state)["installed_us"] = time_us
    record, old_record = blank.records.copy(), memory.records[slot : slot + 1].copy()
    for name in _OF_THE_LOG:
        record[name] = old_record[name]
    record["watermark_us"] = max(int(old_record["watermark_us"][0]), time_us)
    life = empty_life(np.array([time_us], np.float64))
    memory.put(np.array([slot], np.int32), TwinMemory(state, record, life))


def replaced_us(inputs: Iterable[TwinInput]) -> dict[int, int]:
    """When blocks were replaced last, microseconds since 1970 UTC, by battery key."""
    found: dict[int, int] = {}
    for given in inputs:
        if given.kind == TwinInputKind.REPLACEMENT:
            found[given.battery_key] = max(given.time_us, found.get(given.battery_key, 0))
    return found


def split_late(
    inputs: Sequence[TwinInput], watermarks_us: NDArray[np.int64], twin_of: Mapping[int, int]
) -> tuple[list[TwinInput], list[TwinInput]]:
    """Tells inputs that come in order from those that belong into the past of their twins.

    Which is which is as if each had come alone: what stands at its own time makes those of earlier times late.

    Args:
        inputs: in order of arrival.
        watermarks_us: newest row of each twin of the shard, shape `(n_twins,)`.
        twin_of: position of each twin of the shard by battery key.

    Returns:
        Those in order, and those that are late.
    """
    due, late = [], []
    reached_us: dict[int, int] = {}
    for given in inputs:
        key = given.battery_key
        newest_us = reached_us.setdefault(key, int(watermarks_us[twin_of[key]]))
        if given.kind not in PLACED_BY_TIME:
            due.append(given)
        elif given.time_us < newest_us:
            late.append(given)
        else:
            due.append(given)
            reached_us[key] = given.time_us
    return due, late
