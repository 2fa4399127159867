"""Stored series as plain types."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from clients.alerts import Alert
from clients.events import Event


class Metric(IntEnum):
    """A stored quantity. Numbers equal `batterytwin.v1.Metric`; the unit is in the name."""

    VOLTAGE_V = 1
    CURRENT_A = 2
    TEMPERATURE_C = 3
    INTERNAL_RESISTANCE_MOHM = 4
    SOC = 5
    SOC_SIGMA = 6
    SOH_CAPACITY = 7
    SOH_CAPACITY_SIGMA = 8
    SOH_RESISTANCE = 9
    R0_OHM = 10
    INNOVATION_V = 11
    SOH_RESISTANCE_SIGMA = 12
    R0_SIGMA_OHM = 13
    INNOVATION_SIGMA_V = 14
    V1_V = 15
    V1_SIGMA_V = 16
    V2_V = 17
    V2_SIGMA_V = 18
    FLOAT_MARKER = 19
    FLOAT_MARKER_SIGMA = 20


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One quantity over time, float32, aligned with `History.time_unix_ns`. NaN = none.

    Attributes:
        values: raw values, or means of the buckets, shape `(n_points,)`.
        min_values: smallest value of each bucket, shape `(n_points,)`; None for raw rows.
        max_values: largest value of each bucket, likewise.
    """

    values: NDArray[np.float32]
    min_values: NDArray[np.float32] | None
    max_values: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Aligned series of one battery.

    Attributes:
        time_unix_ns: sample time of each point, or start of its bucket, nanoseconds since 1970-01-01 UTC, int64,
            rising, shape `(n_points,)`.
        series: one series for each quantity asked for, by `Metric` (by number where this client is older).
        row_counts: rows in each bucket, int32, shape `(n_points,)`; None for raw rows.
        suspects: True where the reading (or one in the bucket) was implausible and not applied, shape `(n_points,)`.
        bucket: length of the buckets; None for raw rows.
        events: events of the battery, its string and its location in this time, newest first, if asked for.
        alerts: alerts of these that stood in this time, newest first, if asked for.
        more_events: True where there are more events or alerts than the newest 1,000 given.
    """

    time_unix_ns: NDArray[np.int64]
    series: Mapping[Metric | int, Series]
    row_counts: NDArray[np.int32] | None
    suspects: NDArray[np.bool_]
    bucket: timedelta | None = None
    events: tuple[Event, ...] = ()
    alerts: tuple[Alert, ...] = ()
    more_events: bool = False

    def __len__(self) -> int:
        return len(self.time_unix_ns)

    def times(self) -> NDArray[np.datetime64]:
        """Times as `datetime64[ns]` (UTC), as plotting and table libraries want them, shape `(n_points,)`."""
        return self.time_unix_ns.view("datetime64[ns]")
