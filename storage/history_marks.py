"""What stood over a battery in some time: alerts of its own, of its string and of its location."""

from storage.alert_records import AlertRecord, alert_of_row
from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_ALERTS_OF_BATTERY = read_sql("alerts_of_battery")


class HistoryMarks(StorePool):
    """Alerts as marks on a time axis; `EventTables.list_events` gives the events."""

    async def alerts_of_battery(
        self, battery_id: str, string_id: str, location_id: str, *, start_us: int, end_us: int, limit: int
    ) -> list[AlertRecord]:
        """Alerts that concern a battery and stood between two times, newest first.

        Args:
            battery_id: slot name.
            string_id: its string.
            location_id: its location.
            start_us: only alerts that had not ended then, microseconds since 1970 UTC.
            end_us: only alerts raised before.
            limit: most alerts, at least 1.
        """
        values = {
            "battery_id": battery_id,
            "string_id": string_id,
            "location_id": location_id,
            "start": to_datetime(start_us),
            "end": to_datetime(end_us),
            "limit": limit,
        }
        async with self._connection() as connection:
            cursor = await connection.execute(_ALERTS_OF_BATTERY, values)
            return [alert_of_row(row) for row in await cursor.fetchall()]
