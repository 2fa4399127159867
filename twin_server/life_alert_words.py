"""What alerts about remaining lives say."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from batterytwin.alerts import AlertRule
from batterytwin.life import LOW_CONFIDENCE
from batterytwin.quarters import site_day
from ml.replacement_advice import SHORT_LIFE_DAYS
from twin_server.life_alert_rules import LifeFindings

_NAMED: Final = 3


def short_words(row: np.void, findings: LifeFindings, place: int) -> str:
    """Of a battery with little life left. `row` is what is told of it, `place` where it stands in `findings`."""
    left = float(findings.left_days[place])
    gone = float(row["days_50"]) - left
    lower, upper = (max(float(row[name]) - gone, 0.0) for name in ("days_05", "days_95"))
    interval = f"90 % interval {lower:.0f} to {upper:.0f}" if row["upper_known"] else f"at least {lower:.0f}"
    first = " Confidence is low: test its capacity first." if float(row["confidence"]) < LOW_CONFIDENCE else ""
    return (
        f"{left:.0f} days left ({interval}), fewer than {SHORT_LIFE_DAYS:.0f}: "
        f"replace it now, whatever the season.{first}"
    )


def fell_words(findings: LifeFindings, place: int) -> str:
    """Of a battery the end of whose life is told for earlier than before."""
    before = site_day(round(float(findings.before_us[place])))
    fall, limit = float(findings.fall_days[place]), float(findings.fall_limit_days[place])
    return (
        f"Its life is told to end on {before - timedelta(days=round(fall)):%d %b %Y}; a month ago it was "
        f"{before:%d %b %Y}. That is {fall:.0f} days earlier, more than the {limit:.0f} that the interval allowed: "
        "look at what the battery page says of its health."
    )


def site_words(rule: AlertRule, battery_ids: Sequence[str], total: int) -> str:
    """Of many batteries of a site at once; those that press most come first."""
    named = ", ".join(battery_ids[:_NAMED]) + (", ..." if len(battery_ids) > _NAMED else "")
    these = f"{len(battery_ids)} of {total} batteries"
    if rule == AlertRule.LIFE_SHORT:
        return f"{these} have fewer than 90 days left: replace them now. The life page lists them ({named})."
    if rule == AlertRule.LIFE_FELL:
        return (
            f"The lives of {these} are told much shorter than a month ago: look first for what they share (cooling, "
            f"charger, mains). Fell most: {named}."
        )
    return (
        f"{these} are due within two quarters by predictions of low confidence: look at them, or test their capacity, "
        f"before anything is ordered. The life page lists them ({named})."
    )
