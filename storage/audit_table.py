"""The audit trail in the database, which only ever grows."""

from storage.access_records import AuditEntry
from storage.instants import to_datetime, to_us
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_ADD = read_sql("add_audit_entry")
_TRAIL = read_sql("audit_trail")


class AuditTable(StorePool):
    """Questions about table `audit_entry`."""

    async def audit(self, entry: AuditEntry) -> None:
        """Adds an entry; the database refuses to change or remove it afterwards."""
        async with self._connection() as connection:
            await add_entry(connection, entry)

    async def audit_trail(self, limit: int) -> list[AuditEntry]:
        """Newest entries first, at most `limit`."""
        async with self._connection() as connection:
            cursor = await connection.execute(_TRAIL, {"limit": limit})
            return [
                AuditEntry(to_us(row.at), row.actor, row.action, row.target, row.reason, row.peer, row.request_id)
                for row in await cursor.fetchall()
            ]


async def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Adds an entry in the transaction of what it is about."""
    await connection.execute(
        _ADD,
        {
            "at": to_datetime(entry.at_us),
            "actor": entry.actor,
            "action": entry.action,
            "target": entry.target,
            "reason": entry.reason,
            "peer": entry.peer,
            "request_id": entry.request_id,
        },
    )
