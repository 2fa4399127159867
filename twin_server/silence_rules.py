"""The rule that no reading can trigger: nothing comes any more. One alert per gateway or string, not per battery."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from twin_server.alert_hub import AlertHub
from twin_server.gateway_returns import GatewayReturns
from twin_server.live_table import LiveTable, no_data_after_s
from twin_server.swept_alerts import SweptAlerts, TransitionStore

_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Source:
    """A gateway (empty `string_id`) or a string, and when it was heard: times in us, 0 = never."""

    string_id: str
    location_id: str
    newest_us: int
    heard_us: int
    now_us: int
    limit_us: int

    @property
    def name(self) -> str:
        return self.string_id or self.location_id

    @property
    def is_silent(self) -> bool:
        return self.now_us - self.heard_us > self.limit_us

    @property
    def is_back(self) -> bool:
        return self.now_us - self.newest_us <= self.limit_us


class SilenceRules:
    """Raises NO_DATA for gateways and strings that have fallen silent, and clears it when they are back.

    A location is silent when its newest sample is older than the limit (5 min, or 5 periods of a slower feed) by its
    clock; a feed's clock stands still with it, so a feed is never silent. A string is silent when its newest sample is
    that much older than its location's newest: the gateway speaks, and says nothing of the string. A silence before the
    start of the server counts from the start, which gives gateways the time to reconnect, and that of a string from the
    return of its gateway, whose own silence has been told.
    """

    def __init__(self, store: TransitionStore, hub: AlertHub, live: LiveTable) -> None:
        self._live = live
        self._start_us = live.clocks.wall_us()
        self._returns = GatewayReturns()
        self._alerts = SweptAlerts(store, hub, AlertRule.NO_DATA)

    async def load(self) -> None:
        """Takes over the alerts of this rule that stand.

        Raises:
            StoreUnavailableError: the database is away.
        """
        await self._alerts.load()

    async def sweep(self) -> None:
        """Looks at all strings and locations once, and stores what has changed."""
        await self._alerts.apply([change for source in self._sources() if (change := self._judge(source)) is not None])

    def _sources(self) -> Iterator[_Source]:
        """Every location, and those strings that are silent or of which an alert stands."""
        fleet_map, clocks = self._live.fleet_map, self._live.clocks
        of = fleet_map.string_location
        of_strings = np.maximum.reduceat(self._live.rows["as_of_us"], [blocks.start for _, blocks in fleet_map.strings])
        of_locations = np.zeros(len(fleet_map.locations), np.int64)
        np.maximum.at(of_locations, of, of_strings)
        is_feed = np.array([clocks.is_feed(number) for number in range(len(of_locations))], np.bool_)
        since_us = np.where(is_feed, 0, self._start_us)
        limits_us = np.array(
            [round(no_data_after_s(location.sample_period_s) * _US) for location, _ in fleet_map.locations]
        )
        for number, (location, _) in enumerate(fleet_map.locations):
            newest_us = int(of_locations[number])
            heard_us = max(newest_us, int(since_us[number]))
            now_us, limit_us = clocks.now_us(number), int(limits_us[number])
            yield _Source("", location.location_id, newest_us, heard_us, now_us, limit_us)
        back_us = self._returns.follow(of_locations, self._start_us, limits_us, is_feed)
        heard_of_strings = np.maximum(of_strings, np.maximum(since_us, back_us)[of])
        heard_of_strings = np.where(heard_of_strings == 0, of_locations[of], heard_of_strings)
        is_asked = of_locations[of] - heard_of_strings > limits_us[of]
        is_asked[[n for name in self._alerts.names() if (n := fleet_map.find_string(name)) is not None]] = True
        for string in np.flatnonzero(is_asked).tolist():
            number = int(of[string])
            yield _Source(
                fleet_map.strings[string][0],
                fleet_map.locations[number][0].location_id,
                int(of_strings[string]),
                int(heard_of_strings[string]),
                int(of_locations[number]),
                int(limits_us[number]),
            )

    def _judge(self, source: _Source) -> AlertTransition | None:
        alert_id = self._alerts.standing(source.name)
        what = f"string {source.string_id}" if source.string_id else f"the gateway of {source.location_id}"
        if alert_id is None and source.is_silent:
            since_us = source.heard_us + source.limit_us
            message = f"No data from {what} for more than {source.limit_us // _US} s."
            return _transition(source, f"{source.name}/NO_DATA/{since_us}", AlertChange.RAISED, since_us, message)
        if alert_id is not None and source.is_back:
            message = f"Data come from {what} again."
            return _transition(source, alert_id, AlertChange.CLEARED, source.newest_us, message)
        return None


def _transition(
    source: _Source, alert_id: str, change: AlertChange, sample_time_us: int, message: str
) -> AlertTransition:
    return AlertTransition(
        alert_id=alert_id,
        battery_key=None,
        string_id=source.string_id,
        location_id=source.location_id,
        rule=AlertRule.NO_DATA,
        severity=Severity.WARNING if source.string_id else Severity.CRITICAL,
        change=change,
        sample_time_us=sample_time_us,
        value=(source.now_us - source.heard_us) / _US,
        threshold=source.limit_us / _US,
        unit="s",
        message=message,
    )
