"""What a gateway client has sent and what became of it."""

import time
from dataclasses import dataclass, field
from typing import Final

from clients.ingest import IngestResult, RejectedRow

_KEPT_REJECTED_ROWS: Final = 20


@dataclass(slots=True)
class GatewayCounters:
    """Running totals of one gateway client.

    A batch that had to be sent again because its acknowledgement was lost counts once here, with its second answer:
    its rows are then `duplicate`.

    Attributes:
        sent_rows: rows of single batteries handed to `send`.
        sent_batches: batches handed to `send`.
        acked_batches: batches that are durable and applied.
        accepted: rows stored, the suspect ones included.
        duplicate: rows that were stored before.
        late: rows that came after newer ones and have become part of their twin's past.
        rejected: rows refused.
        conflict: rows of which others are stored with the same battery and sample time.
        too_late: rows stored and not applied because they came a day after newer ones.
        suspect: of the accepted, those implausible: stored, marked, not applied.
        reconnects: connections that had to be made again.
        resent_batches: batches that were on their way when a connection broke, and went again.
        dropped_batches: batches given up because the disk buffer was full (see `WhenFull`).
        dropped_rows: rows in them.
        refused_batches: batches set aside in the disk buffer because no server takes them, or not all of their rows.
        damaged_files: disk buffers set aside because they were damaged.
        rejected_rows: the first 20 refused rows.
        last_rejected_us: when a row was refused last, microseconds since 1970 UTC; 0 = never.
    """

    sent_rows: int = 0
    sent_batches: int = 0
    acked_batches: int = 0
    accepted: int = 0
    duplicate: int = 0
    late: int = 0
    conflict: int = 0
    too_late: int = 0
    rejected: int = 0
    suspect: int = 0
    reconnects: int = 0
    resent_batches: int = 0
    dropped_batches: int = 0
    dropped_rows: int = 0
    refused_batches: int = 0
    damaged_files: int = 0
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    last_rejected_us: int = 0

    def add(self, acked_batches: int, result: IngestResult) -> None:
        """Adds an acknowledgement: how many batches it is for, and what became of their rows."""
        self.acked_batches += acked_batches
        self.accepted += result.accepted
        self.duplicate += result.duplicate
        self.late += result.late
        self.conflict += result.conflict
        self.too_late += result.too_late
        self.rejected += result.rejected
        self.suspect += result.suspect
        if result.rejected:
            self.last_rejected_us = time.time_ns() // 1_000
        self.rejected_rows.extend(result.rejected_rows[: _KEPT_REJECTED_ROWS - len(self.rejected_rows)])
