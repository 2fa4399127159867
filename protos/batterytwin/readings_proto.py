"""Readings to and from the messages of `IngestService`. Only this module of the pair sees protobuf."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import ReadingBatch, ReadingColumns, SingleReading, StringReadingColumns
from batterytwin.v1 import ingest_service_pb2, reading_pb2


def batch_to_ingest_request(batch: ReadingBatch, request_id: str = "") -> ingest_service_pb2.IngestReadingsRequest:
    """Makes the request of `IngestReadings` that carries a batch."""
    return ingest_service_pb2.IngestReadingsRequest(
        request_id=request_id,
        readings=_readings_to_proto(batch.readings),
        string_readings=_string_readings_to_proto(batch.string_readings),
    )


def batch_to_stream_request(batch: ReadingBatch, sequence: int) -> ingest_service_pb2.StreamReadingsRequest:
    """Makes the request of `StreamReadings` that carries a batch under a number."""
    return ingest_service_pb2.StreamReadingsRequest(
        sequence=sequence,
        readings=_readings_to_proto(batch.readings),
        string_readings=_string_readings_to_proto(batch.string_readings),
    )


def batch_from_proto(
    request: ingest_service_pb2.IngestReadingsRequest | ingest_service_pb2.StreamReadingsRequest,
) -> ReadingBatch:
    """Reads the batch out of a request. A column without values is None; enum numbers are kept as they are.

    Raises:
        InvalidArgumentError: a column is not as long as the names of its rows (reason COLUMN_LENGTH_MISMATCH).
    """
    columns = request.readings
    readings = ReadingColumns(
        battery_ids=list(columns.battery_ids),
        sample_time_unix_ns=np.asarray(columns.sample_time_unix_ns, dtype=np.int64),
        voltage_v=_floats(columns.voltage_v),
        current_a=_floats(columns.current_a),
        temperature_c=_floats(columns.temperature_c),
        internal_resistance_mohm=_floats(columns.internal_resistance_mohm),
    )
    if not request.HasField("string_readings"):
        return ReadingBatch(readings)
    return ReadingBatch(readings, strings_from_proto(request.string_readings))


def single_from_proto(
    request: ingest_service_pb2.IngestReadingsRequest | ingest_service_pb2.StreamReadingsRequest,
) -> SingleReading | None:
    """Reads the only row of a batch; None where columns differ in length or something was measured once per string."""
    row = request.readings
    columns = (row.voltage_v, row.current_a, row.temperature_c, row.internal_resistance_mohm)
    if len(row.sample_time_unix_ns) != 1 or request.HasField("string_readings") or any(len(c) > 1 for c in columns):
        return None
    values = [column[0] if column else math.nan for column in columns]
    return SingleReading(row.battery_ids[0], row.sample_time_unix_ns[0], *values)


def strings_from_proto(strings: reading_pb2.StringReadingColumns) -> StringReadingColumns:
    """Reads what was measured once per string; otherwise like `batch_from_proto`.

    Raises:
        InvalidArgumentError: a column is not as long as the names of its rows (reason COLUMN_LENGTH_MISMATCH).
    """
    return StringReadingColumns(
        string_ids=list(strings.string_ids),
        sample_time_unix_ns=np.asarray(strings.sample_time_unix_ns, dtype=np.int64),
        voltage_v=_floats(strings.voltage_v),
        current_a=_floats(strings.current_a),
        modes=np.asarray(strings.modes, dtype=np.int32) if strings.modes else None,
    )


def _readings_to_proto(readings: ReadingColumns) -> reading_pb2.ReadingColumns:
    return reading_pb2.ReadingColumns(
        battery_ids=readings.battery_ids,
        sample_time_unix_ns=readings.sample_time_unix_ns.tolist(),
        voltage_v=_values(readings.voltage_v),
        current_a=_values(readings.current_a),
        temperature_c=_values(readings.temperature_c),
        internal_resistance_mohm=_values(readings.internal_resistance_mohm),
    )


def _string_readings_to_proto(readings: StringReadingColumns | None) -> reading_pb2.StringReadingColumns | None:
    if readings is None:
        return None
    return reading_pb2.StringReadingColumns(
        string_ids=readings.string_ids,
        sample_time_unix_ns=readings.sample_time_unix_ns.tolist(),
        voltage_v=_values(readings.voltage_v),
        current_a=_values(readings.current_a),
        modes=_values(readings.modes),
    )


def _values(column: NDArray[Any] | None) -> Sequence[Any] | None:
    # protobuf takes a list several times faster than an array
    return None if column is None else column.tolist()


def _floats(values: Sequence[float] | Iterable[float]) -> NDArray[np.float32] | None:
    column = np.asarray(values, dtype=np.float32)
    return column if len(column) else None
