"""Columns of many twins as `TwinColumns`."""

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray

from batterytwin.v1 import twin_pb2
from twin_server.packed_fields import PackedFields

_FIELDS: Final = PackedFields(twin_pb2.TwinColumns)


def write_columns(names: Sequence[bytes], columns: dict[str, NDArray[Any]]) -> twin_pb2.TwinColumns:
    """Message with these columns.

    Args:
        names: battery ids as `name_field` writes them.
        columns: numbers by field, each of shape `(n_twins,)`; counts and enums are at least 0.
    """
    message = twin_pb2.TwinColumns()
    message.MergeFromString(b"".join([*names, *(_FIELDS.numbers(name, column) for name, column in columns.items())]))
    return message


def name_field(battery_id: str) -> bytes:
    """A battery id as the message has it."""
    return _FIELDS.delimited("battery_ids", battery_id.encode())
