"""What was measured once per string, and how it reaches the string's batteries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import StringReadingColumns
from batterytwin.telemetry import Flag, Rows, StringMode, pack_status, snap_time_us, snap_to_grid


@dataclass(frozen=True, slots=True)
class StringSamples:
    """Good rows of `string_readings`; every column has shape `(n_rows,)`.

    Attributes:
        strings: number of the string in the fleet map, int32.
        times_us: sample times, us, int64.
        voltage_v: voltage over the whole string, V, float32; NaN = not measured.
        current_a: current of the string on the canonical grid, A, float32; NaN = not measured.
        modes: `StringMode` as reported; UNSPECIFIED where none, or one that this version does not know.
    """

    strings: NDArray[np.int32]
    times_us: NDArray[np.int64]
    voltage_v: NDArray[np.float32]
    current_a: NDArray[np.float32]
    modes: NDArray[np.int16]


def read_string_samples(
    readings: StringReadingColumns, strings: NDArray[np.int32], good: NDArray[np.bool_]
) -> StringSamples:
    """Takes the good rows of a message on the canonical grid.

    Args:
        readings: columns as sent, `n_rows` of them.
        strings: number of each row's string, shape `(n_rows,)`.
        good: rows to take, shape `(n_rows,)`.
    """
    count = int(np.count_nonzero(good))
    unknown = np.full(count, np.nan, np.float32)
    modes = np.zeros(count, np.int16)
    if readings.modes is not None:
        sent = readings.modes[good]
        known = (sent >= 0) & (sent <= max(StringMode))
        modes = np.where(known, sent, int(StringMode.UNSPECIFIED)).astype(np.int16)
    return StringSamples(
        strings=strings[good],
        times_us=snap_time_us(readings.sample_time_unix_ns[good]),
        voltage_v=unknown if readings.voltage_v is None else snap_to_grid("voltage_v", readings.voltage_v[good]),
        current_a=unknown if readings.current_a is None else snap_to_grid("current_a", readings.current_a[good]),
        modes=modes,
    )


def fill_from_strings(rows: Rows, string_of: NDArray[np.int32], samples: StringSamples) -> None:
    """Gives each battery its string's mode, and where it has no current of its own, its string's current.

    Only a string sample of the very same time counts. If a string and time come twice, the first row counts.

    Args:
        rows: readings of batteries, `READING_DTYPE`, shape `(n_rows,)`; changed in place.
        string_of: number of each row's string, shape `(n_rows,)`.
        samples: measurements of strings, at least one.
    """
    order = np.lexsort((samples.times_us, samples.strings))  # stable: the first of equals stays first
    times = np.unique(samples.times_us)
    # one integer for (string, time); a battery's time that no string has gets a key that is never looked up
    keys = samples.strings[order].astype(np.int64) * len(times) + np.searchsorted(times, samples.times_us[order])
    slot = np.minimum(np.searchsorted(times, rows["sample_time_us"]), len(times) - 1)
    wanted = string_of.astype(np.int64) * len(times) + slot
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    match = (keys[place] == wanted) & (times[slot] == rows["sample_time_us"])
    source = order[place]
    current_a = samples.current_a[source]
    fill = match & np.isnan(rows["current_a"]) & ~np.isnan(current_a)
    rows["current_a"][fill] = current_a[fill]
    flags = np.where(fill, np.int16(Flag.CURRENT_FROM_STRING), np.int16(0))
    modes = np.where(match, samples.modes[source], np.int16(0))
    rows["status"] = pack_status(flags, modes)
