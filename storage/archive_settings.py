"""How long what is kept where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How long what is kept where.

    Attributes:
        hot_days: whole days that stay in the tables, at least 1.
        raw_days: days that readings are kept.
        hour_days: days that hours are kept.
        grace_s: time after which no query can still use what was replaced, s.
    """

    hot_days: int = 7
    raw_days: int = 730
    hour_days: int = 3_653
    grace_s: float = 600.0
