"""Tells good rows of a batch from malformed ones, and makes the good ones ready for the shards. No loop over rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.readings import ReadingBatch, StringReadingColumns
from batterytwin.telemetry import MEASURED_COLUMNS, READING_DTYPE, Rows, snap_time_us, snap_to_grid
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap
from twin_server.row_refusals import MAX_LISTED_ROWS, RefusedRow, RowFault, describe_refusals
from twin_server.string_samples import StringSamples, fill_from_strings, read_string_samples

MAX_ROWS: Final = 200_000
"""Rows in one batch."""

EARLIEST_US: Final = 946_684_800_000_000
"""2000-01-01: before any monitor of this kind."""

LATEST_US: Final = 4_102_444_800_000_000
"""2100-01-01: keeps a feed's clock from running away."""


@dataclass(frozen=True, slots=True)
class ValidBatch:
    """What may go to the shards, and what was refused.

    Attributes:
        rows: good rows on the canonical grid, `READING_DTYPE`, shape `(n_good,)`, in the order they were sent.
        ordinals: battery of each good row, int32, shape `(n_good,)`.
        refused_count: rows of `readings` that were refused.
        refused: the first refused rows, those of `string_readings` behind those of `readings`.
        strings: good rows of `string_readings`, or None.
    """

    rows: Rows
    ordinals: NDArray[np.int32]
    refused_count: int
    refused: list[RefusedRow]
    strings: StringSamples | None


class IngestValidation:
    """Checks batches against the inventory, the clocks and the locations that a caller may write to."""

    def __init__(self, fleet_map: FleetMap, clocks: LocationClocks) -> None:
        self._map = fleet_map
        self._clocks = clocks

    def check(self, batch: ReadingBatch, allowed_locations: NDArray[np.bool_] | None) -> ValidBatch:
        """Splits a batch into good and refused rows.

        Args:
            batch: columns as they were sent.
            allowed_locations: which locations the caller may write to, shape `(n_locations,)`; None = all.

        Raises:
            InvalidArgumentError: the batch as a whole cannot be used (EMPTY_BATCH, BATCH_TOO_LARGE).
        """
        readings, strings = batch.readings, batch.string_readings
        _check_size(len(readings), 0 if strings is None else len(strings))
        ordinals = self._map.ordinals(readings.battery_ids)
        times_us = snap_time_us(readings.sample_time_unix_ns)
        measured = {name: values for name in MEASURED_COLUMNS if (values := getattr(readings, name)) is not None}
        faults = _value_faults(len(readings), measured.values())
        self._judge(faults, ordinals, self._map.location_of, times_us, allowed_locations)
        refused_count = int(np.count_nonzero(faults))
        refused: list[RefusedRow] = []
        if refused_count:
            refused = describe_refusals(faults, readings.battery_ids, readings.sample_time_unix_ns, measured)
            good = faults == 0
            ordinals, times_us = ordinals[good], times_us[good]
            measured = {name: values[good] for name, values in measured.items()}
        rows = self._rows(ordinals, times_us, measured)
        samples = None
        if strings is not None and len(strings):
            samples, string_refusals = self._check_strings(strings, allowed_locations)
            refused = (refused + string_refusals)[:MAX_LISTED_ROWS]
            if len(rows) and len(samples.strings):
                fill_from_strings(rows, self._map.string_of[ordinals], samples)
        return ValidBatch(rows, ordinals, refused_count, refused, samples)

    def _rows(
        self, ordinals: NDArray[np.int32], times_us: NDArray[np.int64], measured: dict[str, NDArray[np.float32]]
    ) -> Rows:
        rows = np.empty(len(ordinals), READING_DTYPE)
        rows["twin"] = self._map.twin[ordinals]
        rows["sample_time_us"] = times_us
        rows["status"] = 0
        for name in MEASURED_COLUMNS:
            values = measured.get(name)
            rows[name] = np.nan if values is None else snap_to_grid(name, values)
        return rows

    def _check_strings(
        self, strings: StringReadingColumns, allowed_locations: NDArray[np.bool_] | None
    ) -> tuple[StringSamples, list[RefusedRow]]:
        numbers = self._map.string_numbers(strings.string_ids)
        measured = {
            name: values for name in ("voltage_v", "current_a") if (values := getattr(strings, name)) is not None
        }
        faults = _value_faults(len(strings), measured.values(), may_be_empty=strings.modes is not None)
        times_us = snap_time_us(strings.sample_time_unix_ns)
        self._judge(faults, numbers, self._map.string_location, times_us, allowed_locations)
        refused = describe_refusals(faults, strings.string_ids, strings.sample_time_unix_ns, measured, of_strings=True)
        return read_string_samples(strings, numbers, faults == 0), refused

    def _judge(
        self,
        faults: NDArray[np.uint8],
        places: NDArray[np.int32],
        location_of: NDArray[np.int32],
        times_us: NDArray[np.int64],
        allowed_locations: NDArray[np.bool_] | None,
    ) -> None:
        """Adds faults of time, place and name; what is written later goes first in the answer."""
        locations = location_of[places]  # an unknown name (-1) takes the last location here, and is refused below
        faults[times_us > self._clocks.latest_allowed_us()[locations]] = RowFault.TIME_IN_FUTURE
        faults[(times_us < EARLIEST_US) | (times_us > LATEST_US)] = RowFault.TIME_OUT_OF_RANGE
        faults[times_us == 0] = RowFault.TIME_MISSING
        if allowed_locations is not None:
            faults[~allowed_locations[locations]] = RowFault.WRONG_LOCATION
        faults[places < 0] = RowFault.UNKNOWN_NAME


def _value_faults(
    count: int, columns: Iterable[NDArray[np.float32]], *, may_be_empty: bool = False
) -> NDArray[np.uint8]:
    missing, infinite = np.full(count, not may_be_empty), np.zeros(count, np.bool_)
    for values in columns:
        missing &= np.isnan(values)
        infinite |= np.isinf(values)
    faults = np.zeros(count, np.uint8)
    faults[missing] = RowFault.EMPTY_READING
    faults[infinite] = RowFault.NOT_FINITE
    return faults


def _check_size(row_count: int, string_row_count: int) -> None:
    if row_count == 0 and string_row_count == 0:
        raise InvalidArgumentError(
            "The batch has no rows; send at least one reading.", reason=Reason.EMPTY_BATCH, field="readings"
        )
    largest = max(row_count, string_row_count)
    if largest > MAX_ROWS:
        raise InvalidArgumentError(
            f"The batch has {largest} rows, at most {MAX_ROWS} are taken; split it.",
            reason=Reason.BATCH_TOO_LARGE,
            field="readings" if row_count == largest else "string_readings",
            value=largest,
        )
