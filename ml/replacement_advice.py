"""When to replace one battery: before the lower quantile of its life, outside the monsoon, unless it presses."""

from datetime import date, timedelta
from typing import Final

import numpy as np

from batterytwin.life import MEDIAN
from batterytwin.life_plan import SOON_QUARTERS, ReplacementAdvice, ReplacementUrgency
from batterytwin.quarters import Quarter, site_day
from ml.life_curve import Floats, chance_of_end, days_at_risk
from ml.work_window import dry_days

END_SOH: Final = 0.80
SOON_SOH: Final = 0.85
SHORT_LIFE_DAYS: Final = 90.0
PLANNED_QUARTERS: Final = 8
DEFERRED_RISK: Final = 0.25
"""Chance of an end of life up to which the monsoon may defer a replacement."""

_DAY_US: Final = 86_400_000_000
_FARTHEST_DAYS: Final = 60 * 365.25


def advise(quantile_days: Floats, as_of_us: int, now_us: int, soh_capacity: float, risk: float) -> ReplacementAdvice:
    """Suggests a quarter for one battery.

    Health below 80 % or less than 90 days left: now, whatever the season. Health below 85 %: within two quarters.
    Otherwise the quarter before the one in which the chance of an end of life reaches `risk`. A quarter that is all
    monsoon is left for the next dry one where the chance of an end until then stays below 25 % (and the two quarters
    are kept), else for a dry one before it, else kept.

    Args:
        quantile_days: fused quantiles from `as_of_us` on, shape `(5,)`.
        as_of_us: newest reading, microseconds since 1970 UTC.
        now_us: present time, likewise.
        soh_capacity: capacity over rated; NaN = not known.
        risk: chance of an end of life before the replacement that is taken, 0...0.5.
    """
    today = site_day(now_us)
    present = Quarter.of(today)
    gone_days = max(now_us - as_of_us, 0) / _DAY_US
    left_days = max(float(quantile_days[MEDIAN]) - gone_days, 0.0)
    if soh_capacity < END_SOH:
        return _now(present, f"Health {100 * soh_capacity:.0f} % is below 80 %: replace now, whatever the season.")
    if left_days < SHORT_LIFE_DAYS:
        return _now(present, f"{left_days:.0f} days left, fewer than 90: replace now, whatever the season.")
    curve = quantile_days[np.newaxis]
    risk_days = max(float(days_at_risk(curve, risk)[0]) - gone_days, 0.0)
    due = _after(today, risk_days)
    wanted = max(Quarter.of(due).plus(-1), present)
    latest = wanted
    reason = f"The chance of an end of life reaches {100 * risk:.0f} % on {due:%d %b %Y}; replace before that quarter."
    urgency = ReplacementUrgency.PLANNED if wanted <= present.plus(PLANNED_QUARTERS) else ReplacementUrgency.LATER
    if soh_capacity < SOON_SOH:
        latest = present.plus(SOON_QUARTERS)
        wanted, urgency = min(wanted, latest), ReplacementUrgency.SOON
        reason = f"Health {100 * soh_capacity:.0f} % is below 85 %: within two quarters. {reason}"
    if dry_days(wanted, today) is not None:
        return ReplacementAdvice(wanted, urgency, False, reason)

    later = next(quarter for quarter in map(wanted.plus, range(1, 4)) if dry_days(quarter, today) is not None)
    until_days = gone_days + (_first_month_end(later) - today).days
    kept = urgency is not ReplacementUrgency.SOON or later <= latest
    if kept and float(chance_of_end(curve, np.array(until_days))[0]) <= DEFERRED_RISK:
        return ReplacementAdvice(later, urgency, True, f"{reason} Not critical, so after the monsoon, in {later}.")
    earlier = [q for q in map(wanted.plus, (-1, -2)) if q >= present and dry_days(q, today) is not None]
    if earlier:
        told = f"{reason} It should not wait until the monsoon has passed, so before it, in {earlier[0]}."
        return ReplacementAdvice(earlier[0], urgency, True, told)
    return ReplacementAdvice(wanted, urgency, False, f"{reason} It should not wait until the monsoon has passed.")


def _now(present: Quarter, reason: str) -> ReplacementAdvice:
    return ReplacementAdvice(present, ReplacementUrgency.NOW, False, reason)


def _after(today: date, days: float) -> date:
    return today + timedelta(days=min(days, _FARTHEST_DAYS))


def _first_month_end(quarter: Quarter) -> date:
    """Last day of the first dry month of a quarter that has a dry month."""
    days = dry_days(quarter, quarter.first_day)
    begin = days[0] if days else quarter.first_day
    return (begin.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
