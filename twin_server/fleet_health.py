"""Sums of the health of locations, from the live table."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import Severity
from batterytwin.telemetry import Quality, Regime, regime_of
from storage.alert_records import AlertRecord
from twin_server.twin_view import TwinView

HEALTHY_ABOVE: Final = 0.85
END_OF_LIFE_BELOW: Final = 0.80


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """Sums over some twins; fields as in `batterytwin.v1.FleetHealth`. None = nothing to take it from."""

    battery_count: int
    quality_counts: Counter[int]
    healthy_count: int
    ageing_count: int
    end_of_life_count: int
    unknown_count: int
    alert_counts: Counter[int]
    critical_battery_count: int
    discharging_count: int
    mean_soh_capacity: float | None
    min_soh_capacity: float | None
    mean_soc: float | None
    mean_temperature_c: float | None
    max_temperature_c: float | None
    oldest_age_s: float | None


def sum_health(view: TwinView, alerts: Iterable[AlertRecord]) -> FleetHealth:
    """Sums up twins and the active alerts that concern them.

    State of charge, temperature and discharge count only where data are fresh (LIVE or SUSPECT); health changes slowly,
    so its last known value counts however old it is.
    """
    live = view.live
    soh = live["soh_capacity"]
    fresh = np.isin(view.qualities, (Quality.LIVE, Quality.SUSPECT))
    alerts = list(alerts)
    critical = {alert.battery_id for alert in alerts if alert.severity == Severity.CRITICAL and alert.battery_id}
    temperature_c = live["temperature_c"][fresh]
    return FleetHealth(
        battery_count=len(soh),
        quality_counts=Counter(view.qualities.tolist()),
        healthy_count=int(np.count_nonzero(soh > HEALTHY_ABOVE)),
        ageing_count=int(np.count_nonzero((soh >= END_OF_LIFE_BELOW) & (soh <= HEALTHY_ABOVE))),
        end_of_life_count=int(np.count_nonzero(soh < END_OF_LIFE_BELOW)),
        unknown_count=int(np.count_nonzero(np.isnan(soh))),
        alert_counts=Counter(int(alert.severity) for alert in alerts),
        critical_battery_count=len(critical),
        discharging_count=int(np.count_nonzero(fresh & (regime_of(live["status"]) == Regime.DISCHARGE))),
        mean_soh_capacity=_known(soh, np.mean),
        min_soh_capacity=_known(soh, np.min),
        mean_soc=_known(live["soc"][fresh], np.mean),
        mean_temperature_c=_known(temperature_c, np.mean),
        max_temperature_c=_known(temperature_c, np.max),
        oldest_age_s=_known(view.ages_s, np.max),
    )


def _known(values: NDArray[Any], reduce: Callable[[NDArray[np.float64]], Any]) -> float | None:
    known = values[~np.isnan(values)].astype(np.float64)
    return float(reduce(known)) if len(known) else None
