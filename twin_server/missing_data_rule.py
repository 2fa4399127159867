"""The rule that a site's picture has holes: many of its batteries say nothing, though gateway and strings speak."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from twin_server.alert_hub import AlertHub
from twin_server.gateway_returns import GatewayReturns
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
    before the start of the server counts from the start, and one before the return of the gateway from the return.
    """

    def __init__(self, store: TransitionStore, hub: AlertHub, live: LiveTable) -> None:
        self._live = live
        self._start_us = live.clocks.wall_us()
        self._returns = GatewayReturns()
        self._alerts = SweptAlerts(store, hub, AlertRule.DATA_MISSING)

    async def load(self) -> None:
        """Takes over the alerts of this rule that stand.

        Raises:
            StoreUnavailableError: the database is away.
        """
        await self._alerts.load()

    async def sweep(self) -> None:
        """Looks at all sites once, and stores what has changed."""
        await self._alerts.apply(list(self._changes()))

    def _changes(self) -> Iterator[AlertTransition]:
        fleet_map = self._live.fleet_map
        names = [location.location_id for location, _ in fleet_map.locations]
        standing = [self._alerts.standing(name) for name in names]
        newest_us, silent = self._silent(np.array([alert_id is not None for alert_id in standing], np.bool_))
        counts = np.bincount(fleet_map.location_of[silent], minlength=len(names)).tolist()
        for number, (_, places) in enumerate(fleet_map.locations):
            name, alert_id, sample_us, count = names[number], standing[number], int(newest_us[number]), counts[number]
            total = places.stop - places.start
            share = count / total
            change = None
            if alert_id is None and share > MISSING_SHARE:
                alert_id, change = f"{name}/DATA_MISSING/{sample_us}", AlertChange.RAISED
                mine = silent[(silent >= places.start) & (silent < places.stop)]
                message = _words([fleet_map.battery_ids[ordinal] for ordinal in mine.tolist()], total)
            elif alert_id is not None and share <= _OVER_SHARE:
                change, message = AlertChange.CLEARED, f"All but {count} of {total} batteries of {name} speak."
            if alert_id is not None and change is not None:
                yield AlertTransition(
                    alert_id=alert_id,
                    battery_key=None,
                    string_id="",
                    location_id=name,
                    rule=AlertRule.DATA_MISSING,
                    severity=Severity.WARNING,
                    change=change,
                    sample_time_us=sample_us,
                    value=100.0 * share,
                    threshold=100.0 * MISSING_SHARE,
                    unit="%",
                    message=message,
                )

    def _silent(self, is_told: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Silent batteries; once a site's alert stands, neither start nor return is a sample of them.

        Args:
            is_told: whether the alert of each site stands, shape `(n_locations,)`.

        Returns:
            Newest sample of each site, us since 1970 UTC, shape `(n_locations,)`, and ordinals of silent batteries.
        """
        fleet_map, clocks = self._live.fleet_map, self._live.clocks
        sites = [location for location, _ in fleet_map.locations]
        is_feed = np.array([clocks.is_feed(number) for number in range(len(sites))], np.bool_)
        whole_us = np.array([no_data_after_s(site.sample_period_s) * _US for site in sites])
        long_us = np.array([max(_LONG_S, _LONG_PERIODS * site.sample_period_s) * _US for site in sites])
        as_of_us, of = np.ascontiguousarray(self._live.rows["as_of_us"]), fleet_map.location_of
        newest_us = np.maximum.reduceat(as_of_us, [places.start for _, places in fleet_map.locations])
        back_us = self._returns.follow(newest_us, self._start_us, whole_us.astype(np.int64), is_feed)
        since_us = np.where(is_told | is_feed, 0, np.maximum(self._start_us, back_us))
        ages_us = newest_us[of] - np.maximum(as_of_us, since_us[of])
        string_ages_us = np.minimum.reduceat(ages_us, [blocks.start for _, blocks in fleet_map.strings])
        speaks = string_ages_us <= whole_us[fleet_map.string_location]
        return newest_us, np.flatnonzero(speaks[fleet_map.string_of] & (as_of_us > 0) & (ages_us > long_us[of]))


def _words(silent: Sequence[str], total: int) -> str:
    more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
    return (
        f"{len(silent)} of {total} batteries have long sent nothing, though their strings speak: "
        f"{', '.join(silent[:_NAMED])}{more}. Their twins grow uncertain, and faults in them go unseen."
    )
