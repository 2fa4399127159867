"""Active alerts in memory, and every change of an alert to everyone who watches."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol

import numpy as np
import structlog

from batterytwin.alerts import ACTIVE_STATES
from batterytwin.errors import TwinError
from storage.alert_records import AlertChangeRecord, AlertRecord
from twin_server.held_alerts import HeldAlerts
from twin_server.live_table import LiveTable

RECENT_CHANGES: Final = 2_000
"""Changes kept in memory; who is further behind reads from the database."""

_READ_LIMIT: Final = 500
_RETRY_S: Final = 1.0

_log = structlog.get_logger(__name__)


class AlertChangeStore(Protocol):
    """What the hub needs of the store; see `storage.alert_tables`."""

    async def active_alerts(self) -> list[AlertRecord]:
        """Alerts that stand now."""

    async def last_change_seq(self) -> int:
        """Number of the newest change."""

    async def changes_since(self, seq: int, limit: int) -> list[AlertChangeRecord]:
        """Changes numbered above `seq`, in order of commit."""

    async def tell_alerts(self, at_us: Mapping[str, int]) -> None:
        """Notes of alerts that stand once more that they have been raised."""


@dataclass(frozen=True, slots=True)
class _Recent:
    record: AlertChangeRecord
    notify: bool


class AlertHub:
    """Follows the alert changes of the database.

    Whoever changes alerts pokes the hub, which then reads what is new, in order of commit. So changes that a dying
    shard committed and never told of are found as well, and every watcher sees the same sequence.

    Attributes:
        active: alerts that stand now, by id.
        counts: active alerts of each battery, int32, shape `(n_twins,)`.
        seq: number of the newest change seen.
    """

    def __init__(self, store: AlertChangeStore, live: LiveTable) -> None:
        self.active: dict[str, AlertRecord] = {}
        self.counts = np.zeros(0, np.int32)
        self.seq = 0
        self._store = store
        self._live = live
        self._held = HeldAlerts(live)
        self._recent: deque[_Recent] = deque()
        self._complete_after = 0
        self._poked = asyncio.Event()
        self._news = asyncio.Event()
        self.extend()

    def extend(self) -> None:
        """Makes room for the twins that the fleet map has gained."""
        added = len(self._live.fleet_map) - len(self.counts)
        self.counts = np.append(self.counts, np.zeros(added, np.int32))

    async def load(self) -> None:
        """Reads what stands now.

        Raises:
            StoreUnavailableError: the database is away.
        """
        # the number first: a change in between is then read twice, which does no harm
        self.seq = self._complete_after = await self._store.last_change_seq()
        for alert in await self._store.active_alerts():
            self._note(alert)

    def poke(self) -> None:
        """Says that there may be new changes."""
        self._poked.set()

    async def run(self) -> None:
        """Reads new changes whenever poked, until cancelled."""
        while True:
            await self._poked.wait()
            self._poked.clear()
            try:
                await self.refresh()
            except TwinError as error:
                _log.warning("alert changes cannot be read, trying again", reason=error.message)
                await asyncio.sleep(_RETRY_S)
                self._poked.set()

    async def refresh(self) -> None:
        """Reads every change that is new.

        Raises:
            StoreUnavailableError: the database is away.
        """
        while True:
            changes = await self._store.changes_since(self.seq, _READ_LIMIT)
            for record in changes:
                if record.seq > self.seq:  # two readers may have been under way
                    self._take(record)
            if changes:
                self._news.set()
            if len(changes) < _READ_LIMIT:
                return

    def _take(self, record: AlertChangeRecord) -> None:
        self.seq = record.seq
        self._note(record.alert)
        if len(self._recent) == RECENT_CHANGES:
            self._complete_after = self._recent.popleft().record.seq
        self._recent.append(_Recent(record, notify=not self._held.holds(record)))

    def _note(self, alert: AlertRecord) -> None:
        was_active = self.active.pop(alert.alert_id, None) is not None
        is_active = alert.state in ACTIVE_STATES
        if is_active:
            self.active[alert.alert_id] = alert
        ordinal = self._live.fleet_map.find(alert.battery_id) if alert.battery_id else None
        if ordinal is not None and is_active != was_active:
            self.counts[ordinal] += 1 if is_active else -1
            self._live.touch([ordinal])

    def begin_watch(self) -> tuple[list[AlertRecord], int]:
        """What stands now, and the number of the newest change in it."""
        self._held.show()
        return list(self.active.values()), self.seq

    async def tell_held(self) -> None:
        """Tells of alerts that were raised in a past that was coming in, and stand now that the present is reached.

        As a change of its own, so that who resumes a watch hears of it as well.

        Raises:
            StoreUnavailableError: the database is away.
        """
        if at_us := self._held.due(self.active):
            await self._store.tell_alerts(at_us)
            await self.refresh()

    async def wait_newer(self, seq: int) -> None:
        """Waits until there is a change numbered above `seq`."""
        while self.seq <= seq:
            self._news.clear()
            await self._news.wait()

    async def read_after(self, seq: int, wanted: Callable[[AlertRecord], bool]) -> tuple[list[AlertChangeRecord], int]:
        """Changes numbered above `seq` that a watcher should be told of.

        Args:
            seq: number of the last change that the watcher has seen.
            wanted: whether the watcher may and wants to see an alert.

        Returns:
            The changes in order (possibly none), and the number up to which nothing is left to tell.

        Raises:
            StoreUnavailableError: the watcher is far behind and the database is away.
        """
        if seq >= self._complete_after:
            newest_first = takewhile(lambda entry: entry.record.seq > seq, reversed(self._recent))
            told = [entry.record for entry in newest_first if entry.notify and wanted(entry.record.alert)]
            return told[::-1], self.seq
        known = self.seq
        changes = await self._store.changes_since(seq, _READ_LIMIT)
        read_to = changes[-1].seq if len(changes) == _READ_LIMIT else max([known, *(record.seq for record in changes)])
        return [record for record in changes if wanted(record.alert)], read_to
