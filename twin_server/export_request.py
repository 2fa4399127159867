"""What an export asks for, checked: whose history, which time, which columns, which file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.v1 import history_service_pb2 as pb
from storage.instants import to_datetime
from twin_server.history_request import read_bucket_us, read_metrics, read_range_us
from twin_server.principal import Principal
from twin_server.routing import FleetMap
from twin_server.visibility import visible_string, visible_twin, visible_twins

_FORMATS: Final = {pb.EXPORT_FORMAT_CSV: "csv", pb.EXPORT_FORMAT_PARQUET: "parquet"}


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """An export that can be made.

    Attributes:
        place: battery, string or location, by name.
        battery_ids: its batteries, in fleet order.
        battery_keys: their database keys, likewise, int32, shape `(n_batteries,)`.
        start_us: first sample time, inclusive, us since 1970 UTC.
        end_us: last sample time, exclusive.
        metrics: columns, in order.
        file: "csv" or "parquet".
        bucket_us: length of the buckets, us; None = raw rows.
    """

    place: str
    battery_ids: Sequence[str]
    battery_keys: NDArray[np.int32]
    start_us: int
    end_us: int
    metrics: Sequence[str]
    file: str
    bucket_us: int | None

    def done_fraction(self, battery: int, time_us: int) -> float:
        """Share of the work that is behind this time of the battery at this place, 0...1."""
        within = (time_us - self.start_us) / (self.end_us - self.start_us)
        return (battery + min(max(within, 0.0), 1.0)) / len(self.battery_ids)

    def __str__(self) -> str:
        rows = "raw" if self.bucket_us is None else f"{self.bucket_us / 1e6:g} s"
        start, end = (f"{to_datetime(time_us):%Y-%m-%dT%H:%M:%SZ}" for time_us in (self.start_us, self.end_us))
        return f"{start} to {end}, {rows}, {len(self.metrics)} metrics, {self.file}"


def read_export(request: Any, fleet_map: FleetMap, principal: Principal) -> ExportPlan:
    """Plan of an export.

    Args:
        request: an `ExportHistoryRequest`.
        fleet_map: what there is.
        principal: who asks.

    Raises:
        InvalidArgumentError: nothing is named, or a time, a metric, the format or the bucket cannot be used.
        NotFoundError: there is no such battery, string or location, or the caller may not know of it.
        PermissionDeniedError: the location is not the caller's.
    """
    ordinals = _ordinals(request, fleet_map, principal)
    if request.format not in _FORMATS:
        raise InvalidArgumentError(
            f"There is no format number {request.format}; ask for CSV (1) or PARQUET (2).",
            field="format",
            value=request.format,
        )
    start_us, end_us = read_range_us(request)
    return ExportPlan(
        place=getattr(request, request.WhichOneof("scope")),
        battery_ids=[fleet_map.battery_ids[ordinal] for ordinal in ordinals.tolist()],
        battery_keys=fleet_map.battery_keys[ordinals],
        start_us=start_us,
        end_us=end_us,
        metrics=read_metrics(request.metrics),
        file=_FORMATS[request.format],
        bucket_us=read_bucket_us(request),
    )


def _ordinals(request: Any, fleet_map: FleetMap, principal: Principal) -> NDArray[np.int32]:
    match request.WhichOneof("scope"):
        case "battery_id":
            return np.array([visible_twin(fleet_map, principal, request.battery_id)], np.int32)
        case "string_id":
            string = visible_string(fleet_map, principal, request.string_id)
            return np.arange(string.start, string.stop, dtype=np.int32)
        case "location_id" if request.location_id:
            return visible_twins(fleet_map, principal, request.location_id)
    raise InvalidArgumentError(
        "Name what to export: a battery_id, a string_id or a location_id; export a fleet location by location.",
        field="scope",
    )
