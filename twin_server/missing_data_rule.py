"""The rule that a site's picture has holes: many of its batteries say nothing, though gateway and strings speak."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from twin_server.alert_hub import AlertHub
from twin_server.live_table import LiveTable, no_data_after_s
from twin_server.swept_alerts import SweptAlerts, TransitionStore

MISSING_SHARE: Final = 0.10
"""Share of a site's batteries that may be silent."""

_OVER_SHARE: Final = 0.05
_LONG_S: Final = 3_600.0
_LONG_PERIODS: Final = 10.0
"""A feed slower than a sample in six minutes gets ten of its periods instead of an hour."""
_US: Final = 1_000_000
_NAMED: Final = 5


class MissingData:
    """Raises DATA_MISSING for sites of which more than a tenth has been silent for an hour; clears it at half of that.

    A battery is silent when its newest sample is that much older than its location's newest. One that never spoke is
    not yet in service, and strings that are silent as a whole have an alert of their own: neither counts. A silence
    before the start of the server counts from the start.
    """

    def __init__(self, store: TransitionStore, hub: AlertHub, live: LiveTable) -> None:
        self._live = live
        self._start_us = live.clocks.wall_us()
        self._alerts = SweptAlerts(store, hub, AlertRule.DATA_MISSING)

    def load(self) -> None:
        """Takes over the alerts of this rule that the hub has found active."""
        self._alerts.load()

    async def sweep(self) -> None:
        """Looks at all sites once, and stores what has changed."""
        await self._alerts.apply(list(self._changes()))

    def _changes(self) -> Iterator[AlertTransition]:
        for number, (location, places) in enumerate(self._live.fleet_map.locations):
            name, alert_id = location.location_id, self._alerts.standing(location.location_id)
            newest_us, silent = self._silent(number, is_told=alert_id is not None)
            total = places.stop - places.start
            share = len(silent) / total
            change = None
            if alert_id is None and share > MISSING_SHARE:
                alert_id, change = f"{name}/DATA_MISSING/{newest_us}", AlertChange.RAISED
                message = _words(silent, total)
            elif alert_id is not None and share <= _OVER_SHARE:
                change, message = AlertChange.CLEARED, f"All but {len(silent)} of {total} batteries of {name} speak."
            if alert_id is not None and change is not None:
                yield AlertTransition(
                    alert_id=alert_id,
                    battery_key=None,
                    string_id="",
                    location_id=name,
                    rule=AlertRule.DATA_MISSING,
                    severity=Severity.WARNING,
                    change=change,
                    sample_time_us=newest_us,
                    value=100.0 * share,
                    threshold=100.0 * MISSING_SHARE,
                    unit="%",
                    message=message,
                )

    def _silent(self, number: int, *, is_told: bool) -> tuple[int, list[str]]:
        """Newest sample of a location, us since 1970 UTC, and its silent batteries; once told a start is no sample."""
        fleet_map = self._live.fleet_map
        location, places = fleet_map.locations[number]
        as_of_us = self._live.rows["as_of_us"]
        since_us = 0 if is_told or self._live.clocks.is_feed(number) else self._start_us
        newest_us = int(as_of_us[places].max())
        long_us = max(_LONG_S, _LONG_PERIODS * location.sample_period_s) * _US
        whole_us = no_data_after_s(location.sample_period_s) * _US
        silent: list[str] = []
        for _, blocks in fleet_map.strings:
            if not places.start <= blocks.start < places.stop:
                continue
            ages_us = newest_us - np.maximum(as_of_us[blocks], since_us)
            if ages_us.min() <= whole_us:
                found = np.flatnonzero((as_of_us[blocks] > 0) & (ages_us > long_us))
                silent += [fleet_map.battery_ids[blocks.start + place] for place in found.tolist()]
        return newest_us, silent


def _words(silent: Sequence[str], total: int) -> str:
    more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
    return (
        f"{len(silent)} of {total} batteries have long sent nothing, though their strings speak: "
        f"{', '.join(silent[:_NAMED])}{more}. Their twins grow uncertain, and faults in them go unseen."
    )
