"""A batch of measurements as plain columns, the form in which readings travel everywhere but on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError, Reason


@dataclass(frozen=True, slots=True, eq=False)
class ReadingColumns:
    """Readings of single batteries: row i of every column belongs to `battery_ids[i]`. NaN = not measured.

    Attributes:
        battery_ids: slot names, for example "BRK-U1-S03-B07", `n_rows` of them; repeats are allowed.
        sample_time_unix_ns: when measured, nanoseconds since 1970-01-01 UTC, int64, shape `(n_rows,)`.
        voltage_v: terminal voltage, V, float32, shape `(n_rows,)`; None = column not sent.
        current_a: current, A, > 0 charges, like `voltage_v`. NaN or None: the string's current is used.
        temperature_c: temperature at the negative post, degC, like `voltage_v`.
        internal_resistance_mohm: resistance that the instrument measured, mOhm, like `voltage_v`.

    Raises:
        InvalidArgumentError: a column is not as long as `battery_ids` (reason COLUMN_LENGTH_MISMATCH), or the times are
            not int64.
    """

    battery_ids: Sequence[str]
    sample_time_unix_ns: NDArray[np.int64]
    voltage_v: NDArray[np.float32] | None = None
    current_a: NDArray[np.float32] | None = None
    temperature_c: NDArray[np.float32] | None = None
    internal_resistance_mohm: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        rows = len(self.battery_ids)
        _check_times("readings", self.sample_time_unix_ns, rows)
        for name in ("voltage_v", "current_a", "temperature_c", "internal_resistance_mohm"):
            _check_column("readings", name, getattr(self, name), rows)

    def __len__(self) -> int:
        return len(self.battery_ids)


@dataclass(frozen=True, slots=True, eq=False)
class StringReadingColumns:
    """Measurements taken once per string: row i of every column belongs to `string_ids[i]`. NaN = not measured.

    Attributes:
        string_ids: string names, for example "BRK-U1-S03", `n_rows` of them.
        sample_time_unix_ns: when measured, nanoseconds since 1970-01-01 UTC, int64, shape `(n_rows,)`.
        voltage_v: voltage over the whole string, V, float32, shape `(n_rows,)`; None = column not sent.
        current_a: the one current of all its blocks, A, > 0 charges, like `voltage_v`.
        modes: what the charger reports, numbers of `batterytwin.telemetry.StringMode` (numbers that this version does
            not know are kept), int32, shape `(n_rows,)`; None = column not sent.

    Raises:
        InvalidArgumentError: a column is not as long as `string_ids` (reason COLUMN_LENGTH_MISMATCH), or the times are
            not int64.
    """

    string_ids: Sequence[str]
    sample_time_unix_ns: NDArray[np.int64]
    voltage_v: NDArray[np.float32] | None = None
    current_a: NDArray[np.float32] | None = None
    modes: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        rows = len(self.string_ids)
        _check_times("string_readings", self.sample_time_unix_ns, rows)
        for name in ("voltage_v", "current_a", "modes"):
            _check_column("string_readings", name, getattr(self, name), rows)

    def __len__(self) -> int:
        return len(self.string_ids)


class SingleReading(NamedTuple):
    """A batch of one row; values as in `ReadingColumns`, NaN = not measured."""

    battery_id: str
    sample_time_unix_ns: int
    voltage_v: float
    current_a: float
    temperature_c: float
    internal_resistance_mohm: float


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """What a gateway sends at once: readings of batteries and, where the monitor measures them, of whole strings.

    Attributes:
        readings: readings of single batteries; may have no rows.
        string_readings: readings of strings at the same sample times; None = none taken.
    """

    readings: ReadingColumns
    string_readings: StringReadingColumns | None = None


def _check_times(columns: str, times: NDArray[np.int64], rows: int) -> None:
    _check_column(columns, "sample_time_unix_ns", times, rows)
    if times.dtype != np.int64:
        raise InvalidArgumentError(
            f"Sample times must be int64 nanoseconds, not {times.dtype}.",
            field=f"{columns}.sample_time_unix_ns",
            value=times.dtype,
        )


def _check_column(columns: str, name: str, values: NDArray[Any] | None, rows: int) -> None:
    if values is not None and values.shape != (rows,):
        length = len(values) if values.ndim == 1 else values.shape
        raise InvalidArgumentError(
            f"Column {name} has {length} values for {rows} rows; send one value a row "
            "(NaN where nothing was measured), or leave the whole column out.",
            reason=Reason.COLUMN_LENGTH_MISMATCH,
            field=f"{columns}.{name}",
            value=length,
        )
