"""Why rows are refused, and how that is told to whoever sent them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import Reason

MAX_LISTED_ROWS: Final = 100
"""Refused rows that an answer names; the others are counted."""


class RowFault(IntEnum):
    """What is wrong with a row, in the order in which faults are looked for; 0 = nothing."""

    UNKNOWN_NAME = 1
    WRONG_LOCATION = 2
    TIME_MISSING = 3
    TIME_OUT_OF_RANGE = 4
    TIME_IN_FUTURE = 5
    NOT_FINITE = 6
    EMPTY_READING = 7


_TIME_FAULTS: Final = (RowFault.TIME_MISSING, RowFault.TIME_OUT_OF_RANGE, RowFault.TIME_IN_FUTURE)

_REMEDIES: Final = {
    Reason.UNKNOWN_BATTERY: "Use a battery_id of the inventory (FleetService.ListLocations).",
    Reason.UNKNOWN_STRING: "Use a string_id of the inventory (FleetService.ListLocations).",
    Reason.WRONG_LOCATION: "This token may not write here. Send the row with a token of its own location.",
    Reason.TIME_MISSING: "Set sample_time_unix_ns to the time of measurement.",
    Reason.TIME_OUT_OF_RANGE: "Send nanoseconds since 1970-01-01 UTC, between 2000 and 2100.",
    Reason.TIME_IN_FUTURE: "The sample is over 120 s ahead of the location's clock. Put the gateway's clock right.",
    Reason.NOT_FINITE: "Send a finite value, or NaN where nothing was measured.",
    Reason.EMPTY_READING: "Leave out rows in which nothing was measured.",
}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One refused row.

    Attributes:
        row_index: row in the columns that were sent, 0-based.
        row_id: battery or string of the row, as it was sent.
        field: field that is wrong.
        value: its value as text.
        reason: stable name of the fault.
        remedy: what to do about it, for people.
    """

    row_index: int
    row_id: str
    field: str
    value: str
    reason: Reason
    remedy: str


def describe_refusals(
    faults: NDArray[np.uint8],
    ids: Sequence[str],
    times_unix_ns: NDArray[np.int64],
    measured: Mapping[str, NDArray[np.float32]],
    *,
    of_strings: bool = False,
) -> list[RefusedRow]:
    """Describes the first refused rows of a batch.

    Args:
        faults: `RowFault` of each row, 0 = good, shape `(n_rows,)`.
        ids: battery or string names, `n_rows` of them.
        times_unix_ns: sample times as sent, shape `(n_rows,)`.
        measured: columns that were sent by name, each of shape `(n_rows,)`.
        of_strings: whether these are rows of `string_readings`.
    """
    prefix = "string_readings." if of_strings else ""
    refused = []
    for row in np.flatnonzero(faults)[:MAX_LISTED_ROWS].tolist():
        fault = RowFault(int(faults[row]))
        if fault in _TIME_FAULTS:
            field, value = "sample_time_unix_ns", str(times_unix_ns[row])
        elif fault == RowFault.NOT_FINITE:
            field = next(name for name, values in measured.items() if np.isinf(values[row]))
            value = str(measured[field][row])
        elif fault == RowFault.EMPTY_READING:
            field, value = "voltage_v", "nan"
        else:
            field, value = ("string_id" if of_strings else "battery_id"), ids[row][:200]
        reason = _reason(fault, of_strings=of_strings)
        refused.append(RefusedRow(row, ids[row][:200], prefix + field, value, reason, _REMEDIES[reason]))
    return refused


def _reason(fault: RowFault, *, of_strings: bool) -> Reason:
    if fault == RowFault.UNKNOWN_NAME:
        return Reason.UNKNOWN_STRING if of_strings else Reason.UNKNOWN_BATTERY
    return Reason[fault.name]
