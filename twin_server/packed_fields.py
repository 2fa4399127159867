"""Columns of numbers as bytes of a message, without making an object of every value.

Packed numbers of fixed width lie in a message as they lie in an array. What is written here protobuf reads back, and
the tests hold it equal to what protobuf would have written.
"""

from typing import Any, Final

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from numpy.typing import NDArray

_FIXED: Final = {FieldDescriptor.TYPE_FLOAT: "<f4", FieldDescriptor.TYPE_SFIXED64: "<i8"}
_LENGTH_DELIMITED: Final = 2
_ONE_BYTE: Final = 0x80


class PackedFields:
    """Writes fields of one kind of message.

    Args:
        message_type: class of the message.
    """

    def __init__(self, message_type: type[Message]) -> None:
        self._message_type = message_type
        self._fields = {field.name: field for field in message_type.DESCRIPTOR.fields}

    def numbers(self, name: str, column: NDArray[Any]) -> bytes:
        """A repeated field of numbers; empty where the column is.

        Args:
            name: of the field.
            column: shape `(n_values,)`; counts, enums and booleans are at least 0.
        """
        if not len(column):
            return b""
        dtype = _FIXED.get(self._fields[name].type)
        if dtype is not None:
            return self.delimited(name, column.astype(dtype, copy=False).tobytes())
        if int(column.max()) < _ONE_BYTE:
            return self.delimited(name, column.astype(np.uint8).tobytes())
        return self._message_type(**{name: column.tolist()}).SerializeToString()

    def delimited(self, name: str, body: bytes) -> bytes:
        """One value of a field of text or of messages, which `body` holds as bytes."""
        return _varint(self._fields[name].number << 3 | _LENGTH_DELIMITED) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    written = bytearray()
    while number >= _ONE_BYTE:
        written.append(number & 0x7F | _ONE_BYTE)
        number >>= 7
    written.append(number)
    return bytes(written)
