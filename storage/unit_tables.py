"""Blocks that came into slots after these were registered."""

from psycopg import errors

from batterytwin.errors import ConflictError
from batterytwin.inventory import BatteryUnit
from storage.event_records import EventRecord
from storage.instants import to_datetime, to_us
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_INSERT = read_sql("insert_unit")
_NEWEST = read_sql("newest_units")
_AT = read_sql("unit_at")


async def add_unit(connection: Connection, event: EventRecord) -> None:
    """Notes the block of a replacement within the transaction under way.

    Raises:
        ConflictError: the slot has had another block since the time of this replacement.
    """
    if event.replacement is None:
        return
    values = {
        "battery_key": event.battery_key,
        "serial": event.replacement.new_serial,
        "since": to_datetime(event.done_us),
        "event_id": event.event_id,
    }
    try:
        added = (await connection.execute(_INSERT, values)).rowcount
    except errors.UniqueViolation:  # two at once
        added = 0
    if not added:
        raise ConflictError(
            "The slot has had another block since then; look at its events, and record exchanges in their order.",
            field="event.start_time",
        )


class UnitTables(StorePool):
    """Questions about table `battery_unit`."""

    async def newest_units(self) -> dict[int, BatteryUnit]:
        """The present block of every slot that has had more than one, by battery key."""
        async with self._connection() as connection:
            rows = await (await connection.execute(_NEWEST)).fetchall()
        return {row.battery_key: BatteryUnit(row.unit_seq, row.serial, to_us(row.since)) for row in rows}

    async def unit_at(self, battery_key: int, time_us: int) -> BatteryUnit | None:
        """The block that stood in a slot at a time, microseconds since 1970 UTC; None = the first one."""
        async with self._connection() as connection:
            cursor = await connection.execute(_AT, {"battery_key": battery_key, "at": to_datetime(time_us)})
            row = await cursor.fetchone()
        return None if row is None else BatteryUnit(row.unit_seq, row.serial, to_us(row.since))
