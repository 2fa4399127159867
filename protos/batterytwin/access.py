"""Roles as a plain type; numbers equal the enum of `batterytwin.v1` (auth_service.proto)."""

from enum import IntEnum


class Role(IntEnum):
    """What a user may do; a higher number may do more."""

    VIEWER = 1
    ENGINEER = 2
    ADMIN = 3
