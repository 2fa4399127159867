"""Alerts that stand, as they are copied into the database of a drill."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_STANDING: Final = read_sql("standing_alerts")
_PUT: Final = read_sql("put_alert")
_LOCK: Final = "SELECT lock_alerts()"

AlertCopy = Mapping[str, Any]
"""Columns of an alert by name, with the name of its battery instead of the key."""


class AlertCopies(StorePool):
    """Alerts from one database to another."""

    async def standing_alerts(
        self, location_ids: Sequence[str], string_ids: Sequence[str], at_us: int, done_by_us: int | None
    ) -> list[AlertCopy]:
        """Alerts whose condition stood at a time.

        Args:
            location_ids: of these locations as a whole.
            string_ids: and of these strings.
            at_us: the time, microseconds since 1970 UTC.
            done_by_us: what people did later is left out, likewise; None = nothing is.
        """
        async with self._connection() as connection:
            values = {
                "location_ids": list(location_ids),
                "string_ids": list(string_ids),
                "at": to_datetime(at_us),
                "done_by": "infinity" if done_by_us is None else to_datetime(done_by_us),
            }
            cursor = await connection.execute(_STANDING, values)
            return [row._asdict() for row in await cursor.fetchall()]

    async def put_alerts(self, alerts: Sequence[AlertCopy]) -> None:
        """Stores copies as alerts that were raised before anybody watched."""
        if not alerts:
            return
        async with self._transaction() as connection:
            await connection.execute(_LOCK)
            for alert in alerts:
                await connection.execute(_PUT, alert)
