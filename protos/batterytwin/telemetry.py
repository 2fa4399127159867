"""Row layouts that travel between server, shards and store, and the canonical grid of measurements.

Structured NumPy arrays, one record a row: they pickle as one buffer, so a Ray call carries a batch at the cost of a
copy. `current_a` > 0 charges, everywhere. NaN means not measured (or not known).
"""

from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]
"""A structured array with one of the dtypes below."""

READING_DTYPE: Final = np.dtype(
    [
        ("twin", "<i4"),
        ("status", "<i2"),
        ("sample_time_us", "<i8"),
        ("voltage_v", "<f4"),
        ("current_a", "<f4"),
        ("temperature_c", "<f4"),
        ("internal_resistance_mohm", "<f4"),
    ]
)
"""A reading on its way to a shard. `twin` is the position of the twin in the shard."""

MEASURED_COLUMNS: Final = ("voltage_v", "current_a", "temperature_c", "internal_resistance_mohm")
"""Measured quantities, in wire and storage order."""

STORED_ESTIMATE_COLUMNS: Final = (
    "soc",
    "soc_sigma",
    "soh_capacity",
    "soh_capacity_sigma",
    "soh_resistance",
    "r0_ohm",
    "innovation_v",
    "soh_resistance_sigma",
    "r0_sigma_ohm",
    "innovation_sigma_v",
)
"""Estimates stored beside each reading, in storage order: the newest columns of the table come last."""

LIVE_ESTIMATE_COLUMNS: Final = (
    "soc",
    "soc_sigma",
    "soh_capacity",
    "soh_capacity_sigma",
    "soh_resistance",
    "soh_resistance_sigma",
    "r0_ohm",
    "r0_sigma_ohm",
    "innovation_v",
    "innovation_sigma_v",
)
"""Estimates of a live twin, in the filter's order."""

LIVE_MODEL_COLUMNS: Final = (
    "v1_v",
    "v1_sigma_v",
    "v2_v",
    "v2_sigma_v",
    "float_marker",
    "float_marker_sigma",
    "current_offset_a",
    "current_offset_sigma_a",
)
"""What else the model of a live twin knows; it is told for one twin at a time and not stored with every reading."""

TRACED_COLUMNS: Final = LIVE_MODEL_COLUMNS[:6]
"""Of these, what is stored once an hour: polarisations and float marker, each with its sigma."""

HEALTH_EVIDENCE_KINDS: Final = 6
"""Kinds of health evidence; `HealthEvidenceKind` n stands in place n - 1 of the `evidence_*` columns."""

TELEMETRY_DTYPE: Final = np.dtype(
    [
        ("battery_key", "<i4"),
        ("sample_time_us", "<i8"),
        *((name, "<f4") for name in MEASURED_COLUMNS),
        ("status", "<i2"),
        *((name, "<f4") for name in STORED_ESTIMATE_COLUMNS),
        ("received_s", "<i4"),
    ]
)
"""A row of table `reading`: what was measured, how it was judged, the estimates after it, and when the server received
it (`received_s`, see below)."""

RECEIVED_EPOCH_S: Final = 1_577_836_800
"""2020-01-01 UTC, from which `received_s` counts whole seconds, in seconds since 1970."""

LIVE_DTYPE: Final = np.dtype(
    [
        ("as_of_us", "<i8"),
        ("accepted_count", "<i8"),
        ("capacity_evidence_us", "<i8"),
        ("evidence_us", "<i8", (HEALTH_EVIDENCE_KINDS,)),
        ("evidence_soh", "<f4", (HEALTH_EVIDENCE_KINDS,)),
        ("evidence_sigma", "<f4", (HEALTH_EVIDENCE_KINDS,)),
        *((name, "<f4") for name in MEASURED_COLUMNS),
        *((name, "<f4") for name in LIVE_ESTIMATE_COLUMNS),
        *((name, "<f4") for name in LIVE_MODEL_COLUMNS),
        ("status", "<i2"),
        ("capacity_evidence_kind", "i1"),
        ("current_sign", "i1"),
    ]
)
"""The present of one twin.

`as_of_us`, `capacity_evidence_us` and `evidence_us` are 0 where there is none yet. `status` belongs to the newest row,
implausible or not; `as_of_us` is the newest row's sample time. `capacity_evidence_kind` is a `HealthEvidenceKind` (0 =
none). `evidence_soh` and `evidence_sigma` are what each kind of evidence says by itself. `current_sign` is -1 where the
current comes with the wrong sign.
"""


class Regime(IntEnum):
    """What the filter takes a battery to be doing. Numbers equal `batterytwin.v1.Regime`."""

    UNSPECIFIED = 0
    FLOAT = 1
    DISCHARGE = 2
    RECHARGE = 3
    REST = 4


class Quality(IntEnum):
    """How far a twin's values can be trusted now. Numbers equal `batterytwin.v1.Quality`."""

    UNSPECIFIED = 0
    LIVE = 1
    STALE = 2
    NO_DATA = 3
    SUSPECT = 4


class StringMode(IntEnum):
    """What a charger reports that it does to a string. Numbers equal `batterytwin.v1.StringMode`."""

    UNSPECIFIED = 0
    FLOAT = 1
    BOOST = 2
    DISCHARGE = 3
    TEST = 4
    MAINTENANCE = 5


class Flag(IntFlag):
    """Low four bits of `status`."""

    SUSPECT = 1
    """Implausible: stored, not applied to the filter."""
    CURRENT_FROM_STRING = 2
    """`current_a` is the string's current at the same sample time."""


class Outcome(IntEnum):
    """What a shard did with a row."""

    APPLIED = 0
    SUSPECT = 1
    DUPLICATE = 2
    LATE = 3
    """Older than rows of its twin that were applied before: stored, and the twin's past computed anew with it."""
    CONFLICT = 4
    """Another row of the same battery and sample time is there, with other values: the first one stays."""
    TOO_LATE = 5
    """More than `LATE_LIMIT_US` older than its twin's newest row: stored, not applied."""


LATE_LIMIT_US: Final = 86_400_000_000
"""How much older than its twin's newest row a row may be to become part of the twin's past, us."""


FLAG_MASK: Final = 0x000F
MODE_SHIFT: Final = 4
MODE_MASK: Final = 0x00F0
REGIME_SHIFT: Final = 8
REGIME_MASK: Final = 0x0F00


def pack_status(flags: Any, mode: Any = 0, regime: Any = 0) -> Any:
    """Packs flags (bits 0-3), reported string mode (4-7) and regime (8-11) into a status, for scalars or arrays."""
    return flags | (mode << MODE_SHIFT) | (regime << REGIME_SHIFT)


def regime_of(status: Any) -> Any:
    """Regime number in a status (scalar or array)."""
    return (status & REGIME_MASK) >> REGIME_SHIFT


def mode_of(status: Any) -> Any:
    """Reported string mode in a status (scalar or array)."""
    return (status & MODE_MASK) >> MODE_SHIFT


_GRID_STEPS_PER_UNIT: Final = {
    "voltage_v": 1_000.0,
    "current_a": 1_000.0,
    "temperature_c": 10.0,
    "internal_resistance_mohm": 100.0,
}


def snap_to_grid(column: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds measurements to the canonical grid: 1 mV, 1 mA, 0.1 degC, 0.01 mOhm, each the nearest float32.

    Filter, database and archive all see these values, which makes the archive lossless and replay exact.

    Args:
        column: one of `MEASURED_COLUMNS`.
        values: measurements, shape `(n_rows,)`; NaN stays NaN.

    Returns:
        New array, shape `(n_rows,)`. Snapping it again changes nothing. Zero is +0.0, as the archive's whole numbers
        have no other one.
    """
    steps = _GRID_STEPS_PER_UNIT[column]
    return (np.rint(values.astype(np.float64) * steps) / steps + 0.0).astype(np.float32)


def snap_value(column: str, value: float) -> float:
    """What `snap_to_grid` makes of a single float32 number, to be stored as float32."""
    steps = _GRID_STEPS_PER_UNIT[column]
    return round(value * steps, 0) / steps + 0.0


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Rows behind each other, as `np.concatenate` joins them, which compares the fields of each part in Python (16 us).

    Args:
        parts: at least one; all of one dtype and contiguous.
    """
    if len(parts) == 1:
        return parts[0]
    return np.frombuffer(bytearray().join(parts), parts[0].dtype)  # type: ignore[arg-type] # arrays are buffers


def to_received_s(receive_time_us: int) -> int:
    """Time of receipt as it is stored with a row: whole seconds since 2020-01-01 UTC."""
    return receive_time_us // 1_000_000 - RECEIVED_EPOCH_S


def snap_time_us(unix_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rounds sample times, nanoseconds, down to whole microseconds, shape `(n_rows,)`."""
    return np.floor_divide(unix_ns, 1_000)
