"""What drills need of the live database."""

from typing import Protocol

from storage.access_records import AuditEntry
from storage.drill_records import DrillChangeRecord, DrillRecord, DrillReportRecord


class DrillStore(Protocol):
    """What is noted of drills; see `storage.drill_table`."""

    async def add_drill(self, drill: DrillRecord, request_id: str, audit: AuditEntry | None = None) -> bool:
        """Adds a drill, unless the request was heard before."""

    async def save_drill(
        self,
        drill: DrillRecord,
        *,
        change: DrillChangeRecord | None = None,
        request_id: str = "",
        audit: AuditEntry | None = None,
    ) -> None:
        """Saves a drill as it stands."""

    async def drill_of_request(self, request_id: str) -> str | None:
        """Drill that a call was about."""

    async def drill(self, drill_id: str) -> DrillRecord | None:
        """One drill."""

    async def save_drill_report(self, drill_id: str, report: DrillReportRecord) -> None:
        """Keeps what happened in a drill."""

    async def drill_report(self, drill_id: str) -> DrillReportRecord:
        """What happened in a drill."""

    async def fail_left_drills(self, reason: str, now_us: int) -> list[str]:
        """Notes that drills do not live any more."""

    async def remove_drill(self, drill_id: str) -> None:
        """Forgets a drill."""
