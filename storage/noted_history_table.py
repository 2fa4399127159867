"""Table `noted_history`: history of each location that is still to be looked through for outages."""

from collections.abc import Mapping
from typing import Final

from storage.instants import to_datetime, to_us
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_SAVE: Final = read_sql("save_noted_history")
_FORGET: Final = read_sql("forget_noted_history")


class NotedHistoryTable(StorePool):
    """Questions about table `noted_history`."""

    async def save_noted_history(self, spans_us: Mapping[str, tuple[int, int]]) -> None:
        """Notes history of some locations, in the place of what was noted of them before.

        Args:
            spans_us: first and last sample time by location, microseconds since 1970 UTC.
        """
        values = {
            "location_ids": list(spans_us),
            "starts": [to_datetime(start_us) for start_us, _ in spans_us.values()],
            "ends": [to_datetime(end_us) for _, end_us in spans_us.values()],
        }
        async with self._connection() as connection:
            await connection.execute(_SAVE, values)

    async def load_noted_history(self) -> dict[str, tuple[int, int]]:
        """First and last sample time of what is noted, by location."""
        async with self._connection() as connection:
            cursor = await connection.execute("SELECT location_id, start_time, end_time FROM noted_history")
            return {row.location_id: (to_us(row.start_time), to_us(row.end_time)) for row in await cursor.fetchall()}

    async def forget_noted_history(self, location_id: str) -> None:
        """Forgets what is noted of a location. Repeating it changes nothing."""
        async with self._connection() as connection:
            await connection.execute(_FORGET, {"location_id": location_id})
