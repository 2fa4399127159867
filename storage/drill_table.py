"""Drills in the database: what they are, what people did with them, and how they went."""

from collections.abc import Sequence
from typing import Any, Final

from storage.access_records import AuditEntry
from storage.audit_table import add_entry
from storage.drill_records import (
    DrillChangeRecord,
    DrillRecord,
    DrillReportRecord,
    alert_of_json,
    alerts_to_json,
    drill_of_row,
    parts_to_json,
)
from storage.instants import to_datetime, to_datetime_or_none, to_us, to_us_or_none
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_ADD: Final = read_sql("add_drill")
_SAVE: Final = read_sql("save_drill")
_ADD_CHANGE: Final = read_sql("add_drill_change")
_ADD_REQUEST: Final = read_sql("add_drill_request")
_OF_REQUEST: Final = read_sql("drill_of_request")
_DRILLS: Final = read_sql("drills")
_CHANGES: Final = read_sql("drill_changes")
_SAVE_REPORT: Final = read_sql("save_drill_report")
_REPORT: Final = read_sql("drill_report")
_FAIL_LEFT: Final = read_sql("fail_left_drills")
_REMOVE: Final = read_sql("remove_drill")


class DrillTable(StorePool):
    """Questions about tables `drill`, `drill_change`, `drill_request` and `drill_report`."""

    async def add_drill(self, drill: DrillRecord, request_id: str, audit: AuditEntry | None = None) -> bool:
        """Adds a drill, unless the request was heard before; returns whether it is new."""
        async with self._transaction() as connection:
            added = (await connection.execute(_ADD, _values(drill) | {"request_id": request_id})).rowcount > 0
            if added and audit is not None:
                await add_entry(connection, audit)
        return added

    async def save_drill(
        self,
        drill: DrillRecord,
        *,
        change: DrillChangeRecord | None = None,
        request_id: str = "",
        audit: AuditEntry | None = None,
    ) -> None:
        """Saves a drill as it stands now; one that has ended stays as it ended.

        Args:
            drill: as it stands.
            change: what a person did with it.
            request_id: call that asked for it; empty = none did.
            audit: entry of the audit trail about it.
        """
        async with self._transaction() as connection:
            await connection.execute(_SAVE, _values(drill))
            if change is not None:
                values = {
                    "drill_id": drill.drill_id,
                    "changed_at": to_datetime(change.changed_us),
                    "branch_at": to_datetime_or_none(change.branch_us),
                    "changed_by": change.changed_by,
                    "words": change.words,
                }
                await connection.execute(_ADD_CHANGE, values)
            if request_id:
                await connection.execute(_ADD_REQUEST, {"request_id": request_id, "drill_id": drill.drill_id})
            if audit is not None:
                await add_entry(connection, audit)

    async def drill_of_request(self, request_id: str) -> str | None:
        """Drill that a call was about; None = the call was not heard before."""
        async with self._connection() as connection:
            row = await (await connection.execute(_OF_REQUEST, {"request_id": request_id})).fetchone()
        return None if row is None else row.drill_id

    async def drill(self, drill_id: str) -> DrillRecord | None:
        """One drill; None = there is none of this name."""
        found = await self.drills(drill_id=drill_id, limit=1)
        return found[0] if found else None

    async def drills(
        self,
        *,
        drill_id: str | None = None,
        only_active: bool = False,
        location_ids: Sequence[str] | None = None,
        skip: int = 0,
        limit: int,
    ) -> list[DrillRecord]:
        """Drills, those that live first, then the newest first.

        Args:
            drill_id: this one alone; None = all.
            only_active: only those that live.
            location_ids: only those within these locations; None = all.
            skip: drills left out at the begin.
            limit: most drills.
        """
        values = {
            "drill_id": drill_id,
            "only_active": only_active,
            "locations": None if location_ids is None else list(location_ids),
            "skip": skip,
            "limit": limit,
        }
        async with self._connection() as connection:
            rows = await (await connection.execute(_DRILLS, values)).fetchall()
        return [drill_of_row(row) for row in rows]

    async def drill_changes(self, drill_id: str) -> list[DrillChangeRecord]:
        """What people did with a drill, oldest first."""
        async with self._connection() as connection:
            rows = await (await connection.execute(_CHANGES, {"drill_id": drill_id})).fetchall()
        return [
            DrillChangeRecord(to_us(row.changed_at), to_us_or_none(row.branch_at), row.changed_by, row.words)
            for row in rows
        ]

    async def save_drill_report(self, drill_id: str, report: DrillReportRecord) -> None:
        """Keeps what happened in a drill, instead of what was kept before."""
        values = {
            "drill_id": drill_id,
            "alerts": alerts_to_json(report.alerts),
            "alert_count": report.alert_count,
            "extremes": list(report.extremes),
        }
        async with self._connection() as connection:
            await connection.execute(_SAVE_REPORT, values)

    async def drill_report(self, drill_id: str) -> DrillReportRecord:
        """What happened in a drill; nothing where nothing was kept."""
        async with self._connection() as connection:
            row = await (await connection.execute(_REPORT, {"drill_id": drill_id})).fetchone()
        if row is None:
            return DrillReportRecord()
        alerts = tuple(alert_of_json(alert) for alert in row.alerts)
        return DrillReportRecord(alerts, row.alert_count, tuple(row.extremes))

    async def fail_left_drills(self, reason: str, now_us: int) -> list[str]:
        """Notes that drills which still live according to the database do not; returns their names."""
        async with self._connection() as connection:
            rows = await (
                await connection.execute(_FAIL_LEFT, {"reason": reason, "at": to_datetime(now_us)})
            ).fetchall()
        return [row.drill_id for row in rows]

    async def remove_drill(self, drill_id: str) -> None:
        """Forgets a drill that has never lived."""
        async with self._connection() as connection:
            await connection.execute(_REMOVE, {"drill_id": drill_id})


def _values(drill: DrillRecord) -> dict[str, Any]:
    return {
        "drill_id": drill.drill_id,
        "state": int(drill.state),
        "title": drill.title,
        "reason": drill.reason,
        "parts": parts_to_json(drill.parts),
        "names": list(drill.names),
        "location_ids": list(drill.location_ids),
        "battery_count": drill.battery_count,
        "seed": drill.seed,
        "speed": drill.speed,
        "begin_at": to_datetime_or_none(drill.begin_us),
        "now_at": to_datetime_or_none(drill.now_us),
        "end_at": to_datetime_or_none(drill.end_us),
        "started_at": to_datetime(drill.started_us),
        "started_by": drill.started_by,
        "stopped_at": to_datetime_or_none(drill.stopped_us),
        "stopped_by": drill.stopped_by,
        "reading_count": drill.reading_count,
        "revision": drill.revision,
    }
