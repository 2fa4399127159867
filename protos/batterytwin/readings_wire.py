"""Readings to and from the bytes of `IngestService`, without making an object of every value.

A gateway names the same batteries in every message, and values are packed arrays of fixed width. So names are looked up
as one piece of bytes, and columns are views of the message. Whatever is not written the usual way is left to protobuf;
the tests hold both ways equal.
"""

from collections.abc import Callable, Sequence
from sys import intern
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import ReadingBatch, ReadingColumns, SingleReading
from batterytwin.readings_proto import batch_from_proto, batch_to_stream_request, single_from_proto, strings_from_proto
from batterytwin.v1 import ingest_service_pb2, reading_pb2

_Message = ingest_service_pb2.IngestReadingsRequest | ingest_service_pb2.StreamReadingsRequest

_SEQUENCE: Final = 0x08  # tags: number of the field << 3 | kind of its encoding
_REQUEST_ID: Final = 0x0A
_READINGS: Final = 0x12
_STRING_READINGS: Final = 0x1A
_NAME: Final = 0x0A
_TIMES: Final = 0x12
_COLUMNS: Final = {0x1A: "voltage_v", 0x22: "current_a", 0x2A: "temperature_c", 0x32: "internal_resistance_mohm"}
_LONGEST_VARINT: Final = 10
_MOST_KEPT_NAMES: Final = 2_000_000
"""Names in all lists that are kept, 24 bytes each: nine samples of each of 200,000 batteries."""
_FEWEST_NAMES, _MOST_NAMES = 8, 20_000
_KEY_BYTES: Final = 64


class IngestRequest:
    """A request of `IngestService` as the server reads it.

    Attributes:
        sequence: number of the batch in its stream; 0 in a single call.
    """

    __slots__ = ("_batch", "_message", "sequence")

    def __init__(self, sequence: int, batch: ReadingBatch | None, message: _Message | None) -> None:
        self.sequence = sequence
        self._batch = batch
        self._message = message

    def remember_names(self) -> None:
        """Lets the next message that names the same batteries be read quickly. Call it for callers who may send."""
        names = () if self._message is None else self._message.readings.battery_ids
        if _FEWEST_NAMES <= len(names) <= _MOST_NAMES:
            _lists.encoded(tuple(names))

    def single(self) -> SingleReading | None:
        """The only row of a batch that has nothing else; None for every other batch."""
        if self._message is None or len(self._message.readings.battery_ids) != 1:
            return None
        return single_from_proto(self._message)

    def batch(self) -> ReadingBatch:
        """What was sent.

        Raises:
            InvalidArgumentError: a column is not as long as the names of its rows.
        """
        return self._batch if self._batch is not None else batch_from_proto(self._message)  # type: ignore[arg-type] # one is there


class _NameLists:
    """Lists of names that were seen, by their bytes on the wire."""

    def __init__(self) -> None:
        self._of_key: dict[bytes, list[tuple[bytes, tuple[str, ...]]]] = {}
        self._bytes_of: dict[tuple[str, ...], bytes] = {}
        self._name_count = 0

    def find(self, data: bytes, start: int) -> tuple[bytes, tuple[str, ...]] | None:
        """The list that stands there, with its bytes."""
        for known in self._of_key.get(data[start : start + _KEY_BYTES], ()):
            end = start + len(known[0])
            if data.startswith(known[0], start) and (end == len(data) or data[end] != _NAME):
                return known
        return None

    def encoded(self, names: Sequence[str]) -> bytes:
        """Bytes of a list; those of the newest lists are kept.

        Raises:
            UnicodeEncodeError: a name cannot be sent.
        """
        content = names if isinstance(names, tuple) else tuple(names)
        found = self._bytes_of.get(content)
        if found is None:
            found = b"".join(bytes((_NAME,)) + varint(len(raw)) + raw for raw in (name.encode() for name in content))
            if self._name_count + len(content) > _MOST_KEPT_NAMES:
                self._of_key.clear()
                self._bytes_of.clear()
                self._name_count = 0
            self._name_count += len(content)
            content = tuple(intern(str(name)) for name in content)  # many lists, few names
            self._bytes_of[content] = found
            self._of_key.setdefault(found[:_KEY_BYTES], []).append((found, content))
        return found


_lists = _NameLists()
_NO_READINGS: Final = ReadingColumns((), np.empty(0, np.int64))


def batch_to_wire(batch: ReadingBatch) -> bytes:
    """Bytes of the `StreamReadingsRequest` that carries a batch, without a sequence."""
    readings = batch.readings
    columns = [(tag, getattr(readings, name)) for tag, name in _COLUMNS.items()]
    try:
        names = _lists.encoded(readings.battery_ids)
    except UnicodeEncodeError:
        return batch_to_stream_request(batch, 0).SerializeToString()
    parts = [names, _packed(_TIMES, readings.sample_time_unix_ns, "<i8")]
    parts += [_packed(tag, values, "<f4") for tag, values in columns if values is not None]
    body = b"".join(parts)
    head = bytes((_READINGS,)) + varint(len(body))
    if batch.string_readings is None:
        return head + body
    strings = batch_to_stream_request(ReadingBatch(_NO_READINGS, batch.string_readings), 0).string_readings
    tail = strings.SerializeToString()
    return b"".join((head, body, bytes((_STRING_READINGS,)), varint(len(tail)), tail))


def batch_to_unary_wire(batch: ReadingBatch, request_id: str) -> bytes:
    """Bytes of the `IngestReadingsRequest` that carries a batch: its other fields are those of a stream's."""
    name = request_id.encode()
    return bytes((_REQUEST_ID,)) + varint(len(name)) + name + batch_to_wire(batch)


def request_reader(message: type[_Message]) -> Callable[[bytes], IngestRequest]:
    """Reads requests of one type.

    Args:
        message: what protobuf makes of what is not written the usual way.

    Returns:
        A function from bytes to a request. It raises `google.protobuf.message.DecodeError` where they are none.
    """

    def read(data: bytes) -> IngestRequest:
        quick = _read_quickly(data)
        if quick is not None:
            return quick
        parsed = message.FromString(data)
        return IngestRequest(getattr(parsed, "sequence", 0), None, parsed)

    return read


def _read_quickly(data: bytes) -> IngestRequest | None:
    """Reads a message whose fields stand once each, in order, and whose names are known; None = it is another one."""
    sequence, at = _read_head(data)
    if at < 0 or data[at : at + 1] != bytes((_READINGS,)):
        return None
    length, at = _read_varint(data, at + 1)
    end = at + length
    if at < 0 or end > len(data):
        return None
    readings = _read_columns(data, at, end)
    if readings is None:
        return None
    if end == len(data):
        return IngestRequest(sequence, ReadingBatch(readings), None)
    length, at = _read_varint(data, end + 1)
    if data[end] != _STRING_READINGS or at < 0 or at + length != len(data):
        return None
    strings = strings_from_proto(reading_pb2.StringReadingColumns.FromString(data[at:]))
    return IngestRequest(sequence, ReadingBatch(readings, strings), None)


def _read_head(data: bytes) -> tuple[int, int]:
    """The sequence, if there is one, and where the fields after it and after a request id begin; -1 = unusual."""
    if data[:1] == bytes((_SEQUENCE,)):
        return _read_varint(data, 1)
    if data[:1] != bytes((_REQUEST_ID,)):
        return 0, 0
    length, at = _read_varint(data, 1)
    return 0, at + length if at >= 0 and data[at : at + length].isascii() else -1


def _read_columns(data: bytes, at: int, end: int) -> ReadingColumns | None:
    known = _lists.find(data, at)
    if known is None:
        return None
    encoded, names = known
    at += len(encoded)
    columns: dict[str, NDArray[Any]] = {}
    last_tag = 0
    while at < end:
        tag = data[at]
        length, at = _read_varint(data, at + 1)
        width = 8 if tag == _TIMES else 4
        if tag <= last_tag or (tag != _TIMES and tag not in _COLUMNS) or at < 0 or length != width * len(names):
            return None
        name = _COLUMNS.get(tag, "sample_time_unix_ns")
        columns[name] = np.frombuffer(data, "<i8" if tag == _TIMES else "<f4", len(names), at)
        at, last_tag = at + length, tag
    if at != end or "sample_time_unix_ns" not in columns:
        return None
    return ReadingColumns(names, **columns)


def _packed(tag: int, values: NDArray[Any], kind: str) -> bytes:
    if not len(values):
        return b""
    raw = np.ascontiguousarray(values, kind).tobytes()
    return bytes((tag,)) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; -1 as the end where there is none of the usual size."""
    value = 0
    for k in range(_LONGEST_VARINT - 1):
        if at + k >= len(data):
            return 0, -1
        byte = data[at + k]
        value |= (byte & 0x7F) << (7 * k)
        if byte < 0x80:
            return value, at + k + 1
    return 0, -1
