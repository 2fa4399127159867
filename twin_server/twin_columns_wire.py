"""Columns of many twins as bytes of `TwinColumns`, without making an object of every value.

Packed numbers of fixed width lie in a message as they lie in an array. What is written here protobuf reads back, and
the tests hold it equal to what protobuf would have written.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray

from batterytwin.v1 import twin_pb2

_FIELDS: Final = {field.name: field for field in twin_pb2.TwinColumns.DESCRIPTOR.fields}
_FIXED: Final = {FieldDescriptor.TYPE_FLOAT: "<f4", FieldDescriptor.TYPE_SFIXED64: "<i8"}
_LENGTH_DELIMITED: Final = 2
_ONE_BYTE: Final = 0x80


def write_columns(names: Sequence[bytes], columns: dict[str, NDArray[Any]]) -> twin_pb2.TwinColumns:
    """Message with these columns.

    Args:
        names: battery ids as `name_field` writes them.
        columns: numbers by field, each of shape `(n_twins,)`; counts and enums are at least 0.
    """
    message = twin_pb2.TwinColumns()
    message.MergeFromString(b"".join([*names, *(_packed(name, column) for name, column in columns.items())]))
    return message


def name_field(battery_id: str) -> bytes:
    """A battery id as the message has it."""
    return _delimited("battery_ids", battery_id.encode())


def _packed(name: str, column: NDArray[Any]) -> bytes:
    if not len(column):
        return b""
    dtype = _FIXED.get(_FIELDS[name].type)
    if dtype is not None:
        return _delimited(name, column.astype(dtype, copy=False).tobytes())
    if int(column.max()) < _ONE_BYTE:
        return _delimited(name, column.astype(np.uint8).tobytes())
    return twin_pb2.TwinColumns(**{name: column.tolist()}).SerializeToString()


def _delimited(name: str, body: bytes) -> bytes:
    return _varint(_FIELDS[name].number << 3 | _LENGTH_DELIMITED) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    written = bytearray()
    while number >= _ONE_BYTE:
        written.append(number & 0x7F | _ONE_BYTE)
        number >>= 7
    written.append(number)
    return bytes(written)
