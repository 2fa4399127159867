"""What a shard remembers of a twin beside its filter: what it has taken in, and where its alert rules stand."""

from typing import Final

import numba
import numpy as np

from actors.limit_tables import BATTERY_LIMIT_DTYPE, COMMON_LIMIT_DTYPE, TIMING_DTYPE
from batterytwin.telemetry import LIVE_DTYPE, READING_DTYPE, TELEMETRY_DTYPE, Rows

RECORD_LAYOUT: Final = "record3"
"""Name of the layout below; changes with it."""

RING_SIZE: Final = 32
"""Sample times remembered, to know a resent reading without asking the database."""

RULE_COUNT: Final = 8
"""Rules of one battery: `AlertRule` 1 to 8."""

RISE_SLOTS: Final = 11
"""Three-minute slots that hold the lowest temperatures of the last half hour."""

RECORD_DTYPE: Final = np.dtype(
    [
        # intake
        ("watermark_us", "<i8"),
        ("accepted_count", "<i8"),
        ("input_seq", "<i8"),
        ("ring_us", "<i8", (RING_SIZE,)),
        ("measured_us", "<i8", (3,)),
        # alert rules; times are NaN while there is none
        ("raised_us", "<f8", (RULE_COUNT,)),
        ("warning_since_us", "<f8", (RULE_COUNT,)),
        ("critical_since_us", "<f8", (RULE_COUNT,)),
        ("clear_since_us", "<f8", (RULE_COUNT,)),
        ("rule_row_us", "<f8"),
        ("in_use_us", "<f8"),
        ("float_row_us", "<f8"),
        ("float_learned_us", "<f8"),
        ("float_baseline_v", "<f8"),
        ("resistance_since_us", "<f8"),
        ("resistance_baseline_mohm", "<f8"),
        ("resistance_count", "<f8"),
        ("temperature_row_us", "<f8"),
        ("rise_slot_us", "<f8", (RISE_SLOTS,)),
        # small things last, so that no padding is needed
        ("measured", "<f4", (4,)),
        ("recent_temperature_c", "<f4", (2,)),
        ("rise_slot_c", "<f4", (RISE_SLOTS,)),
        ("ring_values", "<u4", (RING_SIZE,)),
        ("status", "<i2"),
        ("ring_next", "<i2"),
        ("level", "i1", (RULE_COUNT,)),
        ("warning_rows", "i1", (RULE_COUNT,)),
        ("critical_rows", "i1", (RULE_COUNT,)),
    ]
)
"""One twin's record. `ring_values` has a fingerprint of what was measured at each time of `ring_us`; `input_seq`
counts the inputs taken; `measured` follows `MEASURED_COLUMNS`; `level` is 0 (no alert), 1 or 2."""

_NAN_FIELDS: Final = (
    "raised_us",
    "warning_since_us",
    "critical_since_us",
    "clear_since_us",
    "rule_row_us",
    "in_use_us",
    "float_row_us",
    "float_baseline_v",
    "resistance_since_us",
    "resistance_baseline_mohm",
    "temperature_row_us",
    "rise_slot_us",
    "measured",
    "recent_temperature_c",
    "rise_slot_c",
)


def empty_records(count: int) -> Rows:
    """Records of twins that have seen nothing: `RECORD_DTYPE`, shape `(count,)`."""
    records = np.zeros(count, RECORD_DTYPE)
    for name in _NAN_FIELDS:
        records[name] = np.nan
    return records


RECORDS = numba.from_dtype(RECORD_DTYPE)[::1]
"""Numba type of an array of records; those below are named alike."""
READINGS = numba.from_dtype(READING_DTYPE)[::1]
TELEMETRY = numba.from_dtype(TELEMETRY_DTYPE)[::1]
LIVE = numba.from_dtype(LIVE_DTYPE)[::1]
BATTERY_LIMITS = numba.from_dtype(BATTERY_LIMIT_DTYPE)[::1]
COMMON_LIMITS = numba.from_dtype(COMMON_LIMIT_DTYPE)[::1]
TIMINGS = numba.from_dtype(TIMING_DTYPE)[::1]
