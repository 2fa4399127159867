"""Answers of `IngestService` to plain types."""

from batterytwin.v1 import ingest_service_pb2
from clients.ingest import IngestResult, RejectedRow


def result_from_proto(
    response: ingest_service_pb2.IngestReadingsResponse | ingest_service_pb2.StreamReadingsResponse,
) -> IngestResult:
    """Reads what became of a batch out of a unary answer or an acknowledgement."""
    counts = response.counts
    return IngestResult(
        accepted=counts.accepted_count,
        duplicate=counts.duplicate_count,
        late=counts.late_count,
        rejected=counts.rejected_count,
        suspect=counts.suspect_count,
        rejected_rows=tuple(
            RejectedRow(
                row_index=row.row_index,
                battery_id=row.battery_id,
                field=row.field,
                value=row.value,
                reason=row.reason,
                remedy=row.remedy,
            )
            for row in response.rejected_rows
        ),
        conflict=counts.conflict_count,
        too_late=counts.too_late_count,
    )
