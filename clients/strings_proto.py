"""Strings from the messages of `TwinService`."""

import math

from batterytwin.diagnosis import DiagnosisEvidence, FaultClass, FaultSource
from batterytwin.telemetry import StringMode
from batterytwin.v1 import string_pb2
from clients.strings import Autonomy, StringBlock, StringDiagnosis, StringTwin
from clients.twins_proto import twin_from_proto
from clients.wire import enum_from_number, optional_time, time_from_proto


def string_from_proto(message: string_pb2.StringTwin) -> StringTwin:
    """Reads one string."""
    as_of = optional_time(message, "as_of")
    return StringTwin(
        string_id=message.string_id,
        location_id=message.location_id,
        system_id=message.system_id,
        as_of=as_of,
        age_s=None if as_of is None else message.age_s,
        mode=enum_from_number(StringMode, message.mode),
        current_a=_known(message.current_a),
        voltage_v=_known(message.voltage_v),
        block_sum_v=_known(message.block_sum_v),
        set_point_v=message.set_point_v,
        blocks=tuple(_block(block) for block in message.blocks),
        diagnoses=tuple(_diagnosis(diagnosis) for diagnosis in message.diagnoses),
        autonomy=_autonomy(message.autonomy) if message.HasField("autonomy") else None,
    )


def _block(message: string_pb2.StringBlock) -> StringBlock:
    return StringBlock(
        twin=twin_from_proto(message.twin),
        voltage_deviation_v=_known(message.voltage_deviation_v),
        temperature_deviation_k=_known(message.temperature_deviation_k),
        resistance_ratio=_known(message.resistance_ratio),
    )


def _diagnosis(message: string_pb2.Diagnosis) -> StringDiagnosis:
    return StringDiagnosis(
        fault=enum_from_number(FaultClass, message.fault),
        source=enum_from_number(FaultSource, message.source),
        battery_ids=tuple(message.battery_ids),
        since_time=time_from_proto(message.since_time),
        evidence=tuple(
            DiagnosisEvidence(item.observation, item.value, item.expected, item.unit) for item in message.evidence
        ),
    )


def _autonomy(message: string_pb2.Autonomy) -> Autonomy:
    return Autonomy(
        load_w=message.load_w,
        present_load=message.present_load,
        expected_s=message.expected_s,
        lower_s=message.lower_s,
        upper_s=message.upper_s,
        limiting_battery_id=message.limiting_battery_id,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
