"""Questions about remaining life that pages ask the server; always of the live fleet, since copies have none."""

from collections.abc import Sequence
from datetime import timedelta

from clients.types import (
    FleetLife,
    LifeModel,
    MaintenancePlan,
    PastPrediction,
    RemainingLife,
    ReplacementForecast,
)
from streamlit_app.answers import DEADLINE_S, PAST_DEADLINE_S
from streamlit_app.scoped_cache import Answer
from streamlit_app.twin_time import now
from streamlit_app.visitor import Visitor

PAST_SHOWN = timedelta(days=365)
"""How far back predictions of a battery are shown."""


def fleet_life(visitor: Visitor, location_id: str = "") -> Answer[FleetLife]:
    """Remaining life of every battery of a site, or of all sites, as columns."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("fleet life", location_id),
        lambda token: client.get_fleet_life(location_id, token=token, deadline_s=DEADLINE_S),
    )


def remaining_life(visitor: Visitor, battery_id: str, warmer_k: float = 0.0) -> Answer[RemainingLife]:
    """Remaining life of a battery, in the climate of its site or one so much warmer."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("life", battery_id, warmer_k),
        lambda token: client.get_remaining_life(battery_id, warmer_k=warmer_k, token=token, deadline_s=DEADLINE_S),
    )


def past_predictions(visitor: Visitor, battery_id: str) -> Answer[Sequence[PastPrediction]]:
    """What was predicted for a battery in the last year, oldest first."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("life history", battery_id),
        lambda token: client.get_life_history(
            battery_id, start_time=now() - PAST_SHOWN, max_points=400, token=token, deadline_s=DEADLINE_S
        ),
    )


def maintenance_plan(visitor: Visitor, location_id: str, quarter_count: int, risk: float) -> Answer[MaintenancePlan]:
    """What to replace in the coming quarters; `risk` is the chance of an end of life before, 0.01...0.5."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("plan", location_id, quarter_count, risk),
        lambda token: client.get_maintenance_plan(
            location_id, quarter_count=quarter_count, risk=risk, token=token, deadline_s=PAST_DEADLINE_S
        ),
    )


def replacement_forecast(visitor: Visitor, location_id: str, cooler_k: float) -> Answer[ReplacementForecast]:
    """Ends of life of the next twelve months, and what rooms that are so much cooler are worth."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("forecast", location_id, cooler_k),
        lambda token: client.get_replacement_forecast(
            location_id, cooler_k=cooler_k, token=token, deadline_s=PAST_DEADLINE_S
        ),
    )


def models(visitor: Visitor) -> Answer[Sequence[LifeModel]]:
    """Models of remaining life, newest first."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.live, "models", lambda token: client.list_models(token=token, deadline_s=DEADLINE_S).models
    )
