"""How remaining lives read on the screen."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from batterytwin.life import DAYS_PER_MONTH
from clients.types import Confidence, LifeFactor, LifeQuantiles, LifeSource, ModelState, ReplacementUrgency
from streamlit_app.palette import BadgeColour
from streamlit_app.wording import NOTHING, local_date

_YEAR_DAYS: Final = 12 * DAYS_PER_MONTH
_ABOUT: Final = timedelta(days=1)

FACTOR_TEXT: Final[Mapping[int, str]] = {
    LifeFactor.TEMPERATURE: "Temperature",
    LifeFactor.VOLTAGE: "Float voltage",
    LifeFactor.CYCLES: "Discharges",
    LifeFactor.AGE: "Age",
    LifeFactor.RESISTANCE: "Resistance",
    LifeFactor.CAPACITY: "Capacity evidence",
    LifeFactor.FLOAT_CURRENT: "Float current",
    LifeFactor.OTHER: "Other",
}
CONFIDENCE_TEXT: Final[Mapping[int, str]] = {
    Confidence.HIGH: "High",
    Confidence.MEDIUM: "Medium",
    Confidence.LOW: "Low",
}
CONFIDENCE_BADGE: Final[Mapping[int, BadgeColour]] = {
    Confidence.HIGH: "green",
    Confidence.MEDIUM: "blue",
    Confidence.LOW: "orange",
}
URGENCY_TEXT: Final[Mapping[int, str]] = {
    ReplacementUrgency.NOW: "Now",
    ReplacementUrgency.SOON: "Soon",
    ReplacementUrgency.PLANNED: "Planned",
    ReplacementUrgency.LATER: "Later",
}
URGENCY_BADGE: Final[Mapping[int, BadgeColour]] = {
    ReplacementUrgency.NOW: "red",
    ReplacementUrgency.SOON: "orange",
    ReplacementUrgency.PLANNED: "blue",
    ReplacementUrgency.LATER: "gray",
}
SOURCE_TEXT: Final[Mapping[int, str]] = {
    LifeSource.TWIN_AND_MODEL: "Twin and model",
    LifeSource.TWIN_ONLY: "Physics of the twin alone",
    LifeSource.CACHED: "An earlier answer",
}
MODEL_STATE_TEXT: Final[Mapping[int, str]] = {
    ModelState.CANDIDATE: "Candidate",
    ModelState.SHADOW: "Shadow",
    ModelState.ACTIVE: "Active",
    ModelState.RETIRED: "Retired",
}
MODEL_STATE_BADGE: Final[Mapping[int, BadgeColour]] = {
    ModelState.CANDIDATE: "blue",
    ModelState.SHADOW: "orange",
    ModelState.ACTIVE: "green",
    ModelState.RETIRED: "gray",
}


def life_text(days: float | None) -> str:
    """A life as people speak of it: "45 d", "14 months", "5.3 years"; a dash where it is unknown."""
    if days is None or not math.isfinite(days):
        return NOTHING
    if days < 90:
        return f"{max(0, round(days))} d"
    if days < 2 * _YEAR_DAYS:
        return f"{days / DAYS_PER_MONTH:.0f} months"
    return f"{days / _YEAR_DAYS:.1f} years"


def counted_from(as_of: datetime | None, predict_time: datetime) -> str:
    """Says from when a life counts, where that is not about the time of its prediction; else empty."""
    if as_of is None or abs(predict_time - as_of) < _ABOUT:
        return ""
    return f"the days count from its newest reading, {local_date(as_of)}"


def interval_text(quantiles: LifeQuantiles, *, upper_known: bool = True) -> str:
    """The 90 % interval; where only its lower end is calibrated, that alone."""
    lower = life_text(quantiles.days_05)
    return f"{lower} to {life_text(quantiles.days_95)}" if upper_known else f"at least {lower}"


def effect_text(multiplier: float) -> str:
    """What a cause does to a life, as a factor."""
    return f"\N{MULTIPLICATION SIGN} {multiplier:.2f}" if math.isfinite(multiplier) else NOTHING


def money(amount: float, currency: str) -> str:
    """An amount in whole units: "1,250,000 THB"."""
    return f"{amount:,.0f} {currency}" if math.isfinite(amount) else NOTHING
