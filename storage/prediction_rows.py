"""Predictions as rows of table `prediction`, and in PostgreSQL's binary COPY format."""

from typing import Final

import numpy as np

from batterytwin.telemetry import Rows
from storage.instants import POSTGRES_EPOCH_US

TOLD: Final = 1
SHADOW: Final = 2
"""Roles of a prediction."""

NO_MODEL: Final = 0
"""`model_key` of physics alone."""

DAYS: Final = tuple(f"days_{level}" for level in ("05", "25", "50", "75", "95"))
TWIN_DAYS: Final = tuple(f"twin_{name}" for name in DAYS)
EFFECTS: Final = tuple(
    f"effect_{name}"
    for name in ("temperature", "voltage", "cycles", "age", "resistance", "capacity", "float_current", "other")
)
CASES: Final = ("case_1", "case_2", "case_3")
CASE_DISTANCES: Final = ("case_distance_1", "case_distance_2", "case_distance_3")

PREDICTION_DTYPE: Final = np.dtype(
    [
        ("battery_key", np.int32),
        ("role", np.int16),
        ("predicted_at", np.int64),
        ("unit_seq", np.int16),
        ("as_of", np.int64),
        ("model_key", np.int32),
        ("source", np.int16),
        *((name, np.float32) for name in (*DAYS, *TWIN_DAYS, "model_days", "twin_weight", "confidence")),
        ("upper_known", np.bool_),
        *((name, np.float32) for name in EFFECTS),
        *((name, np.int32) for name in CASES),
        *((name, np.float32) for name in (*CASE_DISTANCES, "soh_capacity")),
        ("inputs_hash", "V32"),
    ]
)
"""Columns of the table; times in microseconds since 1970 UTC."""

_TIMES: Final = ("predicted_at", "as_of")
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"


def copy_block(rows: Rows) -> bytes:
    """Rows without nulls as one block for `COPY ... FROM STDIN (FORMAT binary)`, columns in their order.

    Args:
        rows: records of numbers, truth values and bytes of one length, shape `(n_rows,)`; what is named like a time
            of predictions is microseconds since 1970 UTC.
    """
    names = rows.dtype.names or ()
    parts: list[tuple[str, str]] = [("field_count", ">i2")]
    for name in names:
        parts += [(f"{name}_length", ">i4"), (name, rows.dtype[name].newbyteorder(">").str)]
    records = np.zeros(len(rows), np.dtype(parts))
    records["field_count"] = len(names)
    for name in names:
        records[f"{name}_length"] = rows.dtype[name].itemsize
        records[name] = rows[name] - POSTGRES_EPOCH_US if name in _TIMES else rows[name]
    return _HEADER + records.tobytes() + _TRAILER
