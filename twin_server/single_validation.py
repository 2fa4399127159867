"""A good row that comes alone, made ready without arrays of single numbers; `ingest_validation` does the rest."""

import math
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import SingleReading
from batterytwin.telemetry import MEASURED_COLUMNS, READING_DTYPE, snap_value
from twin_server.ingest_validation import EARLIEST_US, LATEST_US, ValidBatch
from twin_server.location_clock import FUTURE_TOLERANCE_US, LocationClocks
from twin_server.routing import FleetMap

_ROW: Final = struct.Struct("<ihqffff")
"""`READING_DTYPE`."""


def check_single(
    fleet_map: FleetMap, clocks: LocationClocks, reading: SingleReading, allowed_locations: NDArray[np.bool_] | None
) -> ValidBatch | None:
    """What `IngestValidation.check` makes of a good row; None where something is wrong with it, which that one tells.

    Args:
        fleet_map: the inventory.
        clocks: of the locations.
        reading: the row as it was sent.
        allowed_locations: which locations the caller may write to, shape `(n_locations,)`; None = all.
    """
    ordinal = fleet_map.find(reading.battery_id)
    if ordinal is None:
        return None
    location, time_us = int(fleet_map.location_of[ordinal]), reading.sample_time_unix_ns // 1_000
    if allowed_locations is not None and not allowed_locations[location]:
        return None
    if not EARLIEST_US <= time_us <= LATEST_US:
        return None
    if not clocks.is_feed(location) and time_us > clocks.wall_us() + FUTURE_TOLERANCE_US:
        return None
    values = reading[2:]
    if any(map(math.isinf, values)) or all(map(math.isnan, values)):
        return None
    row = _ROW.pack(int(fleet_map.twin[ordinal]), 0, time_us, *map(snap_value, MEASURED_COLUMNS, values))
    return ValidBatch(np.frombuffer(row, READING_DTYPE), np.array([ordinal], np.int32), 0, [], None)
