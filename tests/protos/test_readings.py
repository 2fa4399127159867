"""Readings travel over the wire unchanged: NaN, +-Inf, empty columns and enum numbers of the future included."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from batterytwin.readings_proto import batch_from_proto, batch_to_ingest_request, batch_to_stream_request
from batterytwin.readings_wire import _lists, batch_to_unary_wire, batch_to_wire, request_reader
from batterytwin.telemetry import READING_DTYPE, join_rows
from batterytwin.v1 import ingest_service_pb2

MEASURED = ("voltage_v", "current_a", "temperature_c", "internal_resistance_mohm")


def floats(rows: int) -> st.SearchStrategy[Any]:
    column = npst.arrays(np.float32, rows, elements=st.floats(width=32, allow_nan=True, allow_infinity=True))
    return st.none() | column


@st.composite
def batches(draw: st.DrawFn) -> ReadingBatch:
    rows = draw(st.integers(0, 6))
    names = st.lists(st.text(max_size=12), min_size=rows, max_size=rows)
    readings = ReadingColumns(
        draw(names), draw(npst.arrays(np.int64, rows)), **{name: draw(floats(rows)) for name in MEASURED}
    )
    if draw(st.booleans()):
        return ReadingBatch(readings)
    rows = draw(st.integers(0, 3))
    return ReadingBatch(
        readings,
        StringReadingColumns(
            draw(st.lists(st.text(max_size=12), min_size=rows, max_size=rows)),
            draw(npst.arrays(np.int64, rows)),
            voltage_v=draw(floats(rows)),
            current_a=draw(floats(rows)),
            modes=draw(st.none() | npst.arrays(np.int32, rows)),
        ),
    )


def assert_same(sent: ReadingBatch, received: ReadingBatch) -> None:
    assert list(sent.readings.battery_ids) == list(received.readings.battery_ids)
    assert_columns(sent.readings, received.readings, ("sample_time_unix_ns", *MEASURED))
    assert (sent.string_readings is None) == (received.string_readings is None)
    if sent.string_readings is not None and received.string_readings is not None:
        assert list(sent.string_readings.string_ids) == list(received.string_readings.string_ids)
        columns = ("sample_time_unix_ns", "voltage_v", "current_a", "modes")
        assert_columns(sent.string_readings, received.string_readings, columns)


def assert_columns(sent: object, received: object, names: tuple[str, ...]) -> None:
    for name in names:
        before, after = getattr(sent, name), getattr(received, name)
        if before is None or not len(before):  # a column without rows and a column not sent are one thing
            assert after is None or not len(after)
        else:
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)


@given(batches())
def test_a_batch_survives_the_unary_wire(batch: ReadingBatch) -> None:
    sent = batch_to_ingest_request(batch, request_id="r-1")
    request = ingest_service_pb2.IngestReadingsRequest.FromString(sent.SerializeToString())
    assert request.request_id == "r-1"
    assert_same(batch, batch_from_proto(request))


@given(batches(), st.integers(1, 2**62))
def test_a_batch_survives_the_stream(batch: ReadingBatch, sequence: int) -> None:
    sent = batch_to_stream_request(batch, sequence)
    request = ingest_service_pb2.StreamReadingsRequest.FromString(sent.SerializeToString())
    assert request.sequence == sequence
    assert_same(batch, batch_from_proto(request))


_STREAM = request_reader(ingest_service_pb2.StreamReadingsRequest)
_UNARY = request_reader(ingest_service_pb2.IngestReadingsRequest)


@given(batches())
def test_the_quick_way_writes_what_protobuf_writes(batch: ReadingBatch) -> None:
    assert batch_to_wire(batch) == batch_to_stream_request(batch, 0).SerializeToString()
    assert batch_to_unary_wire(batch, "r-1") == batch_to_ingest_request(batch, "r-1").SerializeToString()


@given(batches(), st.integers(1, 2**62), st.integers(8, 40))
def test_the_quick_way_reads_what_protobuf_reads(batch: ReadingBatch, sequence: int, rows: int) -> None:
    names = tuple(f"BRK-U1-S03-B{row:02d}" for row in range(rows))
    readings = ReadingColumns(names, np.arange(rows), voltage_v=np.linspace(13, 14, rows, dtype=np.float32))
    for content in (batch, ReadingBatch(readings, batch.string_readings)):
        for data, read in (
            (batch_to_stream_request(content, sequence).SerializeToString(), _STREAM),
            (batch_to_ingest_request(content, "r-1").SerializeToString(), _UNARY),
        ):
            first = read(data)
            first.remember_names()
            again = read(data)
            assert_same(content, first.batch())
            assert_same(content, again.batch())
            assert again.sequence == (sequence if read is _STREAM else 0)
            if content.readings is readings:
                assert again.batch().readings.battery_ids == names, "known names are one tuple"


@settings(max_examples=300)
@given(batches(), st.data())
def test_bytes_that_were_changed_are_read_alike_or_refused_alike(batch: ReadingBatch, data: st.DataObject) -> None:
    names = tuple(f"BRK-U1-S03-B{row:02d}" for row in range(9))
    readings = ReadingColumns(names, np.arange(9), current_a=np.ones(9, np.float32))
    raw = bytearray(batch_to_stream_request(ReadingBatch(readings, batch.string_readings), 7).SerializeToString())
    _lists.encoded(names)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "delete", "insert"])):
            case "set":
                raw[place] = data.draw(st.integers(0, 255))
            case "delete" if len(raw) > 1:
                del raw[place]
            case _:
                raw.insert(place, data.draw(st.integers(0, 255)))
    assert _outcome(lambda: _STREAM(bytes(raw)).batch()) == _outcome(
        lambda: batch_from_proto(ingest_service_pb2.StreamReadingsRequest.FromString(bytes(raw)))
    )


def _outcome(read: Callable[[], ReadingBatch]) -> object:
    try:
        batch = read()
    except (DecodeError, InvalidArgumentError) as error:
        return type(error)
    return batch_to_ingest_request(batch).SerializeToString()


@pytest.mark.parametrize("column", ["sample_time_unix_ns", *MEASURED])
@pytest.mark.parametrize("length", [1, 3])
def test_a_column_of_wrong_length_is_refused_by_name(column: str, length: int) -> None:
    request = ingest_service_pb2.IngestReadingsRequest()
    request.readings.battery_ids.extend(["A", "B"])
    request.readings.sample_time_unix_ns.extend([1, 2])
    request.readings.ClearField(column)  # type: ignore[arg-type]  # stubs want a literal
    getattr(request.readings, column).extend([1] * length)
    with pytest.raises(InvalidArgumentError) as caught:
        batch_from_proto(request)
    assert caught.value.reason is Reason.COLUMN_LENGTH_MISMATCH
    assert caught.value.field == f"readings.{column}"
    assert caught.value.value == str(length)


def test_missing_sample_times_are_a_length_mismatch() -> None:
    request = ingest_service_pb2.IngestReadingsRequest()
    request.readings.battery_ids.extend(["A", "B"])
    with pytest.raises(InvalidArgumentError) as caught:
        batch_from_proto(request)
    assert caught.value.field == "readings.sample_time_unix_ns"


def test_times_that_are_not_whole_nanoseconds_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="int64"):
        ReadingColumns(["A"], np.array([1.5]))


def test_a_request_without_readings_is_an_empty_batch() -> None:
    batch = batch_from_proto(ingest_service_pb2.IngestReadingsRequest())
    assert len(batch.readings) == 0
    assert batch.string_readings is None


def test_rows_are_joined_as_numpy_joins_them() -> None:
    parts = [np.zeros(count, READING_DTYPE) for count in (1, 0, 3)]
    for number, part in enumerate(parts):
        part["twin"], part["voltage_v"] = number, 12.0 + number
    joined = join_rows(parts)
    assert joined.tobytes() == np.concatenate(parts).tobytes()
    assert joined.dtype == READING_DTYPE
    assert join_rows(parts[:1]) is parts[0]
