"""Sessions from the messages of `AuthService`."""

from batterytwin.access import Role
from batterytwin.v1 import auth_service_pb2
from clients.session import Session
from clients.wire import enum_from_number, time_from_proto


def session_from_proto(message: auth_service_pb2.Session) -> Session:
    """Reads a session."""
    return Session(
        access_token=message.access_token,
        access_expire_time=time_from_proto(message.access_expire_time),
        refresh_token=message.refresh_token,
        refresh_expire_time=time_from_proto(message.refresh_expire_time),
        username=message.username,
        role=enum_from_number(Role, message.role),
        location_ids=tuple(message.location_ids),
    )
