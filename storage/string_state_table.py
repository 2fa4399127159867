"""States of the string analysis in table `string_state`, each with its SHA-256."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_SAVE: Final = read_sql("save_string_states")
_LOAD: Final = read_sql("load_string_states")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StringStateRecord:
    """What the analysis remembers of one string.

    Attributes:
        string_id: name of the string.
        as_of_us: sample time of the newest frame in it, us since 1970 UTC.
        layout: names the meaning of the bytes.
        state: the bytes.
    """

    string_id: str
    as_of_us: int
    layout: str
    state: bytes


class StringStateTable(StorePool):
    """Questions about table `string_state`."""

    async def save_string_states(self, records: Sequence[StringStateRecord]) -> None:
        """Stores states; an earlier one of the same string is replaced."""
        async with self._transaction() as connection:
            await connection.execute(
                _SAVE,
                {
                    "string_ids": [record.string_id for record in records],
                    "as_of": [to_datetime(record.as_of_us) for record in records],
                    "layouts": [record.layout for record in records],
                    "states": [record.state for record in records],
                    "digests": [hashlib.sha256(record.state).digest() for record in records],
                },
            )

    async def load_string_states(self, layout: str) -> dict[str, bytes]:
        """States of a layout by name of the string; damaged ones are logged and passed over."""
        async with self._connection() as connection:
            cursor = await connection.execute(_LOAD, {"layout": layout})
            rows = await cursor.fetchall()
        found: dict[str, bytes] = {}
        for row in rows:
            if hashlib.sha256(row.state).digest() == row.digest:
                found[row.string_id] = bytes(row.state)
            else:
                _log.error("state of string %s is damaged and passed over", row.string_id)
        return found
