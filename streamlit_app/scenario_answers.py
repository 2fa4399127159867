"""Questions about scenarios and drills that pages ask the server; always the live one, which keeps them."""

from collections.abc import Sequence

from batterytwin.errors import NotFoundError
from clients.types import Drill, DrillReport, Scenario, ScenarioLibrary
from streamlit_app.answers import DEADLINE_S
from streamlit_app.scoped_cache import Answer
from streamlit_app.visitor import Visitor

START_DEADLINE_S = 40.0
"""Copying the twins of a whole fleet takes some seconds, and nobody would rather not know, s."""

REPORTS_SHOWN = 100
"""Newest drills that the list of reports shows."""


def library(visitor: Visitor) -> Answer[ScenarioLibrary]:
    """The scenarios that come with the server."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.inventory, "library", lambda token: client.list_library(token=token, deadline_s=DEADLINE_S)
    )


def active_drills(visitor: Visitor, *, watched: bool = True) -> Answer[Sequence[Drill]]:
    """Drills that live now, as far as the visitor may see them; those that are watched are told more often."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.drills if watched else visitor.backend.live,
        "active drills",
        lambda token: client.list_scenarios(only_active=True, token=token, deadline_s=DEADLINE_S).drills,
    )


def drills(visitor: Visitor) -> Answer[Sequence[Drill]]:
    """The newest drills, those that live first."""
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.live,
        "drills",
        lambda token: client.list_scenarios(page_size=REPORTS_SHOWN, token=token, deadline_s=DEADLINE_S).drills,
    )


def report(visitor: Visitor, drill_id: str) -> Answer[DrillReport]:
    """How a drill went, so far.

    Raises:
        NotFoundError: there is no such drill, or the visitor may not see it.
    """
    client = visitor.backend.client
    return visitor.live.ask(
        visitor.backend.live,
        ("report", drill_id),
        lambda token: client.get_scenario(drill_id, token=token, deadline_s=DEADLINE_S),
    )


def drill(visitor: Visitor, drill_id: str) -> Drill:
    """A drill that lives.

    Raises:
        NotFoundError: it does not, or there is none of this name.
    """
    for candidate in active_drills(visitor).value:
        if candidate.drill_id == drill_id:
            return candidate
    raise NotFoundError(f"The drill {drill_id} does not live any more.", field="drill", value=drill_id)


def check(visitor: Visitor, definition: str) -> Scenario:
    """What a definition of one's own says; nothing is remembered.

    Raises:
        InvalidArgumentError: it is no scenario.
    """
    client = visitor.backend.client
    return visitor.act(lambda token: client.check_scenario(definition, token=token, deadline_s=DEADLINE_S))


def forget(visitor: Visitor) -> None:
    """Makes the next question about drills a new one, as after an action."""
    visitor.backend.drills.forget(visitor.live.scope)
    visitor.backend.live.forget(visitor.live.scope)
