"""What a replay of the past needs of a database: a state to begin from, and the log after it as it was known then."""

from dataclasses import dataclass
from typing import Protocol

from batterytwin.telemetry import Rows
from storage.shard_store import LoggedInput, TwinSnapshot


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant of the past as it was known at another.

    Attributes:
        time_us: sample time, microseconds since 1970 UTC: rows up to it count.
        known_us: what was received until then counts; None = everything that has been received.
    """

    time_us: int
    known_us: int | None = None


@dataclass(frozen=True, slots=True)
class FilterVersion:
    """A version of the filter.

    Attributes:
        since_us: rows received from then on went through it, microseconds since 1970 UTC; 0 = the first one.
        name: its name.
    """

    since_us: int
    name: str


class PastStore(Protocol):
    """Reads, and changes nothing. Every method raises `StoreUnavailableError` while the database is away."""

    def snapshot_before(self, battery_key: int, layout: str, moment: Moment) -> TwinSnapshot | None:
        """Newest sound snapshot of this layout that held at the moment, or None."""

    def rows_between(self, battery_key: int, after_us: int, moment: Moment) -> Rows:
        """Applied rows after a time and up to the moment, `TELEMETRY_DTYPE`, in order of time."""

    def newest_row(self, battery_key: int, moment: Moment) -> Rows:
        """The newest applied row up to the moment, `TELEMETRY_DTYPE`, shape `(1,)`, or `(0,)` where there is none."""

    def inputs_between(self, battery_key: int, taken: int, moment: Moment) -> list[LoggedInput]:
        """Inputs after the first `taken` of the battery whose place in the log is before the moment, in order."""

    def log_span(self, battery_key: int) -> tuple[int, int] | None:
        """Times between which all rows of the battery lie, both inclusive, us; None = there is no row."""

    def filter_versions(self) -> list[FilterVersion]:
        """Versions of the filter, in the order in which they came into use."""

    def revision_at(self, battery_key: int, moment: Moment) -> int:
        """How often the past of the battery had been computed anew."""
