"""How true predictions have been, per site: an alert where they have become wrong."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.life_models import ModelComparison, ModelDrift
from storage.alert_records import AlertRecord
from storage.life_model_table import LifeModelRecord
from storage.prediction_table import LifeInnovation
from twin_server.alert_hub import AlertHub
from twin_server.live_table import LiveTable

DRIFT_EVERY_S: Final = 21_600.0
DRIFT_LIMIT: Final = 0.15
_DRIFT_OVER: Final = 0.12
"""Error below which an alert clears."""
_APART_DAYS: Final = 30
_WINDOW_DAYS: Final = 365
_SHADOW_WINDOW_DAYS: Final = 30
_LEAST_PAIRS: Final = 12
_DIFFERING: Final = 0.30


class DriftStore(Protocol):
    """What the monitor needs of the store; see `storage.prediction_table`."""

    async def life_innovations(self, apart_days: int, window_days: int) -> list[LifeInnovation]:
        """Pairs of statements about one block."""

    async def shadow_pairs(self, model_key: int, active_key: int, window_days: int) -> NDArray[np.float64]:
        """Medians told and of a shadow at the same instants."""

    async def uncleared_alerts(self, rules: Sequence[AlertRule]) -> list[AlertRecord]:
        """Alerts whose condition stands, whatever people have done to them."""

    async def apply_transitions(self, transitions: Sequence[AlertTransition]) -> None:
        """Stores changes of alerts; one that is already there is skipped."""


def measure_drift(pairs: Sequence[LifeInnovation]) -> ModelDrift | None:
    """How true the first statements were; None = too few pairs to say.

    The innovation of a pair is (what was said later + the time between) - what was said first, over what was said
    first; what was said at the end of a life is nothing.
    """
    if len(pairs) < _LEAST_PAIRS:
        return None
    first = np.array([pair.older_days for pair in pairs])
    gone = np.array([(pair.newer_s - pair.older_s) / 86_400.0 for pair in pairs])
    later = np.array([pair.newer_days for pair in pairs])
    innovation = (later + gone - first) / np.maximum(first, 1.0)
    return ModelDrift(
        pair_count=len(pairs),
        error=float(np.median(np.abs(innovation))),
        bias=float(np.median(innovation)),
        limit=DRIFT_LIMIT,
        realised_count=sum(pair.realised for pair in pairs),
    )


class DriftMonitor:
    """Measures every few hours and raises one alert a site.

    Attributes:
        of_model: what was found last of each model, by its database key.
    """

    def __init__(self, store: DriftStore, hub: AlertHub, live: LiveTable) -> None:
        self._store = store
        self._hub = hub
        self._live = live
        self.of_model: dict[int, ModelDrift] = {}

    async def look(self) -> None:
        """Measures, and raises or clears alerts.

        Raises:
            StoreUnavailableError: the database is away.
        """
        pairs = await self._store.life_innovations(_APART_DAYS, _WINDOW_DAYS)
        keys = {pair.model_key for pair in pairs}
        found = {key: measure_drift([pair for pair in pairs if pair.model_key == key]) for key in keys}
        self.of_model = {key: drift for key, drift in found.items() if drift is not None}
        alerts = await self._store.uncleared_alerts([AlertRule.LIFE_MODEL_ERROR])
        standing = {alert.location_id: alert.alert_id for alert in alerts}
        transitions = []
        of_location: dict[int, list[LifeInnovation]] = defaultdict(list)
        for pair in pairs:
            of_location[self._location_of(pair.battery_key)].append(pair)
        for number, (location, _) in enumerate(self._live.fleet_map.locations):
            drift, now_us = measure_drift(of_location[number]), self._live.clocks.now_us(number)
            change = _change(location.location_id, drift, standing.get(location.location_id, ""), now_us)
            if change is not None:
                transitions.append(change)
        if transitions:
            await self._store.apply_transitions(transitions)
            self._hub.poke()

    async def compare(self, shadow: LifeModelRecord, told: LifeModelRecord) -> ModelComparison | None:
        """How a shadow differs from what is told; None = nothing can be compared."""
        pairs = await self._store.shadow_pairs(shadow.model_key, told.model_key, _SHADOW_WINDOW_DAYS)
        pairs = pairs[(pairs > 0.0).all(axis=1)]
        if not len(pairs):
            return None
        ratio = np.log(pairs[:, 1] / pairs[:, 0])
        differs = np.abs(pairs[:, 1] - pairs[:, 0]) / pairs.mean(axis=1) > _DIFFERING
        return ModelComparison(
            active_version=told.version,
            pair_count=len(pairs),
            median_log_ratio=float(np.median(ratio)),
            median_difference=float(np.median(np.abs(ratio))),
            differing_share=float(differs.mean()),
        )

    def _location_of(self, battery_key: int) -> int:
        ordinal = self._live.fleet_map.find_key(battery_key)
        return -1 if ordinal is None else int(self._live.fleet_map.location_of[ordinal])


def _change(location_id: str, drift: ModelDrift | None, standing: str, now_us: int) -> AlertTransition | None:
    """What follows for the alert of a site; `standing` is its id, or empty."""
    if drift is None:
        return None
    if standing:
        change, is_due = AlertChange.CLEARED, drift.error < _DRIFT_OVER
    else:
        change, is_due = AlertChange.RAISED, drift.error > DRIFT_LIMIT
    if not is_due:
        return None
    return AlertTransition(
        alert_id=standing or f"{location_id}/LIFE_MODEL_ERROR/{now_us}",
        battery_key=None,
        string_id="",
        location_id=location_id,
        rule=AlertRule.LIFE_MODEL_ERROR,
        severity=Severity.WARNING,
        change=change,
        sample_time_us=now_us,
        value=100.0 * drift.error,
        threshold=100.0 * DRIFT_LIMIT,
        unit="%",
        message=(
            f"Remaining lives told a month and more ago were {100 * drift.error:.0f} % off "
            f"(median of {drift.pair_count} blocks, limit {100 * DRIFT_LIMIT:.0f} %); "
            f"lives turn out {'longer' if drift.bias > 0 else 'shorter'}"
        ),
    )
