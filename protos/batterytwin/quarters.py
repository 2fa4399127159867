"""Calendar quarters of site time, and the seasons that move work in Thailand."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Self

SITE_ZONE: Final = timezone(timedelta(hours=7), "Asia/Bangkok")
"""All sites share it, and it knows no summer time."""

MONSOON_MONTHS: Final = (6, 7, 8, 9, 10)
SONGKRAN: Final = ((4, 11), (4, 17))
"""First and last day of the week in which crews are away."""

FIRST_HOUR: Final = 8
LAST_HOUR: Final = 17
"""Working hours, Monday to Friday."""


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """One quarter of a calendar year; quarters are ordered by time.

    Attributes:
        year: calendar year.
        number: 1...4.
    """

    year: int
    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 4:
            raise ValueError(f"a year has quarters 1...4, not {self.number}")

    @classmethod
    def of(cls, day: date) -> Self:
        """Quarter that a day lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def of_time(cls, time_us: int) -> Self:
        """Quarter at the sites at an instant, microseconds since 1970 UTC."""
        return cls.of(site_day(time_us))

    @classmethod
    def of_index(cls, index: int) -> Self:
        """Quarter with this `index`."""
        return cls(index // 4, index % 4 + 1)

    @property
    def index(self) -> int:
        """Counts quarters: 4 * year + number - 1."""
        return 4 * self.year + self.number - 1

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.plus(1).first_day - timedelta(days=1)

    def plus(self, count: int) -> "Quarter":
        """The quarter so many later (or earlier)."""
        return Quarter.of_index(self.index + count)

    def __str__(self) -> str:
        return f"Q{self.number} {self.year}"


def site_day(time_us: int) -> date:
    """Day at the sites at an instant, microseconds since 1970 UTC."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).astimezone(SITE_ZONE).date()


def site_time(day: date, hour: int) -> datetime:
    """A full hour of a day at the sites, with its zone."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=SITE_ZONE)


def day_start_us(day: date) -> int:
    """Begin of a day at the sites, microseconds since 1970 UTC."""
    return int(site_time(day, 0).timestamp()) * 1_000_000
