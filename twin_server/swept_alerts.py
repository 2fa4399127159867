"""Alerts of sites and strings of which a sweep finds, and not a reading, that they are to be raised or cleared."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition
from batterytwin.errors import StoreUnavailableError
from storage.alert_records import AlertRecord
from twin_server.alert_hub import AlertHub

_log = structlog.get_logger(__name__)


class TransitionStore(Protocol):
    """What such a rule needs of the store; see `storage.server_store`."""

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        """Stores changes of alerts; one that is already there is skipped."""

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[AlertRecord]:
        """Alerts whose condition stands, whatever people have done to them, oldest first."""


class SweptAlerts:
    """The alerts of one rule that stand, at most one for each string or location.

    Args:
        store: of alerts.
        hub: told of changes.
        rule: whose alerts.
    """

    def __init__(self, store: TransitionStore, hub: AlertHub, rule: AlertRule) -> None:
        self._store = store
        self._hub = hub
        self._rule = rule
        self._standing: dict[str, str] = {}

    async def load(self) -> None:
        """Takes over the alerts that stand, those too that a person has closed.

        Raises:
            StoreUnavailableError: the database is away.
        """
        for alert in await self._store.uncleared_alerts([self._rule]):
            self._standing[alert.string_id or alert.location_id] = alert.alert_id

    def standing(self, name: str) -> str | None:
        """The alert that stands for a string or a location; None = none."""
        return self._standing.get(name)

    def names(self) -> list[str]:
        """Strings and locations of which an alert stands."""
        return list(self._standing)

    async def apply(self, changes: Sequence[AlertTransition]) -> None:
        """Stores changes; while the database is away nothing changes, and the next sweep finds the same."""
        if not changes:
            return
        try:
            await self._store.apply_transitions(changes)
        except StoreUnavailableError as error:
            _log.warning("alerts cannot be stored, trying again", rule=self._rule.name, reason=error.message)
            return
        for change in changes:
            name = change.string_id or change.location_id
            if change.change == AlertChange.RAISED:
                self._standing[name] = change.alert_id
            else:
                del self._standing[name]
        self._hub.poke()
