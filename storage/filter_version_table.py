"""Which filter version wrote the estimates of a time."""

from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_NOTE = read_sql("note_filter_version")
_AT = read_sql("filter_version_at")


class FilterVersionTable(StorePool):
    """Questions about table `filter_version`."""

    async def note_filter_version(self, version: str, layout: str) -> None:
        """Notes the version that writes from now on. Repeating it changes nothing."""
        async with self._connection() as connection:
            await connection.execute(_NOTE, {"version": version, "layout": layout})

    async def filter_version_at(self, received_us: int) -> tuple[str, str] | None:
        """Version and layout of what was received then, microseconds since 1970 UTC; None = nobody noted it."""
        async with self._connection() as connection:
            row = await (await connection.execute(_AT, {"at": to_datetime(received_us)})).fetchone()
        return None if row is None else (row.version, row.layout)
