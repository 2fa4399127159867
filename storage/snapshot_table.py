"""What the server asks about snapshots of twins."""

from storage.sql_files import read_sql
from storage.store_pool import StorePool

_COUNT_DAMAGED = read_sql("count_damaged_snapshots")


class SnapshotTable(StorePool):
    """Questions about table `twin_snapshot`."""

    async def damaged_snapshot_count(self) -> int:
        """Snapshots whose SHA-256 did not fit when they were to be used; they are kept a month to be told of."""
        async with self._connection() as connection:
            cursor = await connection.execute(_COUNT_DAMAGED)
            return int((await cursor.fetchall())[0].damaged)
