"""Projections in the database: a queue, what came of it, and what was deleted."""

from typing import Any, Final

from batterytwin.scenarios import ProjectionState
from storage.access_records import AuditEntry
from storage.audit_table import add_entry
from storage.instants import to_datetime, to_datetime_or_none, to_us, to_us_or_none
from storage.projection_records import NewProjection, ProjectionOutcome, ProjectionRecord
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_ADD: Final = read_sql("add_projection")
_OF_REQUEST: Final = read_sql("projection_of_request")
_GET: Final = read_sql("get_projection")
_LIST: Final = read_sql("list_projections")
_TOTALS: Final = read_sql("projection_totals")
_BEGIN: Final = read_sql("begin_projection")
_REQUEUE: Final = read_sql("requeue_projections")
_END: Final = read_sql("end_projection")
_CANCEL: Final = read_sql("cancel_projection")
_EXPIRE: Final = read_sql("expire_projections")

_KEPT_US: Final = 30 * 86_400_000_000


class ProjectionTable(StorePool):
    """Questions about table `projection`."""

    async def add_projection(
        self, new: NewProjection, most_waiting: int, audit: AuditEntry | None = None
    ) -> ProjectionRecord | None:
        """Takes a projection into the queue; returns what its request has asked for, now or before.

        Args:
            new: the projection.
            most_waiting: projections that may wait.
            audit: entry of the audit trail; none when the request was known.

        Returns:
            None where the queue is full.
        """
        values = {
            "projection_id": new.projection_id,
            "request_id": new.request_id,
            "request": new.request,
            "location_ids": list(new.location_ids),
            "battery_count": new.battery_count,
            "batteries_sha256": new.batteries_sha256,
            "at": to_datetime(new.asked_us),
            "by": new.asked_by,
            "most": most_waiting,
        }
        async with self._transaction() as connection:
            cursor = await connection.execute(_ADD, values)
            if cursor.rowcount and audit is not None:
                await add_entry(connection, audit)
            found = await connection.execute(_OF_REQUEST, {"request_id": new.request_id})
            row = await found.fetchone()
        return None if row is None else _record(row)

    async def projection(self, projection_id: str, *, deleted_too: bool = False) -> ProjectionRecord | None:
        """One projection with its result; None = there is none."""
        async with self._connection() as connection:
            cursor = await connection.execute(_GET, {"projection_id": projection_id, "deleted_too": deleted_too})
            row = await cursor.fetchone()
        return None if row is None else _record(row)

    async def list_projections(
        self, seen: frozenset[str] | None, after_key: int | None, limit: int
    ) -> list[ProjectionRecord]:
        """One page, newest first, without results.

        Args:
            seen: locations that the caller may see; None = all.
            after_key: last key of the page before; None = first page.
            limit: most in it.
        """
        values = {"seen": None if seen is None else sorted(seen), "after": after_key, "limit": limit}
        async with self._connection() as connection:
            return [_record(row) for row in await (await connection.execute(_LIST, values)).fetchall()]

    async def projection_totals(self, projection_ids: list[str]) -> dict[str, tuple[ProjectionRecord, bytes | None]]:
        """Projections that are there by their names, each with its totals; None = it is not done."""
        async with self._connection() as connection:
            cursor = await connection.execute(_TOTALS, {"projection_ids": projection_ids})
            rows = await cursor.fetchall()
        return {row.projection_id: (_record(row), None if row.totals is None else bytes(row.totals)) for row in rows}

    async def begin_projection(self) -> ProjectionRecord | None:
        """Lets the oldest one that waits run; None = none waits."""
        async with self._connection() as connection:
            row = await (await connection.execute(_BEGIN)).fetchone()
        return None if row is None else _record(row)

    async def requeue_projections(self) -> None:
        """Lets wait again what ran when the server ended."""
        async with self._connection() as connection:
            await connection.execute(_REQUEUE)

    async def end_projection(self, projection_id: str, outcome: ProjectionOutcome, now_us: int) -> bool:
        """Keeps what came of a projection that runs; False = it was cancelled meanwhile."""
        values = {
            "projection_id": projection_id,
            "state": int(outcome.state),
            "reason": outcome.reason,
            "begin": to_datetime_or_none(outcome.begin_us),
            "at": to_datetime(now_us),
            "took_s": outcome.took_s,
            "result": outcome.result,
            "totals": outcome.totals,
            "location_ids": None if outcome.location_ids is None else list(outcome.location_ids),
            "battery_count": outcome.battery_count,
            "batteries_sha256": outcome.batteries_sha256,
        }
        async with self._connection() as connection:
            return (await connection.execute(_END, values)).rowcount > 0

    async def cancel_projection(
        self, projection_id: str, request_id: str, now_us: int, audit: AuditEntry | None = None
    ) -> bool:
        """Cancels a projection that is not over, or deletes one that is; returns whether something has changed."""
        values = {"projection_id": projection_id, "request_id": request_id, "at": to_datetime(now_us)}
        async with self._transaction() as connection:
            changed = (await connection.execute(_CANCEL, values)).rowcount > 0
            if changed and audit is not None:
                await add_entry(connection, audit)
            await connection.execute(_EXPIRE, {"before": to_datetime(now_us - _KEPT_US)})
        return changed


def _record(row: Any) -> ProjectionRecord:
    return ProjectionRecord(
        projection_key=row.projection_key,
        projection_id=row.projection_id,
        request=bytes(row.request),
        location_ids=tuple(row.location_ids),
        battery_count=row.battery_count,
        batteries_sha256=bytes(row.batteries_sha256),
        asked_us=to_us(row.asked_at),
        asked_by=row.asked_by,
        state=ProjectionState(row.state),
        reason=row.reason,
        begin_us=to_us_or_none(row.begin_at),
        done_us=to_us_or_none(row.done_at),
        took_s=row.took_s,
        result=None if row.result is None else bytes(row.result),
    )
