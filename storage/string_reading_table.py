"""The newest measurement over each whole string, in table `string_reading`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from storage.instants import to_datetime, to_us
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_SAVE: Final = read_sql("save_string_readings")
_LOAD: Final = read_sql("load_string_readings")


@dataclass(frozen=True, slots=True)
class StringReadingRecord:
    """What was measured last over one string.

    Attributes:
        string_id: name of the string.
        sample_time_us: when, us since 1970 UTC.
        voltage_v: voltage over the whole string, V; NaN = not measured.
        current_a: current, A, > 0 charges; NaN = not measured.
        mode: `StringMode` as reported.
    """

    string_id: str
    sample_time_us: int
    voltage_v: float
    current_a: float
    mode: int


class StringReadingTable(StorePool):
    """Questions about table `string_reading`."""

    async def save_string_readings(self, records: Sequence[StringReadingRecord]) -> None:
        """Stores measurements, one a string; older ones than stored change nothing.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async with self._transaction() as connection:
            await connection.execute(
                _SAVE,
                {
                    "string_ids": [record.string_id for record in records],
                    "sample_times": [to_datetime(record.sample_time_us) for record in records],
                    "voltages_v": [record.voltage_v for record in records],
                    "currents_a": [record.current_a for record in records],
                    "modes": [record.mode for record in records],
                },
            )

    async def load_string_readings(self) -> list[StringReadingRecord]:
        """The newest stored measurement of each string that has one.

        Raises:
            StoreUnavailableError: the database is away.
        """
        async with self._connection() as connection:
            rows = await (await connection.execute(_LOAD)).fetchall()
        return [
            StringReadingRecord(row.string_id, to_us(row.sample_time), row.voltage_v, row.current_a, row.mode)
            for row in rows
        ]
