"""Messages of `GetTwinAt` to plain types and back."""

from datetime import datetime

from batterytwin.v1 import twin_service_pb2
from clients.past import PastTwin, TwinSource
from clients.twins_proto import twin_from_proto
from clients.wire import enum_from_number, optional_time, time_from_proto, time_to_proto


def past_request(battery_id: str, time: datetime, known_time: datetime | None) -> twin_service_pb2.GetTwinAtRequest:
    """Asks for a twin at an instant.

    Raises:
        InvalidArgumentError: a time has no time zone.
    """
    return twin_service_pb2.GetTwinAtRequest(
        battery_id=battery_id,
        time=time_to_proto(time, "time"),
        known_time=time_to_proto(known_time, "known_time"),
    )


def past_twin_from_proto(response: twin_service_pb2.GetTwinAtResponse) -> PastTwin:
    """Reads a past twin."""
    return PastTwin(
        twin=twin_from_proto(response.twin),
        source=enum_from_number(TwinSource, response.source),
        snapshot_time=optional_time(response, "snapshot_time"),
        replayed_row_count=response.replayed_row_count,
        revision=response.revision,
        known_time=time_from_proto(response.known_time),
    )
