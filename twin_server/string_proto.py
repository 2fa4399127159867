"""Strings as messages of `TwinService`."""

from collections.abc import Sequence

from actors.autonomy import StringAutonomy
from batterytwin.diagnosis import Diagnosis
from batterytwin.v1 import reading_pb2, string_pb2, twin_pb2
from twin_server.routing import TwinIdentity
from twin_server.string_view import StringView
from twin_server.time_proto import optional_timestamp, us_to_timestamp


def string_to_proto(  # noqa: PLR0917  # the parts of one message
    view: StringView,
    identities: Sequence[TwinIdentity],
    twins: Sequence[twin_pb2.Twin],
    now_us: int,
    diagnoses: Sequence[Diagnosis],
    autonomy: StringAutonomy | None,
    *,
    present_load: bool,
) -> string_pb2.StringTwin:
    """Message of one string.

    Args:
        view: the string as it is.
        identities: its batteries in order of position.
        twins: their messages.
        now_us: present time of the location, us.
        diagnoses: faults that stand, gravest first.
        autonomy: how long it can carry a load; None = not known.
        present_load: whether that is the load it carries now.
    """
    names = [identity.battery.battery_id for identity in identities]
    first = identities[0]
    return string_pb2.StringTwin(
        string_id=first.string.string_id,
        location_id=first.location.location_id,
        system_id=first.system.system_id,
        as_of=optional_timestamp(view.as_of_us),
        age_s=max(now_us - view.as_of_us, 0) / 1e6 if view.as_of_us else 0.0,
        mode=reading_pb2.StringMode.ValueType(view.mode),
        current_a=view.current_a,
        voltage_v=view.voltage_v,
        block_sum_v=view.block_sum_v,
        set_point_v=view.set_point_v,
        blocks=[
            string_pb2.StringBlock(
                twin=twin,
                voltage_deviation_v=float(view.voltage_deviation_v[row]),
                temperature_deviation_k=float(view.temperature_deviation_k[row]),
                resistance_ratio=float(view.resistance_ratio[row]),
            )
            for row, twin in enumerate(twins)
        ],
        diagnoses=[_diagnosis(diagnosis, names) for diagnosis in diagnoses],
        autonomy=None if autonomy is None else _autonomy(autonomy, names, present_load=present_load),
    )


def _diagnosis(diagnosis: Diagnosis, names: Sequence[str]) -> string_pb2.Diagnosis:
    return string_pb2.Diagnosis(
        fault=string_pb2.FaultClass.ValueType(diagnosis.fault),
        source=string_pb2.FaultSource.ValueType(diagnosis.source),
        battery_ids=[names[position] for position in diagnosis.positions],
        since_time=us_to_timestamp(diagnosis.since_us),
        evidence=[
            string_pb2.DiagnosisEvidence(
                observation=item.observation, value=item.value, expected=item.expected, unit=item.unit
            )
            for item in diagnosis.evidence
        ],
    )


def _autonomy(autonomy: StringAutonomy, names: Sequence[str], *, present_load: bool) -> string_pb2.Autonomy:
    return string_pb2.Autonomy(
        load_w=autonomy.load_w,
        present_load=present_load,
        expected_s=autonomy.expected_s,
        lower_s=autonomy.lower_s,
        upper_s=autonomy.upper_s,
        limiting_battery_id=names[autonomy.limiting],
    )
