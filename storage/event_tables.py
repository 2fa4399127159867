"""Events in the database: recorded once, ended, and listed newest first."""

from collections.abc import Sequence

from storage.access_records import AuditEntry
from storage.audit_table import add_entry
from storage.event_records import SERVER, EventQuery, EventRecord, event_of_row
from storage.instants import to_datetime, to_datetime_or_none
from storage.sql_files import read_sql
from storage.store_pool import StorePool
from storage.unit_tables import add_unit

_RECORD = read_sql("record_event")
_GET = read_sql("get_event")
_END = read_sql("end_event")
_MOVE = read_sql("move_event")
_REMOVE = read_sql("remove_events")
_LIST = read_sql("list_events")
_OPEN_OUTAGES = read_sql("open_outages")
_WITHOUT_INPUT = read_sql("events_without_input")


class EventTables(StorePool):
    """Questions about table `event`."""

    async def record_event(self, event: EventRecord, audit: AuditEntry | None = None) -> EventRecord:
        """Stores an event; one that was recorded under the same request stays as it is.

        Args:
            event: what happened; `event_key` and `battery_id` are not looked at.
            audit: entry of the audit trail that is stored together with it; none when it is there already.

        Returns:
            The event as stored under this request.

        Raises:
            ConflictError: the slot has had another block since the time of this replacement.
        """
        async with self._transaction() as connection:
            cursor = await connection.execute(_RECORD, _values(event))
            if cursor.rowcount and event.replacement is not None:
                await add_unit(connection, event)
            if cursor.rowcount and audit is not None:
                await add_entry(connection, audit)
            found = await connection.execute(_GET, {"request_id": event.request_id})
            return event_of_row((await found.fetchall())[0])

    async def event_of_request(self, request_id: str) -> EventRecord | None:
        """The event that was recorded under a request; None = there is none."""
        async with self._connection() as connection:
            row = await (await connection.execute(_GET, {"request_id": request_id})).fetchone()
        return None if row is None else event_of_row(row)

    async def end_event(self, event_id: str, end_us: int) -> None:
        """Notes when an event that lasts has ended; one that has ended already stays as it is."""
        async with self._connection() as connection:
            await connection.execute(_END, {"event_id": event_id, "end": to_datetime(end_us)})

    async def change_outages(
        self, added: Sequence[EventRecord], moved: Sequence[EventRecord], removed: Sequence[str]
    ) -> None:
        """Records outages, gives others another begin, end and note, and removes some, all at once.

        Args:
            added: as in `record_event`.
            moved: events as they should be; the other columns stay as they are.
            removed: event ids.
        """
        async with self._transaction() as connection:
            await connection.execute(_REMOVE, {"event_ids": list(removed)})
            for event in moved:
                await connection.execute(_MOVE, _values(event))
            for event in added:
                await connection.execute(_RECORD, _values(event))

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        """One page of events, newest first. Events recorded meanwhile neither shift nor repeat what follows."""
        values = {
            "location_ids": None if query.location_ids is None else list(query.location_ids),
            "of_string": query.string_id or None,
            "of_battery": query.battery_key,
            "kinds": [int(kind) for kind in query.kinds] or None,
            "start": to_datetime_or_none(query.start_us),
            "end": to_datetime_or_none(query.end_us),
            "after": query.after_key,
            "limit": query.limit,
        }
        async with self._connection() as connection:
            return [event_of_row(row) for row in await (await connection.execute(_LIST, values)).fetchall()]

    async def open_outages(self) -> list[EventRecord]:
        """Outages that the server found and that last, oldest first."""
        async with self._connection() as connection:
            cursor = await connection.execute(_OPEN_OUTAGES, {"recorded_by": SERVER})
            return [event_of_row(row) for row in await cursor.fetchall()]

    async def events_without_input(self) -> list[EventRecord]:
        """Events for twins that have not reached all of them, oldest first."""
        async with self._connection() as connection:
            cursor = await connection.execute(_WITHOUT_INPUT)
            return [event_of_row(row) for row in await cursor.fetchall()]


def _values(event: EventRecord) -> dict[str, object]:
    test, replacement, sensor = event.capacity_test, event.replacement, event.current_sensor
    return {
        "event_id": event.event_id,
        "request_id": event.request_id,
        "kind": int(event.kind),
        "location_id": event.location_id,
        "string_id": event.string_id,
        "battery_key": event.battery_key,
        "start": to_datetime(event.start_us),
        "end": to_datetime_or_none(event.end_us),
        "note": event.note,
        "discharged_ah": test.discharged_ah if test else None,
        "current_a": test.current_a if test else None,
        "temperature_c": test.temperature_c if test else None,
        "end_voltage_v": test.end_voltage_v if test else None,
        "old_serial": replacement.old_serial if replacement else None,
        "new_serial": replacement.new_serial if replacement else None,
        "replacement_reason": (int(replacement.reason) or None) if replacement else None,
        "discharge_positive": sensor.discharge_positive if sensor else None,
        "offset_a": sensor.offset_a if sensor else None,
        "recorded_by": event.recorded_by,
        "at": to_datetime(event.record_us),
    }
