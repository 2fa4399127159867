"""Keeps the newest measurement of every string across restarts."""

from typing import Final, Protocol

import numpy as np
import structlog

from batterytwin.errors import StoreUnavailableError
from storage.string_reading_table import StringReadingRecord
from twin_server.routing import FleetMap
from twin_server.string_samples import StringSamples
from twin_server.string_table import StringTable

KEEP_EVERY_S: Final = 5.0
"""A killed server forgets the measurements of so long at most; the next sample of a string brings them back."""

_log = structlog.get_logger(__name__)


class StringReadingStore(Protocol):
    """What the keeper needs of the store; see `storage.string_reading_table`."""

    async def save_string_readings(self, records: list[StringReadingRecord]) -> None:
        """Stores measurements, one a string."""

    async def load_string_readings(self) -> list[StringReadingRecord]:
        """The newest stored measurement of each string that has one."""


class StringKeeper:
    """Stores what a table of strings has taken since the last time, and fills the table at the start.

    Args:
        store: the database.
        strings: newest measurements.
        fleet_map: numbers of strings.
    """

    def __init__(self, store: StringReadingStore, strings: StringTable, fleet_map: FleetMap) -> None:
        self._store = store
        self._strings = strings
        self._map = fleet_map

    async def load(self) -> None:
        """Takes up the measurements that were known when the server ended.

        Raises:
            StoreUnavailableError: the database is away.
        """
        number_of = {string_id: number for number, (string_id, _) in enumerate(self._map.strings)}
        known = [record for record in await self._store.load_string_readings() if record.string_id in number_of]
        self._strings.take(
            StringSamples(
                np.array([number_of[record.string_id] for record in known], np.int32),
                np.array([record.sample_time_us for record in known], np.int64),
                np.array([record.voltage_v for record in known], np.float32),
                np.array([record.current_a for record in known], np.float32),
                np.array([record.mode for record in known], np.int16),
            )
        )
        self._strings.take_unsaved()

    async def save(self) -> None:
        """Stores the measurements that came since the last time; if the database is away, the next time does."""
        numbers = self._strings.take_unsaved()
        if not numbers:
            return
        records = []
        for number in numbers:
            found = self._strings.present(number)
            string_id = self._map.strings[number][0]
            records.append(StringReadingRecord(string_id, found.as_of_us, found.voltage_v, found.current_a, found.mode))
        stored = False
        try:
            await self._store.save_string_readings(records)
            stored = True
        except StoreUnavailableError as error:
            _log.warning("measurements of strings cannot be stored, trying again", reason=error.message)
        finally:  # also when the server stops in the middle
            if not stored:
                self._strings.put_back_unsaved(numbers)
