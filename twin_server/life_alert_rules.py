"""What predictions of remaining life give cause to tell: pure functions of what is told now and was told before.

No single prediction raises or clears anything: what is told now, half a day and a day ago must agree. So nothing that a
restart leaves out is needed, and one odd answer is not heard.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import LOW_CONFIDENCE, Floats
from batterytwin.telemetry import Rows
from ml.replacement_advice import SHORT_LIFE_DAYS

AGES_S: Final = (43_200, 86_400, 30 * 86_400, 31 * 86_400)
"""Ages of the earlier statements that the rules look at, s: two of the last day, two of a month ago."""

FALL_DAYS: Final = 30.0
"""Least fall of the end of a life that is told, days."""

_SHORT_OVER_DAYS: Final = 120.0
_FALL_OVER: Final = 0.5
"""Share of its limit below which a fall is over."""
_SURE_OVER: Final = 0.65
"""Confidence from which a life needs no look any more; it is low below 0.60."""
_FRESH_US: Final = 86_400_000_000
_DAY_US: Final = 86_400e6

Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule, for each battery. Where neither of both holds, what stood before stands.

    Attributes:
        holds: gives cause to tell, `(n,)`.
        is_over: does so no longer, `(n,)`.
    """

    holds: Truths
    is_over: Truths

    def at(self, standing: Truths) -> Truths:
        """Where the condition is true now, given where it was."""
        return np.asarray(self.holds | (standing & ~self.is_over), np.bool_)


@dataclass(frozen=True, slots=True)
class LifeFindings:
    """What was found of some batteries; all of one length `(n,)`.

    Attributes:
        short: a median of less than 90 days left.
        critical: of the short ones those of which three of four like them do not last so long.
        fell: the end is told for so much earlier than a month ago.
        unsure: confidence is low.
        left_days: median left now, days.
        before_us: end that was told a month ago, us since 1970 UTC; NaN = none was.
        fall_days: how much earlier it is told now, days; NaN = not known.
        fall_limit_days: what it may fall, days; NaN = not known.
    """

    short: Judged
    critical: Truths
    fell: Judged
    unsure: Judged
    left_days: Floats
    before_us: Floats
    fall_days: Floats
    fall_limit_days: Floats


def find(rows: Rows, before: Rows, now_us: int) -> LifeFindings:
    """Looks at batteries of one site.

    *Short*: the median end is less than 90 days away; over at 120 days.

    *Fell*: the end is told earlier than a month ago, which the passing of time does not do. About half of all ends move
    earlier from one month to the next, by what is learnt meanwhile, and those of long lives by more than 30 days; that
    is what the interval said from the first. So the fall must be larger than 30 days and take the median below the
    lower quartile that was told then: what is learnt in one month moves an end by an eighth of its spread or so, and
    the quartile is two thirds of it away. The lower one of two statements of then counts. A month later what was told
    after the fall is what is compared with, so it is over then.

    *Unsure*: confidence is low (below 60 %); over at 65 %.

    Args:
        rows: what is told now, `PREDICTION_DTYPE`, shape `(n,)`.
        before: what the same models said of the same blocks before, `TOLD_BEFORE_DTYPE`, shape `(n, 4)`, see `AGES_S`.
        now_us: present time there, us since 1970 UTC.
    """
    day, month = before[:, :2], before[:, 2:]
    is_known = (day["as_of"] > 0).all(axis=1) & (rows["as_of"] > 0) & (now_us - rows["as_of"] < _FRESH_US)

    def of_day(name: str) -> Floats:
        newest = rows[name].astype(np.float64)
        return np.column_stack([newest, np.asarray(day[name], np.float64)])

    as_of_us = of_day("as_of")
    ends_us = as_of_us + of_day("days_50") * _DAY_US
    left_days = (ends_us - now_us) / _DAY_US
    left_75_days = (as_of_us + of_day("days_75") * _DAY_US - now_us) / _DAY_US
    short = left_days < SHORT_LIFE_DAYS

    then_us = np.where(month["as_of"] > 0, month["as_of"] + month["days_50"] * _DAY_US, np.nan)
    lower = np.argmin(then_us, axis=1, keepdims=True)  # of a NaN the NaN: both must be known
    before_us = np.take_along_axis(then_us, lower, 1)
    spread_days = np.take_along_axis(month["days_50"] - month["days_25"], lower, 1)
    limit_days = np.where(np.isnan(before_us), np.nan, np.maximum(spread_days, FALL_DAYS))
    falls_days = (before_us - ends_us) / _DAY_US

    shares = of_day("confidence")
    low = np.less(shares, LOW_CONFIDENCE, where=~np.isnan(shares), out=np.zeros(shares.shape, np.bool_))
    sure = np.greater_equal(shares, _SURE_OVER, where=~np.isnan(shares), out=np.ones(shares.shape, np.bool_))

    def judged(holds: Truths, is_over: Truths) -> Judged:
        return Judged(is_known & holds.all(axis=1), is_known & is_over.all(axis=1))

    return LifeFindings(
        short=judged(short, left_days >= _SHORT_OVER_DAYS),
        critical=is_known & (left_75_days < SHORT_LIFE_DAYS).all(axis=1),
        fell=judged(falls_days > limit_days, falls_days < _FALL_OVER * limit_days),
        unsure=judged(low, sure),
        left_days=np.maximum(left_days[:, 0], 0.0),
        before_us=before_us[:, 0],
        fall_days=falls_days[:, 0],
        fall_limit_days=limit_days[:, 0],
    )
