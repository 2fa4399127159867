"""Twins as messages of `TwinService`."""

import math
from typing import Any, Final

import numpy as np

from actors.filter import MODEL_VERSION
from batterytwin.inventory import BatteryUnit
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, MEASURED_COLUMNS, regime_of
from batterytwin.v1 import twin_pb2
from twin_server.routing import FleetMap, TwinIdentity
from twin_server.time_proto import optional_timestamp, us_to_timestamp
from twin_server.twin_columns_wire import write_columns
from twin_server.twin_view import TwinView

COLUMNS_DTYPE: Final = np.dtype(
    [
        ("as_of_us", "<i8"),
        *((name, "<f4") for name in (*MEASURED_COLUMNS, *LIVE_ESTIMATE_COLUMNS)),
        ("status", "<i2"),
    ]
)
"""What columns tell of `LIVE_DTYPE`."""


def view_to_columns(view: TwinView, fleet_map: FleetMap) -> twin_pb2.TwinColumns:
    """Columns of all twins of a view, in its order."""
    live = view.live
    return write_columns(
        fleet_map.name_fields[view.ordinals].tolist(),
        {
            "as_of_unix_ns": live["as_of_us"] * 1_000,
            "age_s": view.ages_s,
            "qualities": view.qualities,
            "regimes": regime_of(live["status"]),
            "active_alert_counts": view.alert_counts,
            **{name: live[name] for name in (*MEASURED_COLUMNS, *LIVE_ESTIMATE_COLUMNS)},
        },
    )


def view_to_twins(view: TwinView, fleet_map: FleetMap) -> list[twin_pb2.Twin]:
    """One message for each twin of a view, in its order."""
    return [
        _twin(fleet_map.identities[ordinal], fleet_map.unit_of(ordinal), view, row)
        for row, ordinal in enumerate(view.ordinals.tolist())
    ]


def set_unit(twin: twin_pb2.Twin, unit: BatteryUnit) -> None:
    """Tells which block a twin is of."""
    twin.serial = unit.serial
    twin.unit_seq = unit.unit_seq
    twin.install_time.CopyFrom(us_to_timestamp(unit.since_us))


def _twin(identity: TwinIdentity, unit: BatteryUnit, view: TwinView, row: int) -> twin_pb2.Twin:
    live: Any = view.live[row]
    battery, age_s = identity.battery, float(view.ages_s[row])
    twin = twin_pb2.Twin(
        battery_id=battery.battery_id,
        grid_id=identity.location.grid_id,
        location_id=identity.location.location_id,
        system_id=identity.system.system_id,
        string_id=identity.string.string_id,
        position=battery.position,
        model=identity.string.datasheet.model,
        rated_capacity_ah=identity.string.datasheet.rated_capacity_ah,
        as_of=optional_timestamp(int(live["as_of_us"])),
        age_s=0.0 if math.isnan(age_s) else age_s,
        quality=twin_pb2.Quality.ValueType(int(view.qualities[row])),
        regime=twin_pb2.Regime.ValueType(int(regime_of(live["status"]))),
        active_alert_count=int(view.alert_counts[row]),
        model_version=MODEL_VERSION,
        capacity_evidence_time=optional_timestamp(int(live["capacity_evidence_us"])),
        voltage_v=_known(live, "voltage_v"),
        current_a=_known(live, "current_a"),
        temperature_c=_known(live, "temperature_c"),
        internal_resistance_mohm=_known(live, "internal_resistance_mohm"),
        soc=_estimate(live, "soc", "soc_sigma"),
        soh_capacity=_estimate(live, "soh_capacity", "soh_capacity_sigma"),
        soh_resistance=_estimate(live, "soh_resistance", "soh_resistance_sigma"),
        r0_ohm=_estimate(live, "r0_ohm", "r0_sigma_ohm"),
        innovation_v=_estimate(live, "innovation_v", "innovation_sigma_v"),
        capacity_evidence_kind=twin_pb2.HealthEvidenceKind.ValueType(int(live["capacity_evidence_kind"])),
        health_evidence=_ladder(live),
        v1_v=_estimate(live, "v1_v", "v1_sigma_v"),
        v2_v=_estimate(live, "v2_v", "v2_sigma_v"),
        float_marker=_estimate(live, "float_marker", "float_marker_sigma"),
        current_offset_a=_estimate(live, "current_offset_a", "current_offset_sigma_a"),
        current_sign_swapped=int(live["current_sign"]) < 0,
    )
    set_unit(twin, unit)
    return twin


def _ladder(live: Any) -> list[twin_pb2.HealthEvidence]:
    """What each kind of evidence says by itself, best first; kinds that say nothing are left out."""
    return [
        twin_pb2.HealthEvidence(
            kind=twin_pb2.HealthEvidenceKind.ValueType(place + 1),
            soh_capacity=twin_pb2.Estimate(value=soh, sigma=sigma),
            time=optional_timestamp(time_us),
        )
        for place, (time_us, soh, sigma) in enumerate(
            zip(
                live["evidence_us"].tolist(),
                live["evidence_soh"].tolist(),
                live["evidence_sigma"].tolist(),
                strict=True,
            )
        )
        if not math.isnan(soh)
    ]


def _known(live: Any, name: str) -> float | None:
    value = float(live[name])
    return None if math.isnan(value) else value


def _estimate(live: Any, value: str, sigma: str) -> twin_pb2.Estimate | None:
    """None where value or sigma is unknown: an absent message is what "unknown" looks like on the wire."""
    known, uncertainty = _known(live, value), _known(live, sigma)
    return None if known is None or uncertainty is None else twin_pb2.Estimate(value=known, sigma=uncertainty)
