"""Drills and projections as plain types; numbers equal the enums of `batterytwin.v1` (scenario, projection.proto)."""

from enum import IntEnum
from typing import Final


class TargetLevel(IntEnum):
    """What a scenario may be aimed at."""

    LOCATION = 1
    STRING = 2
    BATTERY = 3


class DrillState(IntEnum):
    """How far a drill has come."""

    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    STOPPED = 4
    FAILED = 5


ACTIVE_DRILL_STATES: Final = (DrillState.STARTING, DrillState.RUNNING, DrillState.STOPPING)
"""Drills of which something is left."""


class ProjectionState(IntEnum):
    """How far a projection has come."""

    WAITING = 1
    RUNNING = 2
    DONE = 3
    CANCELLED = 4
    FAILED = 5


DRILL_METADATA: Final = "batterytwin-drill"
"""Metadata of a call that says in which drill it is to be answered."""
