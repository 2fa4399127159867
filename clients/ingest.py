"""What became of readings that were sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row that was refused; the other rows of its batch are not affected.

    Attributes:
        row_index: row in the columns that were sent, 0-based.
        battery_id: battery (or string) of the row, as it was sent.
        field: field that is wrong, for example "voltage_v".
        value: value that was sent, as text.
        reason: stable name, one of `batterytwin.errors.Reason` unless the server is newer than this client.
        remedy: what to do about it, for people.
    """

    row_index: int
    battery_id: str
    field: str
    value: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of the rows of one batch; every row is in exactly one of the counts other than `suspect`.

    Attributes:
        accepted: rows durable and, unless suspect, applied to their twins.
        duplicate: rows already stored with the same battery, sample time and values; nothing changed.
        late: rows older than their twin's newest sample, by up to a day: durable, and part of the twin's past now.
        rejected: rows refused.
        suspect: of the accepted, those finite but implausible: stored, marked, not applied.
        rejected_rows: the first 100 refused rows.
        conflict: rows of which another is stored with the same battery and sample time: the first one stays.
        too_late: rows more than a day older than their twin's newest sample: durable, not applied.
    """

    accepted: int
    duplicate: int
    late: int
    rejected: int
    suspect: int
    rejected_rows: tuple[RejectedRow, ...]
    conflict: int = 0
    too_late: int = 0
