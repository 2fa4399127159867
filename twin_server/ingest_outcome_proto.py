"""What became of a batch, as messages of `IngestService`."""

from batterytwin.v1 import reading_pb2
from twin_server.ingest_router import IngestOutcome


def outcome_to_counts(outcome: IngestOutcome) -> reading_pb2.IngestCounts:
    """Counts of a batch."""
    return reading_pb2.IngestCounts(
        accepted_count=outcome.accepted,
        duplicate_count=outcome.duplicate,
        late_count=outcome.late,
        rejected_count=outcome.refused,
        suspect_count=outcome.suspect,
        conflict_count=outcome.conflict,
        too_late_count=outcome.too_late,
    )


def outcome_to_rejected_rows(outcome: IngestOutcome) -> list[reading_pb2.RejectedRow]:
    """The first refused rows of a batch."""
    return [
        reading_pb2.RejectedRow(
            row_index=row.row_index,
            battery_id=row.row_id,
            field=row.field,
            value=row.value,
            reason=row.reason.value,
            remedy=row.remedy,
        )
        for row in outcome.refused_rows
    ]
