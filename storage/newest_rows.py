"""How far the stored readings reach."""

from collections.abc import Sequence

from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_HAS_ROWS_AFTER = read_sql("has_rows_after")


class NewestRows(StorePool):
    """Questions about the newest rows of table `reading`; partitions make them cheap."""

    async def has_rows_after(self, location_ids: Sequence[str], time_us: int) -> bool:
        """Whether some battery of these locations has a reading newer than this, microseconds since 1970 UTC."""
        values = {"after": to_datetime(time_us), "location_ids": list(location_ids)}
        async with self._connection() as connection:
            row = await (await connection.execute(_HAS_ROWS_AFTER, values)).fetchone()
        return row is not None and bool(row.found)
