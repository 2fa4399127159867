"""Roles as a plain type; numbers equal the enum of `batterytwin.v1` (auth_service.proto). Words around a login."""

from enum import IntEnum
from typing import Final

CALLER_ADDRESS_METADATA: Final = "batterytwin-caller-address"
"""Metadata of a login in which a program on the server's machine says for whose network address it asks."""


class Role(IntEnum):
    """What a user may do; a higher number may do more."""

    VIEWER = 1
    ENGINEER = 2
    ADMIN = 3
