"""Twins from the messages of `TwinService`."""

from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Quality, Regime
from batterytwin.v1 import twin_pb2, twin_service_pb2
from clients.twins import Estimate, FleetSnapshot, HealthEvidence, Twin, TwinColumns, TwinPage, TwinUpdate
from clients.wire import enum_from_number, float_column, int_column, optional_time, time_column, time_from_proto


def twin_from_proto(message: twin_pb2.Twin) -> Twin:
    """Reads one twin."""
    as_of = optional_time(message, "as_of")
    return Twin(
        battery_id=message.battery_id,
        grid_id=message.grid_id,
        location_id=message.location_id,
        system_id=message.system_id,
        string_id=message.string_id,
        position=message.position,
        model=message.model,
        serial=message.serial,
        unit_seq=message.unit_seq,
        install_time=time_from_proto(message.install_time),
        rated_capacity_ah=message.rated_capacity_ah,
        as_of=as_of,
        age_s=None if as_of is None else message.age_s,
        quality=enum_from_number(Quality, message.quality),
        regime=enum_from_number(Regime, message.regime),
        voltage_v=message.voltage_v if message.HasField("voltage_v") else None,
        current_a=message.current_a if message.HasField("current_a") else None,
        temperature_c=message.temperature_c if message.HasField("temperature_c") else None,
        internal_resistance_mohm=(
            message.internal_resistance_mohm if message.HasField("internal_resistance_mohm") else None
        ),
        soc=_estimate(message.soc) if message.HasField("soc") else None,
        soh_capacity=_estimate(message.soh_capacity) if message.HasField("soh_capacity") else None,
        soh_resistance=_estimate(message.soh_resistance) if message.HasField("soh_resistance") else None,
        r0_ohm=_estimate(message.r0_ohm) if message.HasField("r0_ohm") else None,
        innovation_v=_estimate(message.innovation_v) if message.HasField("innovation_v") else None,
        active_alert_count=message.active_alert_count,
        model_version=message.model_version,
        capacity_evidence_time=optional_time(message, "capacity_evidence_time"),
        capacity_evidence_kind=enum_from_number(HealthEvidenceKind, message.capacity_evidence_kind),
        health_evidence=tuple(
            HealthEvidence(
                kind=enum_from_number(HealthEvidenceKind, evidence.kind),
                soh_capacity=_estimate(evidence.soh_capacity),
                time=optional_time(evidence, "time"),
            )
            for evidence in message.health_evidence
        ),
        v1_v=_estimate(message.v1_v) if message.HasField("v1_v") else None,
        v2_v=_estimate(message.v2_v) if message.HasField("v2_v") else None,
        float_marker=_estimate(message.float_marker) if message.HasField("float_marker") else None,
        current_offset_a=_estimate(message.current_offset_a) if message.HasField("current_offset_a") else None,
        current_sign_swapped=message.current_sign_swapped,
    )


def page_from_proto(response: twin_service_pb2.ListTwinsResponse) -> TwinPage:
    """Reads one page of twins."""
    return TwinPage(
        twins=tuple(twin_from_proto(twin) for twin in response.twins),
        next_page_token=response.next_page_token,
        total_count=response.total_count,
    )


def snapshot_from_proto(response: twin_service_pb2.GetFleetSnapshotResponse) -> FleetSnapshot:
    """Reads a snapshot."""
    return FleetSnapshot(
        twins=columns_from_proto(response.twins),
        server_time=time_from_proto(response.server_time),
        model_version=response.model_version,
    )


def update_from_proto(response: twin_service_pb2.WatchTwinsResponse) -> TwinUpdate:
    """Reads one answer of a watch."""
    return TwinUpdate(
        twins=columns_from_proto(response.twins),
        snapshot=response.snapshot,
        server_time=time_from_proto(response.server_time),
    )


def columns_from_proto(message: twin_pb2.TwinColumns) -> TwinColumns:
    """Reads columns of twins."""
    return TwinColumns(
        battery_ids=tuple(message.battery_ids),
        as_of_unix_ns=time_column(message.as_of_unix_ns),
        age_s=float_column(message.age_s),
        qualities=int_column(message.qualities),
        regimes=int_column(message.regimes),
        voltage_v=float_column(message.voltage_v),
        current_a=float_column(message.current_a),
        temperature_c=float_column(message.temperature_c),
        internal_resistance_mohm=float_column(message.internal_resistance_mohm),
        soc=float_column(message.soc),
        soc_sigma=float_column(message.soc_sigma),
        soh_capacity=float_column(message.soh_capacity),
        soh_capacity_sigma=float_column(message.soh_capacity_sigma),
        soh_resistance=float_column(message.soh_resistance),
        soh_resistance_sigma=float_column(message.soh_resistance_sigma),
        r0_ohm=float_column(message.r0_ohm),
        r0_sigma_ohm=float_column(message.r0_sigma_ohm),
        innovation_v=float_column(message.innovation_v),
        innovation_sigma_v=float_column(message.innovation_sigma_v),
        active_alert_counts=int_column(message.active_alert_counts),
    )


def _estimate(message: twin_pb2.Estimate) -> Estimate:
    return Estimate(message.value, message.sigma)
