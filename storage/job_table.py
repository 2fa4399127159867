"""When work that comes back was last begun."""

from storage.sql_files import read_sql
from storage.store_pool import StorePool

_CLAIM = read_sql("claim_job")
_POSTPONE = read_sql("postpone_job")


class JobTable(StorePool):
    """Questions about table `scheduled_job`."""

    async def claim_job(self, job: str, period_s: float) -> bool:
        """Whether a job is due now, by the database's clock; if so, it counts as begun.

        However long nobody asked, it is due once.

        Args:
            job: its name.
            period_s: time from one begin to the next, s.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(_CLAIM, {"job": job, "period_s": period_s})
            return await cursor.fetchone() is not None

    async def retry_job(self, job: str, period_s: float, retry_s: float) -> None:
        """Makes a job that failed due again after `retry_s` seconds."""
        async with self._connection() as connection:
            await connection.execute(_POSTPONE, {"job": job, "period_s": period_s, "retry_s": min(retry_s, period_s)})
