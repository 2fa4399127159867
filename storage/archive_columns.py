"""Columns of the archive: readings as whole numbers on the canonical grid, estimates rounded below their sigma.

Measured values, times and flags come back exactly. Estimates are rounded to steps well below what they are sure of, and
are never replayed. A measured value that is not on the grid, or too large for it (an open cell may show anything), is
kept beside as it was.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batterytwin.telemetry import (
    MEASURED_COLUMNS,
    RECEIVED_EPOCH_S,
    STORED_ESTIMATE_COLUMNS,
    TELEMETRY_DTYPE,
    Rows,
)

LATENESS: Final = {"in time": 0, "late": 1, "too late": 2}
"""Values of column `late`: whether the row came in time, late (and was applied) or too late (and was not)."""

ARCHIVE_DTYPE: Final = np.dtype([*TELEMETRY_DTYPE.descr, ("late", "u1")])
"""A row of the archive: one of table `reading` or `late_reading`."""

STEPS_PER_UNIT: Final = {
    "voltage_v": 1_000.0,
    "current_a": 1_000.0,
    "temperature_c": 10.0,
    "internal_resistance_mohm": 100.0,
    "soc": 2_000.0,
    "soc_sigma": 2_000.0,
    "soh_capacity": 2_000.0,
    "soh_capacity_sigma": 2_000.0,
    "soh_resistance": 2_000.0,
    "r0_ohm": 200_000.0,
    "innovation_v": 2_000.0,
    "soh_resistance_sigma": 2_000.0,
    "r0_sigma_ohm": 200_000.0,
    "innovation_sigma_v": 4_000.0,
}
"""Whole numbers a unit: 1 mV, 1 mA, 0.1 degC and 0.01 mOhm as measured; estimates 0.0005, R0 5 uOhm, innovation 0.5 mV
(its sigma 0.25 mV)."""

_LARGEST: Final = 2**31 - 1
_DICTIONARY: Final = ("battery_key", "status", "late")
_VALUE_COLUMNS: Final = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS)


def to_table(rows: Rows) -> pa.Table:
    """Rows as a table for a file.

    Args:
        rows: `ARCHIVE_DTYPE`, shape `(n_rows,)`.
    """
    columns: dict[str, Any] = {
        "battery_key": pa.array(np.ascontiguousarray(rows["battery_key"])),
        "sample_time": pa.array(np.ascontiguousarray(rows["sample_time_us"]), pa.timestamp("us")),
    }
    for name in _VALUE_COLUMNS:
        columns[name] = _steps(rows[name], STEPS_PER_UNIT[name])
    for name in MEASURED_COLUMNS:
        exact = from_steps(*_numpy(columns[name]), name)
        beside = (exact != rows[name]) & ~(np.isnan(exact) & np.isnan(rows[name]))
        columns[f"{name}_beside"] = pa.array(np.ascontiguousarray(rows[name]), mask=~beside)
    columns["status"] = pa.array(np.ascontiguousarray(rows["status"]))
    columns["late"] = pa.array(np.ascontiguousarray(rows["late"]))
    columns["received_after_s"] = pa.array(rows["received_s"].astype(np.int64) - _sampled_s(rows["sample_time_us"]))
    return pa.table(columns)


def to_rows(table: pa.Table) -> Rows:
    """Rows of a table, `ARCHIVE_DTYPE`, shape `(n_rows,)`."""
    rows = np.empty(table.num_rows, ARCHIVE_DTYPE)
    for name in ("battery_key", "status", "late"):
        rows[name] = table[name].to_numpy()
    rows["sample_time_us"] = table["sample_time"].cast(pa.int64()).to_numpy()
    rows["received_s"] = table["received_after_s"].to_numpy() + _sampled_s(rows["sample_time_us"])
    for name in _VALUE_COLUMNS:
        rows[name] = from_steps(*_numpy(table[name]), name)
    for name in MEASURED_COLUMNS:
        values, missing = _numpy(table[f"{name}_beside"])
        rows[name][~missing] = values[~missing]
    return rows


def from_steps(steps: NDArray[Any], missing: NDArray[np.bool_], name: str) -> NDArray[np.float32]:
    """Values of a column in its unit, float32, shape `(n_rows,)`.

    Args:
        steps: whole numbers as in the file, shape `(n_rows,)`.
        missing: where there is none, likewise.
        name: column.
    """
    values = (steps / STEPS_PER_UNIT[name]).astype(np.float32)
    values[missing] = np.nan
    return values


def encodings(names: list[str]) -> dict[str, Any]:
    """How Parquet packs the columns: differences of neighbours, which are small; repeated values by number."""
    packed = {
        name: "BYTE_STREAM_SPLIT" if name.endswith("_beside") else "DELTA_BINARY_PACKED"
        for name in names
        if name not in _DICTIONARY
    }
    return {"use_dictionary": list(_DICTIONARY), "column_encoding": packed}


def _steps(values: NDArray[np.float32], steps_per_unit: float) -> pa.Array:
    scaled = np.rint(values.astype(np.float64) * steps_per_unit)
    missing = ~(np.abs(scaled) <= _LARGEST)  # NaN as well
    return pa.array(np.where(missing, 0.0, scaled).astype(np.int32), mask=missing)


def _numpy(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    missing = array.is_null().to_numpy(zero_copy_only=False)
    return array.fill_null(0).to_numpy(zero_copy_only=False), missing


def _sampled_s(sample_times_us: NDArray[np.int64]) -> NDArray[np.int64]:
    return sample_times_us // 1_000_000 - RECEIVED_EPOCH_S
