"""Questions about projections that pages ask the server; always the live one."""

from collections.abc import Sequence

from batterytwin.errors import TwinError
from clients.types import Projection, ProjectionComparison
from streamlit_app import life_answers
from streamlit_app.answers import DEADLINE_S, PAST_DEADLINE_S
from streamlit_app.scoped_cache import Answer
from streamlit_app.visitor import Visitor

PROJECTIONS_SHOWN = 100
"""Newest projections that the list shows."""


def projections(visitor: Visitor) -> Answer[Sequence[Projection]]:
    """The newest projections, without results."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.drills,
        "projections",
        lambda token: (
            client.list_projections(page_size=PROJECTIONS_SHOWN, token=token, deadline_s=DEADLINE_S).projections
        ),
    )


def projection(visitor: Visitor, projection_id: str) -> Answer[Projection]:
    """A projection, with its result once it is done.

    Raises:
        NotFoundError: there is none of this name, or it was deleted.
    """
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.drills,
        ("projection", projection_id),
        lambda token: client.get_projection(projection_id, token=token, deadline_s=DEADLINE_S),
    )


def comparison(visitor: Visitor, projection_ids: Sequence[str]) -> Answer[ProjectionComparison]:
    """Two to five projections, the first of which the others are compared with.

    Raises:
        InvalidArgumentError: they are not of the same batteries.
        ConflictError: one of them is not done.
    """
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.history,
        ("comparison", *projection_ids),
        lambda token: client.compare_scenarios(projection_ids, token=token, deadline_s=PAST_DEADLINE_S),
    )


def currency(visitor: Visitor) -> str:
    """The currency that the server plans in; empty where it does not say so now."""
    try:
        return life_answers.replacement_forecast(visitor, "", 5.0).value.prices.currency
    except TwinError:
        return ""


def forget(visitor: Visitor) -> None:
    """Makes the next question about projections a new one, as after an action."""
    visitor.backend.drills.forget(visitor.live.scope)
