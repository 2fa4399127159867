"""When in a quarter a crew may work: outside the monsoon unless it presses, on working days, told of Songkran."""

from datetime import date, datetime, timedelta
from typing import Final

from batterytwin.quarters import FIRST_HOUR, LAST_HOUR, MONSOON_MONTHS, SONGKRAN, Quarter, site_time

_SATURDAY: Final = 5


def dry_days(quarter: Quarter, today: date) -> tuple[date, date] | None:
    """First and last working day of a quarter, from today on, on which there is no monsoon; None = there are none."""
    begin, end = max(quarter.first_day, today), quarter.last_day
    while begin <= end and (begin.month in MONSOON_MONTHS or begin.weekday() >= _SATURDAY):
        begin += timedelta(days=1)
    while end >= begin and (end.month in MONSOON_MONTHS or end.weekday() >= _SATURDAY):
        end -= timedelta(days=1)
    return (begin, end) if begin <= end else None


def work_window(quarter: Quarter, today: date, *, presses: bool) -> tuple[datetime, datetime]:
    """Start of work on the first and end of work on the last suitable day of a quarter, site time.

    Args:
        quarter: this one or a later one.
        today: work in the past is no use.
        presses: the monsoon counts for nothing.
    """
    days = None if presses else dry_days(quarter, today)
    begin, end = days or (max(quarter.first_day, today), quarter.last_day)
    while begin.weekday() >= _SATURDAY:
        begin += timedelta(days=1)
    while end.weekday() >= _SATURDAY and end > begin:
        end -= timedelta(days=1)
    return site_time(begin, FIRST_HOUR), site_time(max(begin, end), LAST_HOUR)


def window_notes(begin: datetime, end: datetime) -> list[str]:
    """What to mind between two times at the sites, for people."""
    notes = [f"Work Monday to Friday, {FIRST_HOUR:02d}:00 to {LAST_HOUR:02d}:00 site time."]
    first, last = (date(begin.year, *day) for day in SONGKRAN)
    if begin.date() <= last and end.date() >= first:
        notes.append(f"Songkran: no crews from {first:%d %b} to {last:%d %b}.")
    months = {begin.month + n for n in range((end.year - begin.year) * 12 + end.month - begin.month + 1)}
    if months & set(MONSOON_MONTHS):
        notes.append("Part of the window lies in the monsoon (June to October): keep the room dry, watch the mains.")
    return notes
