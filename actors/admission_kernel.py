"""Takes rows in, in order of arrival: new, repeated, contradicting or late; plausible or suspect.

Everything is decided from the twin's own record and the row, so that batching and sharding cannot change the outcome.
"""

from typing import Any, Final

import numba
import numpy as np

from actors.compiled import compiled, kernel
from actors.plausibility import implausible_quantity
from actors.twin_record import BATTERY_LIMITS, READINGS, RECORDS, RING_SIZE
from batterytwin.telemetry import LATE_LIMIT_US, MODE_MASK, Flag, Outcome

_SUSPECT: Final = int(Flag.SUSPECT)
_GIVEN: Final = MODE_MASK | int(Flag.CURRENT_FROM_STRING)  # the part of a status that comes with a reading
_APPLIED: Final = int(Outcome.APPLIED)
_OUTCOME_SUSPECT: Final = int(Outcome.SUSPECT)
_DUPLICATE: Final = int(Outcome.DUPLICATE)
_LATE: Final = int(Outcome.LATE)
_CONFLICT: Final = int(Outcome.CONFLICT)
_TOO_LATE: Final = int(Outcome.TOO_LATE)
_NOT_RECENT: Final = -1
_STAYS_KNOWN_US: Final = 300_000_000  # as long as a twin may be without data before it counts as NO_DATA


@compiled
def _known_current_a(row: Any, record: Any) -> float:
    if not np.isnan(row.current_a):
        return row.current_a  # type: ignore[no-any-return] # a record's field
    age_us = row.sample_time_us - record.measured_us[1]
    if 0 <= age_us <= _STAYS_KNOWN_US:
        return record.measured[1]  # type: ignore[no-any-return] # as above
    return np.nan


@compiled
def _mix(code: Any, value: Any) -> Any:
    """One step of the FNV-1a hash over the bits of a float32, four bytes at once; NaNs are alike, and so are zeros."""
    bits = np.uint32(0x7FC00000) if np.isnan(value) else np.float32(value + np.float32(0.0)).view(np.uint32)
    return np.uint32((code ^ bits) * np.uint32(16_777_619))


@compiled
def _fingerprint(row: Any) -> Any:
    """Tells what was measured: rows of the same values have the same one, others almost surely another."""
    code = _mix(_mix(np.uint32(2_166_136_261), row.voltage_v), row.current_a)
    return _mix(_mix(code, row.temperature_c), row.internal_resistance_mohm)


@compiled
def _place_in_ring(sample_time_us: int, record: Any) -> int:
    for k in range(RING_SIZE):
        if record.ring_us[k] == sample_time_us:
            return k
    return _NOT_RECENT


@compiled
def _old_row(row: Any, record: Any) -> int:
    """Outcome of a row that is not newer than its twin."""
    place = _place_in_ring(row.sample_time_us, record)
    if place >= 0:
        return _DUPLICATE if record.ring_values[place] == _fingerprint(row) else _CONFLICT
    return _LATE if row.sample_time_us >= record.watermark_us - LATE_LIMIT_US else _TOO_LATE


@compiled
def _enter(row: Any, record: Any) -> None:
    now = row.sample_time_us
    record.watermark_us = now
    record.accepted_count += 1
    record.ring_us[record.ring_next] = now
    record.ring_values[record.ring_next] = _fingerprint(row)
    record.ring_next = (record.ring_next + 1) % RING_SIZE
    record.status = row.status
    _remember(record, 0, row.voltage_v, now)
    _remember(record, 1, row.current_a, now)
    _remember(record, 2, row.temperature_c, now)
    if not np.isnan(row.internal_resistance_mohm):  # measured daily or weekly: the last one stays
        record.measured[3] = row.internal_resistance_mohm


@compiled
def _remember(record: Any, k: int, value: float, now: int) -> None:
    if not np.isnan(value):
        record.measured[k] = value
        record.measured_us[k] = now
    elif now - record.measured_us[k] > _STAYS_KNOWN_US:
        record.measured[k] = np.nan


@kernel(
    numba.int64(RECORDS, BATTERY_LIMITS, numba.int32[::1], numba.int32[::1], READINGS, numba.boolean, numba.uint8[::1])
)
def admit(  # noqa: PLR0917 # kernels take no keywords
    records: Any, limits: Any, models: Any, slots: Any, rows: Any, judged: bool, outcomes: Any
) -> int:
    """Judges rows and enters the new ones in the records of their twins.

    Args:
        records: records of the twins that the rows touch, `RECORD_DTYPE`, shape `(n_touched,)`; changed.
        limits: limits of each model, `BATTERY_LIMIT_DTYPE`, shape `(n_models,)`.
        models: model of each twin of the shard, shape `(n_twins,)`.
        slots: position in `records` of each row's twin, shape `(n_rows,)`.
        rows: readings in order of arrival, `READING_DTYPE`, shape `(n_rows,)`; SUSPECT is set in `status`.
        judged: the rows come from the store and carry their judgement already.
        outcomes: result, `Outcome` of each row, shape `(n_rows,)`. LATE and TOO_LATE say only that the row is older
            than the watermark and not among the recent ones; the store knows whether it is there already.

    Returns:
        Number of rows accepted (APPLIED or SUSPECT).
    """
    accepted = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        record = records[slots[i]]
        if not judged:
            quantity, _ = implausible_quantity(row, _known_current_a(row, record), limits[models[row.twin]])
            row.status = row.status & _GIVEN
            if quantity >= 0:
                row.status = row.status | _SUSPECT
        if row.sample_time_us > record.watermark_us:
            _enter(row, record)
            outcomes[i] = _OUTCOME_SUSPECT if row.status & _SUSPECT else _APPLIED
            accepted += 1
        else:
            outcomes[i] = _old_row(row, record)
    return accepted
