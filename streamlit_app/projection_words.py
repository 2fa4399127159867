"""How projections read on the screen."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from clients.types import FiveQuantiles, Projection, ProjectionRequest, ProjectionState
from streamlit_app.drill_words import figure
from streamlit_app.life_words import life_text
from streamlit_app.palette import BadgeColour
from streamlit_app.wording import NOTHING

STATE_TEXT: Final[Mapping[int, str]] = {
    ProjectionState.WAITING: "Waiting",
    ProjectionState.RUNNING: "Computing",
    ProjectionState.DONE: "Done",
    ProjectionState.CANCELLED: "Cancelled",
    ProjectionState.FAILED: "Failed",
}
STATE_BADGE: Final[Mapping[int, BadgeColour]] = {
    ProjectionState.WAITING: "gray",
    ProjectionState.RUNNING: "blue",
    ProjectionState.DONE: "green",
    ProjectionState.CANCELLED: "gray",
    ProjectionState.FAILED: "red",
}
SURE: Final = 0.9
"""A system that carries its load with less than this probability is at risk."""
_PLACES_SHOWN: Final = 3


def is_under_way(projection: Projection) -> bool:
    """Whether it waits or is being computed."""
    return projection.state in {ProjectionState.WAITING, ProjectionState.RUNNING}


def quantile(quantiles: FiveQuantiles, place: int) -> float:
    """One of five quantiles (0...4 for 5, 25, 50, 75, 95 %); NaN where nothing was said."""
    return quantiles[place] if place < len(quantiles) else math.nan


def count_text(quantiles: FiveQuantiles, *, sign: bool = False) -> str:
    """A number of blocks: "214 (187 to 243)"."""
    middle = quantile(quantiles, 2)
    if not math.isfinite(middle):
        return NOTHING
    return f"{_count(middle, sign=sign)} ({range_text(quantiles, sign=sign)})"


def range_text(quantiles: FiveQuantiles, *, sign: bool = False) -> str:
    """The 90 % interval of a number of blocks: "187 to 243"."""
    return f"{_count(quantile(quantiles, 0), sign=sign)} to {_count(quantile(quantiles, 4), sign=sign)}"


def loss_text(days: FiveQuantiles) -> str:
    """When something comes first: "14 months (9 months to 2.1 years)"; what lies beyond the horizon says so."""
    middle, low, high = (quantile(days, place) for place in (2, 0, 4))
    if not math.isfinite(low):
        return "not within these years"
    begin = life_text(low)
    end = life_text(high) if math.isfinite(high) else "later"
    return f"{life_text(middle) if math.isfinite(middle) else 'later'} ({begin} to {end})"


def course_text(request: ProjectionRequest, titles: Sequence[str]) -> str:
    """What is to happen, and what nothing stands for."""
    return ", ".join(titles) if request.parts else "As it is, nothing happens"


def asked_text(projection: Projection, names: Mapping[str, str]) -> str:
    """What was asked, in a line."""
    request = projection.request
    places = [names.get(name, name) for name in request.names]
    where = ", ".join(places[:_PLACES_SHOWN]) if places else "the whole fleet"
    if len(places) > _PLACES_SHOWN:
        where = f"{where} and {len(places) - _PLACES_SHOWN} more"
    return (
        f"{figure(request.years)} years of {where} ({projection.battery_count:,} batteries), {request.members:,} "
        f"members, {figure(request.carry_min)} min at {figure(request.load)} of the one-hour load, seed {request.seed}"
    )


def _count(value: float, *, sign: bool) -> str:
    if not math.isfinite(value):
        return NOTHING
    return f"{round(value):{'+' if sign else ''},d}".replace("-", "\N{MINUS SIGN}")
