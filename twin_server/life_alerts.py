"""Alerts about remaining lives: what to replace now, what fell, and what a person should look at first."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertRule, AlertTransition
from batterytwin.errors import StoreUnavailableError
from batterytwin.life_plan import due_soon
from batterytwin.quarters import Quarter
from batterytwin.telemetry import Rows
from storage.alert_records import AlertRecord
from storage.prediction_table import TOLD_BEFORE_DTYPE
from twin_server.alert_hub import AlertHub
from twin_server.life_alert_changes import SiteLives, changes_of
from twin_server.life_alert_rules import AGES_S, find
from twin_server.life_table import LifeTable
from twin_server.live_table import LiveTable

REVIEW_EVERY_S: Final = 3_600.0
_RULES: Final = (AlertRule.LIFE_SHORT, AlertRule.LIFE_FELL, AlertRule.LIFE_REVIEW, AlertRule.SOH_LOW)


class LifeAlertStore(Protocol):
    """What these alerts need of the store; see `storage.prediction_table` and `storage.alert_tables`."""

    async def told_before(self, rows: Rows, is_fed: NDArray[np.bool_], ages_s: Sequence[int]) -> Rows:
        """What the same models said of the same blocks before."""

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[AlertRecord]:
        """Alerts whose condition stands, whatever people have done to them."""

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        """Stores changes of alerts; one that is already there is skipped."""


class LifeAlerts:
    """Compares what predictions give cause to tell with the alerts that stand, every hour, and stores the difference.

    A battery has one alert about its life: that it is to be replaced now, else that its life fell. Where the alert on
    its health tells already that it is to be replaced, none. Low confidence is one alert a site, and only of batteries
    whose replacement is due within two quarters: of the others nothing is decided yet, they can be found on the life
    page, and hundreds of alerts that ask for nothing would hide the few that do.

    All that decides is in the database, so a restart changes nothing and several servers tell the same.

    Args:
        store: predictions and alerts.
        hub: told of changes.
        live: clocks and places of batteries.
        table: newest predictions.
    """

    def __init__(self, store: LifeAlertStore, hub: AlertHub, live: LiveTable, table: LifeTable) -> None:
        self._store = store
        self._hub = hub
        self._live = live
        self._map = live.fleet_map
        self._table = table
        self._turn = asyncio.Lock()
        self._is_due = False

    def wake(self) -> None:
        """Says that a block has been replaced: what was told of the one before ends within seconds."""
        self._is_due = True

    async def look(self) -> None:
        """Reviews lives if a block has been replaced."""
        if self._is_due:
            self._is_due = False
            with suppress(StoreUnavailableError):  # the next hour finds the same
                await self.review()

    async def review(self) -> None:
        """Raises, escalates and clears.

        Raises:
            StoreUnavailableError: the database is away; the next review does the rest.
        """
        async with self._turn:
            self._table.extend()
            alerts = defaultdict(list)
            for alert in await self._store.uncleared_alerts(_RULES):
                alerts[alert.location_id].append(alert)
            changes: list[AlertTransition] = []
            for number, (location, _) in enumerate(self._map.locations):
                site = await self._site(number, alerts[location.location_id])
                changes += await asyncio.to_thread(changes_of, site)
            if changes:
                await self._store.apply_transitions(changes)
                self._hub.poke()

    async def _site(self, number: int, alerts: Sequence[AlertRecord]) -> SiteLives:
        location, places = self._map.locations[number]
        ordinals = np.arange(places.start, places.stop, dtype=np.int32)
        known = np.isin(ordinals, self._table.known(ordinals))
        rows = self._table.rows[ordinals]
        rows["as_of"][~known] = 0  # told of a block that has gone
        now_us = self._live.clocks.now_us(number)
        before = np.zeros((len(rows), len(AGES_S)), TOLD_BEFORE_DTYPE)
        near = np.zeros(len(rows), np.bool_)
        if known.any():
            is_fed = np.full(int(known.sum()), self._live.clocks.is_feed(number))
            before[known] = await self._store.told_before(rows[known], is_fed, AGES_S)
            view = await asyncio.to_thread(self._table.view_rows, ordinals[known], rows[known])
            near[known] = due_soon(view.quarters(), Quarter.of_time(now_us))
        return SiteLives(
            location_id=location.location_id,
            now_us=now_us,
            battery_ids=self._map.battery_ids[places],
            battery_keys=self._map.battery_keys[places],
            since_us=self._map.unit_since_us[places],
            rows=rows,
            findings=find(rows, before, now_us),
            is_near=near,
            alerts=alerts,
        )
