"""The present of a battery, which at a replayed or accelerated site is not that of this machine."""

from datetime import UTC, datetime, timedelta

from clients.types import Twin


def present_of(twin: Twin) -> datetime:
    """Time of the battery's site now: that of its newest sample and the age of this."""
    return twin.as_of + timedelta(seconds=twin.age_s or 0.0) if twin.as_of else datetime.now(UTC)


def now() -> datetime:
    """The present of this machine, UTC."""
    return datetime.now(UTC)
