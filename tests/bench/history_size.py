"""What an archive takes on disk, by its manifest."""

from dataclasses import dataclass
from typing import Final

import psycopg

from storage.archive_manifest import FileKind, current_files

_HOURS_A_YEAR: Final = 365 * 24


@dataclass(frozen=True, slots=True)
class ArchiveSize:
    """What the archive takes.

    Attributes:
        reading_count: rows of readings.
        reading_bytes: of their files.
        hour_count: rows of hours.
        hour_bytes: of their files.
    """

    reading_count: int = 0
    reading_bytes: int = 0
    hour_count: int = 0
    hour_bytes: int = 0

    @classmethod
    def of(cls, url: str) -> "ArchiveSize":
        """What the manifest says."""
        with psycopg.connect(url) as connection:
            readings = current_files(connection, FileKind.READINGS)
            hours = current_files(connection, FileKind.HOURS)
        return cls(
            reading_count=sum(file.row_count for file in readings),
            reading_bytes=sum(file.byte_count for file in readings),
            hour_count=sum(file.row_count for file in hours),
            hour_bytes=sum(file.byte_count for file in hours),
        )

    @property
    def bytes_per_reading(self) -> float:
        """Bytes of a reading with its estimates, its file's head and foot shared out."""
        return self.reading_bytes / self.reading_count

    def gb_per_year(self, batteries: int) -> float:
        """Decimal gigabytes of a year of a fleet at one reading a minute, its hours included."""
        hourly = self.hour_bytes / self.hour_count if self.hour_count else 0.0
        return batteries * _HOURS_A_YEAR * (60 * self.bytes_per_reading + hourly) / 1e9
