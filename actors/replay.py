"""Applies the log of twins once more: rows in time order, and inputs where they stood between them."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.input_log import LogEnd, rounds
from actors.twin_memory import TwinMemory
from actors.twin_step import Step, TwinStepper
from batterytwin.telemetry import FLAG_MASK, MEASURED_COLUMNS, MODE_MASK, READING_DTYPE, Rows

_ROWS_PER_STEP: Final = 100_000


def replay(
    log: LogEnd,
    memory: TwinMemory,
    twins: NDArray[np.int32],
    keys: NDArray[np.int32],
    stepper: TwinStepper,
    *,
    judged: bool = True,
) -> Iterator[Step]:
    """Applies the end of a log to twins as they were at its begin. Nothing is emitted; the caller sees each step.

    Args:
        log: what follows the state of these twins.
        memory: these twins; changed.
        twins: their positions in the shard, shape `(n_twins,)`.
        keys: their database keys, shape `(n_twins,)`.
        stepper: filter and rules of the shard's twins.
        judged: the rows' SUSPECT flags stand; False = they are judged anew.

    Yields:
        What each step did. Inputs give no step.
    """
    order = np.argsort(keys)
    for rows_first, inputs_then in rounds(log):
        for start in range(0, len(rows_first), _ROWS_PER_STEP):
            part = rows_first[start : start + _ROWS_PER_STEP]
            slots = order[np.searchsorted(keys, part["battery_key"], sorter=order)].astype(np.int32)
            yield stepper.step(memory, slots, _as_readings(part, twins[slots]), judged=judged)
        if inputs_then:
            stepper.take_inputs(memory, twins, [logged.content for logged in inputs_then])


def _as_readings(stored: Rows, twins: NDArray[np.int32]) -> Rows:
    rows = np.empty(len(stored), READING_DTYPE)
    rows["twin"] = twins
    rows["status"] = stored["status"] & (FLAG_MASK | MODE_MASK)
    for name in ("sample_time_us", *MEASURED_COLUMNS):
        rows[name] = stored[name]
    return rows
