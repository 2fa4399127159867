"""A batch as it lies in a gateway's queue: serialized once, sent as often as it takes."""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.readings import ReadingBatch
from batterytwin.readings_wire import batch_to_wire, varint
from batterytwin.v1.ingest_service_pb2 import StreamReadingsRequest
from clients.channel import MAX_REQUEST_BYTES

_SEQUENCE_TAG: Final = bytes([StreamReadingsRequest.SEQUENCE_FIELD_NUMBER << 3])  # a varint field
_ROOM_FOR_SEQUENCE_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A `StreamReadingsRequest` without its sequence, which every stream gives anew.

    Attributes:
        request: the serialized message.
        rows: rows of single batteries.
        first_sample_us: oldest sample time in it, microseconds since 1970 UTC.
        last_sample_us: newest sample time in it, likewise.
        taken_us: when the gateway took it over, likewise.
        number: its place in the queue, rising; 0 = not in a queue yet.
    """

    request: bytes
    rows: int
    first_sample_us: int
    last_sample_us: int
    taken_us: int
    number: int = 0

    def numbered(self, sequence: int) -> bytes:
        """The message under a number of a stream; fields of a protobuf message may come in any order."""
        return _SEQUENCE_TAG + varint(sequence) + self.request


def pack(batch: ReadingBatch) -> PackedBatch:
    """Serializes a batch.

    Raises:
        InvalidArgumentError: it is larger than a server takes (reason BATCH_TOO_LARGE).
    """
    request = batch_to_wire(batch)
    if len(request) > MAX_REQUEST_BYTES - _ROOM_FOR_SEQUENCE_BYTES:
        raise InvalidArgumentError(
            f"A batch of {len(batch.readings)} rows takes {len(request)} bytes, more than the "
            f"{MAX_REQUEST_BYTES} that a server takes. Send it in parts.",
            reason=Reason.BATCH_TOO_LARGE,
            field="readings",
            value=len(batch.readings),
        )
    times = batch.readings.sample_time_unix_ns
    if not len(times) and batch.string_readings is not None:
        times = batch.string_readings.sample_time_unix_ns
    first_us, last_us = (int(np.min(times)) // 1_000, int(np.max(times)) // 1_000) if len(times) else (0, 0)
    return PackedBatch(request, len(batch.readings), first_us, last_us, time.time_ns() // 1_000)
