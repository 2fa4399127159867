"""Requests and answers as tests need them."""

import time
from collections.abc import Sequence

import grpc
import numpy as np
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from batterytwin.readings_proto import batch_to_ingest_request
from batterytwin.v1 import ingest_service_pb2


def now_ns(offset_s: float = 0.0) -> int:
    """Wall time on the grid of microseconds, as nanoseconds."""
    return (time.time_ns() // 1_000 + round(offset_s * 1e6)) * 1_000


def columns(
    battery_ids: Sequence[str],
    time_ns: int | Sequence[int],
    voltage_v: float | Sequence[float] = 13.5,
    current_a: float | Sequence[float] = 0.1,
    temperature_c: float | Sequence[float] = 25.0,
) -> ReadingColumns:
    """Readings; a single value stands for every row."""
    count = len(battery_ids)

    def column(value: float | Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return np.array(np.broadcast_to(np.asarray(value, np.float32), count))

    times = np.array(np.broadcast_to(np.asarray(time_ns, np.int64), count))
    return ReadingColumns(list(battery_ids), times, column(voltage_v), column(current_a), column(temperature_c))


def request(
    readings: ReadingColumns, strings: StringReadingColumns | None = None
) -> ingest_service_pb2.IngestReadingsRequest:
    """Request of `IngestReadings`."""
    return batch_to_ingest_request(ReadingBatch(readings, strings))


def blocks(string_id: str) -> list[str]:
    """The 24 batteries of a string."""
    return [f"{string_id}-B{number:02d}" for number in range(1, 25)]


def status_of(error: grpc.RpcError) -> Status:
    """Rich status of a failed call."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # works with asyncio errors as well
    assert status is not None, f"no rich status: {error}"
    return status


def reason_of(error: grpc.RpcError) -> str:
    """Stable reason of a failed call."""
    info = ErrorInfo()
    assert status_of(error).details[0].Unpack(info)
    return str(info.reason)


def retry_after_s(error: grpc.RpcError) -> float | None:
    """When the server wants to be asked again."""
    retry = RetryInfo()
    for detail in status_of(error).details:
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToTimedelta().total_seconds())
    return None
