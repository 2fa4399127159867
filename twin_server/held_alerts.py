"""Alerts of a past that is still coming in: nobody is told of them, unless they stand when the present is reached."""

from collections.abc import Mapping
from typing import Final

from batterytwin.alerts import AlertChange, AlertRule
from storage.alert_records import AlertChangeRecord, AlertRecord
from twin_server.live_table import LiveTable

BACKFILL_AFTER_US: Final = 900_000_000
"""What is this far behind its location's clock is of the past."""


class HeldAlerts:
    """Decides of which changes watchers are told.

    History that is filled in, and what a gateway has kept through an outage, may raise and clear many alerts that are
    over by now. So an alert raised in the past is held back. One that watchers know of is not: they hear of its end
    however late that comes.
    """

    def __init__(self, live: LiveTable) -> None:
        self._live = live
        self._is_shown: dict[str, bool] = {}  # alerts held back, and whether a watch has begun since with what stands

    def holds(self, record: AlertChangeRecord) -> bool:
        """Takes the next change in; returns whether nobody is to be told of it."""
        alert_id = record.alert.alert_id
        if record.change == AlertChange.CLEARED:
            return not self._is_shown.pop(alert_id, True)
        if record.actor or not self._is_past(record.alert, record.at_us):
            self._is_shown.pop(alert_id, None)
            return False
        if record.change == AlertChange.ESCALATED:
            return not self._is_shown.get(alert_id, True)
        self._is_shown.setdefault(alert_id, False)
        return True

    def show(self) -> None:
        """Notes that a watch has begun with all alerts that stand."""
        self._is_shown = dict.fromkeys(self._is_shown, True)

    def due(self, active: Mapping[str, AlertRecord]) -> dict[str, int]:
        """Alerts that stand, held back until now, whose measurements have reached the present.

        Args:
            active: alerts that stand, by id.

        Returns:
            The present time at their locations, us since 1970 UTC, by id.
        """
        found = {}
        for alert_id in list(self._is_shown):
            alert = active.get(alert_id)
            if alert is None:  # a person has closed it; should it stand again, that is a change of the present
                del self._is_shown[alert_id]
            elif not self._is_past(alert, self._newest_us(alert)):
                found[alert_id] = self._now_us(alert)
        return found

    def _is_past(self, alert: AlertRecord, at_us: int) -> bool:
        if alert.rule == AlertRule.NO_DATA:  # it begins when a sample should have come, and is found by looking now
            return False
        return at_us < self._now_us(alert) - BACKFILL_AFTER_US

    def _now_us(self, alert: AlertRecord) -> int:
        location = self._live.fleet_map.find_location(alert.location_id)
        return 0 if location is None else self._live.clocks.now_us(location)

    def _newest_us(self, alert: AlertRecord) -> int:
        """Newest sample of what an alert is about, us since 1970 UTC."""
        fleet_map = self._live.fleet_map
        battery, string = fleet_map.find(alert.battery_id), fleet_map.find_string(alert.string_id)
        location = fleet_map.find_location(alert.location_id)
        places = slice(0)
        if battery is not None:
            places = slice(battery, battery + 1)
        elif string is not None:
            places = fleet_map.strings[string][1]
        elif location is not None:
            places = fleet_map.locations[location][1]
        return int(self._live.rows["as_of_us"][places].max(initial=0))
