"""The product's own fleet with made-up values that follow from the names of batteries: two runs show the same."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import ACTIVE_STATES, AlertRule, AlertState, Severity
from batterytwin.inventory import Battery, Location, load_fleet
from batterytwin.telemetry import Quality, Regime
from clients import types as clients

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
SITES: Final = load_fleet().locations
MODEL_VERSION: Final = "ekf-1"
_CASES: Final = (
    (
        AlertRule.TEMPERATURE_HIGH,
        Severity.WARNING,
        35.8,
        35.0,
        "degC",
        "Post temperature 35.8 degC is above 35.0 degC.",
    ),
    (AlertRule.SOH_LOW, Severity.CRITICAL, 0.79, 0.80, "", "Capacity is 79 % of rated, below 80 %."),
    (AlertRule.RESISTANCE_DRIFT, Severity.WARNING, 1.27, 1.2, "", "Resistance is 27 % above its own baseline."),
    (AlertRule.SENSOR_RANGE, Severity.INFO, 9.4, 10.0, "V", "Voltage 9.4 V: the sensor may be at fault."),
)


def columns(location_ids: Iterable[str], alerts: Iterable[clients.Alert]) -> clients.TwinColumns:
    """The present of all batteries of some sites: most are live, a few stale, silent, suspect or never heard of."""
    wanted = set(location_ids)
    sites = [site for site in SITES if site.location_id in wanted]
    batteries = [battery for site in sites for battery in site.batteries()]
    ids = [battery.battery_id for battery in batteries]
    dice = np.array([_dice(name) for name in ids]).reshape(-1, 10)
    years = np.array([(NOW.date() - battery.installed_on).days / 365.25 for battery in batteries])
    soh = 1.01 - 0.022 * years - 0.05 * dice[:, 0] ** 3
    resistance = 1.0 + 0.9 * np.clip(1 - soh, 0, None) + 0.04 * dice[:, 1]
    room_c = np.array([25 + 2.5 * _dice(site.location_id)[0] for site in sites for _ in site.batteries()])
    qualities = np.full(len(ids), int(Quality.LIVE), np.int32)
    qualities[dice[:, 3] > 0.985] = Quality.STALE
    qualities[dice[:, 3] > 0.992] = Quality.NO_DATA
    qualities[dice[:, 4] > 0.995] = Quality.SUSPECT
    never = (qualities == Quality.NO_DATA) & (dice[:, 5] > 0.5)
    age_s = np.select([qualities == Quality.STALE, qualities == Quality.NO_DATA], [150.0, 4_000.0], 12.0)
    active = [alert.battery_id for alert in alerts if alert.state in ACTIVE_STATES]

    def known(values: NDArray[np.float64] | float) -> NDArray[np.float32]:
        return np.where(never, np.nan, values).astype(np.float32)

    return clients.TwinColumns(
        battery_ids=tuple(ids),
        as_of_unix_ns=np.where(never, 0, int(NOW.timestamp() * 1e9) - (age_s * 1e9).astype(np.int64)),
        age_s=known(age_s),
        qualities=qualities,
        regimes=np.where(never, int(Regime.UNSPECIFIED), int(Regime.FLOAT)).astype(np.int32),
        voltage_v=known(13.62 + 0.08 * (dice[:, 6] - 0.5)),
        current_a=known(0.062),
        temperature_c=known(room_c + 1.5 * dice[:, 2]),
        internal_resistance_mohm=known(3.9 * resistance),
        soc=known(0.995 - 0.01 * dice[:, 7]),
        soc_sigma=known(0.012),
        soh_capacity=known(soh),
        soh_capacity_sigma=known(0.015 + 0.01 * dice[:, 8]),
        soh_resistance=known(resistance),
        soh_resistance_sigma=known(0.02),
        r0_ohm=known(0.0035 * resistance),
        r0_sigma_ohm=known(0.00007),
        innovation_v=known(0.02 * (dice[:, 9] - 0.5)),
        innovation_sigma_v=known(0.008),
        active_alert_counts=np.array([active.count(name) for name in ids], np.int32),
    )


def twin(battery_id: str, alerts: Iterable[clients.Alert]) -> clients.Twin:
    """The live twin of one battery, equal to its row of `columns`."""
    return twins([battery_id], alerts)[0]


def twins(battery_ids: Sequence[str], alerts: Iterable[clients.Alert]) -> list[clients.Twin]:
    """Live twins of batteries of one site, equal to their rows of `columns`."""
    table = columns([battery_ids[0].split("-", 1)[0]], alerts)
    return [_twin(battery_id, table) for battery_id in battery_ids]


def _twin(battery_id: str, table: clients.TwinColumns) -> clients.Twin:
    site, battery = next((s, b) for s in SITES for b in s.batteries() if b.battery_id == battery_id)
    row = table.battery_ids.index(battery_id)
    string = next(string for string in site.strings() if battery in string.batteries)
    known = bool(table.as_of_unix_ns[row])

    def measured(values: NDArray[np.float32]) -> float | None:
        return float(values[row]) if known else None

    def estimate(values: NDArray[np.float32], sigmas: NDArray[np.float32]) -> clients.Estimate | None:
        return clients.Estimate(float(values[row]), float(sigmas[row])) if known else None

    return clients.Twin(
        battery_id=battery_id,
        grid_id=site.grid_id,
        location_id=site.location_id,
        system_id=string.string_id.rsplit("-", 1)[0],
        string_id=string.string_id,
        position=battery.position,
        model=string.datasheet.model,
        serial=battery.serial,
        unit_seq=battery.unit_seq,
        install_time=datetime.combine(battery.installed_on, time(), UTC),
        rated_capacity_ah=string.datasheet.rated_capacity_ah,
        as_of=NOW - timedelta(seconds=float(table.age_s[row])) if known else None,
        age_s=measured(table.age_s),
        quality=Quality(table.qualities[row]),
        regime=Regime(table.regimes[row]),
        voltage_v=measured(table.voltage_v),
        current_a=measured(table.current_a),
        temperature_c=measured(table.temperature_c),
        internal_resistance_mohm=measured(table.internal_resistance_mohm),
        soc=estimate(table.soc, table.soc_sigma),
        soh_capacity=estimate(table.soh_capacity, table.soh_capacity_sigma),
        soh_resistance=estimate(table.soh_resistance, table.soh_resistance_sigma),
        r0_ohm=estimate(table.r0_ohm, table.r0_sigma_ohm),
        innovation_v=estimate(table.innovation_v, table.innovation_sigma_v),
        active_alert_count=int(table.active_alert_counts[row]),
        model_version=MODEL_VERSION,
        capacity_evidence_time=None,
        health_evidence=_ladder(table, row) if known else (),
        float_marker=clients.Estimate(0.12, 0.05) if known else None,
        current_offset_a=clients.Estimate(0.004, 0.002) if known else None,
    )


def _ladder(table: clients.TwinColumns, row: int) -> tuple[clients.HealthEvidence, ...]:
    soh, sigma = float(table.soh_capacity[row]), float(table.soh_capacity_sigma[row])
    kinds = clients.HealthEvidenceKind
    return (
        clients.HealthEvidence(kinds.RESISTANCE_TREND, clients.Estimate(soh + 0.01, 1.2 * sigma), NOW),
        clients.HealthEvidence(kinds.PRIOR, clients.Estimate(soh - 0.02, 3 * sigma), None),
    )


def health(location_id: str, location_ids: Sequence[str], alerts: Iterable[clients.Alert]) -> clients.HealthSummary:
    """Sums over some sites, under the name `location_id`."""
    alerts = [alert for alert in alerts if alert.location_id in location_ids]
    table = columns(location_ids, alerts)
    soh = table.soh_capacity.astype(np.float64)
    active = [alert for alert in alerts if alert.state in ACTIVE_STATES]
    critical = [alert for alert in active if alert.severity == Severity.CRITICAL]
    return clients.HealthSummary(
        location_id=location_id,
        battery_count=len(table),
        live_count=int(np.sum(table.qualities == Quality.LIVE)),
        stale_count=int(np.sum(table.qualities == Quality.STALE)),
        no_data_count=int(np.sum(table.qualities == Quality.NO_DATA)),
        suspect_count=int(np.sum(table.qualities == Quality.SUSPECT)),
        healthy_count=int(np.sum(soh > 0.85)),
        ageing_count=int(np.sum((soh >= 0.80) & (soh <= 0.85))),
        end_of_life_count=int(np.sum(soh < 0.80)),
        unknown_count=int(np.sum(np.isnan(soh))),
        critical_alert_count=len(critical),
        warning_alert_count=sum(alert.severity == Severity.WARNING for alert in active),
        info_alert_count=sum(alert.severity == Severity.INFO for alert in active),
        critical_battery_count=len({alert.battery_id for alert in critical}),
        mean_soh_capacity=float(np.nanmean(soh)),
        min_soh_capacity=float(np.nanmin(soh)),
        mean_soc=float(np.nanmean(table.soc)),
        mean_temperature_c=float(np.nanmean(table.temperature_c)),
        max_temperature_c=float(np.nanmax(table.temperature_c)),
        discharging_count=0,
        oldest_age_s=float(np.nanmax(table.age_s)),
    )


def history(
    start: datetime, end: datetime, bucket: timedelta, metrics: Sequence[clients.Metric] = ()
) -> clients.History:
    """A day's wave in every quantity asked for (none named: all), an outage before the end and a suspect sample."""
    count = round((end - start) / bucket)
    t = start.timestamp() + np.arange(count) * bucket.total_seconds()
    day = 2 * np.pi * t / 86_400
    wave = np.sin(day) + 0.15 * np.sin(37 * day)
    outage = np.exp(-(((t - end.timestamp() + 30_000) / 2_000) ** 2))
    values = {
        clients.Metric.VOLTAGE_V: 13.62 + 0.03 * wave - 1.6 * outage,
        clients.Metric.CURRENT_A: 0.06 + 0.01 * wave - 22 * outage,
        clients.Metric.TEMPERATURE_C: 27 + 2.2 * wave + outage,
        clients.Metric.INTERNAL_RESISTANCE_MOHM: 4.1 + 0.05 * wave,
        clients.Metric.SOC: 0.99 - 0.35 * outage,
        clients.Metric.SOC_SIGMA: 0.015 + 0.01 * outage,
        clients.Metric.SOH_CAPACITY: np.linspace(0.93, 0.92, count),
        clients.Metric.SOH_CAPACITY_SIGMA: np.full(count, 0.02),
        clients.Metric.SOH_RESISTANCE: 1.05 + 0.01 * wave,
        clients.Metric.R0_OHM: 0.0037 + 0.00004 * wave,
        clients.Metric.INNOVATION_V: 0.004 * np.sin(91 * day),
        clients.Metric.SOH_RESISTANCE_SIGMA: np.full(count, 0.02),
        clients.Metric.R0_SIGMA_OHM: np.full(count, 0.0002),
        clients.Metric.INNOVATION_SIGMA_V: 0.005 + 0.02 * outage,
        clients.Metric.FLOAT_MARKER: 0.2 + 0.05 * wave,
        clients.Metric.FLOAT_MARKER_SIGMA: np.full(count, 0.05),
        clients.Metric.V1_V: -0.02 * outage,
        clients.Metric.V1_SIGMA_V: np.full(count, 0.002),
        clients.Metric.V2_V: -0.2 * outage,
        clients.Metric.V2_SIGMA_V: np.full(count, 0.005),
    }
    suspects = np.zeros(count, np.bool_)
    suspects[count // 3] = True
    return clients.History(
        time_unix_ns=(t * 1e9).astype(np.int64),
        series={
            metric: clients.Series(v.astype(np.float32), (v - 1e-3).astype(np.float32), (v + 1e-3).astype(np.float32))
            for metric, v in values.items()
            if not metrics or metric in metrics
        },
        row_counts=np.ones(count, np.int32),
        suspects=suspects,
    )


def first_alerts() -> list[clients.Alert]:
    """Some alerts at every site: of each rank, most of them raised, some acknowledged."""
    return [
        _alert(site, battery, place, number)
        for place, site in enumerate(SITES)
        for number, battery in enumerate(list(site.batteries())[7 :: 53 - place])
    ]


def location(site: Location) -> clients.Location:
    """A site of the inventory as the API tells it."""
    return clients.Location(
        location_id=site.location_id,
        grid_id=site.grid_id,
        display_name=site.display_name,
        region=site.region,
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        clock=site.clock,
        clock_time=NOW,
        sample_period_s=site.sample_period_s,
        systems=tuple(
            clients.System(
                system.system_id,
                system.kind,
                tuple(
                    clients.BatteryString(
                        string.string_id, string.datasheet.model, tuple(b.battery_id for b in string.batteries)
                    )
                    for string in system.strings
                ),
            )
            for system in site.systems
        ),
    )


def _alert(site: Location, battery: Battery, place: int, number: int) -> clients.Alert:
    rule, severity, value, limit, unit, text = _CASES[(number + place) % len(_CASES)]
    raised = NOW - timedelta(minutes=11 * (number + 1) + 7 * place)
    seen = number % 3 == 0
    return clients.Alert(
        alert_id=f"{battery.battery_id}/{rule.name}/{int(raised.timestamp() * 1e6)}",
        battery_id=battery.battery_id,
        string_id=battery.battery_id.rsplit("-", 1)[0],
        location_id=site.location_id,
        rule=rule,
        severity=severity,
        state=AlertState.ACKNOWLEDGED if seen else AlertState.RAISED,
        message=text,
        value=value,
        threshold=limit,
        unit=unit,
        raise_time=raised,
        clear_time=None,
        acknowledge_time=raised + timedelta(minutes=4) if seen else None,
        acknowledged_by="somchai" if seen else "",
        acknowledge_note="",
        resolve_time=None,
        resolved_by="",
        resolve_note="",
    )


def _dice(name: str) -> NDArray[np.float64]:
    """Ten numbers 0...1 that belong to a name."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.frombuffer(digest[:20], np.uint16) / 65_535
