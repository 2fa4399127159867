"""Events as plain types; numbers equal the enums of `batterytwin.v1` (event.proto and twin.proto)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class EventKind(IntEnum):
    """What happened."""

    MAINTENANCE = 1
    INSPECTION = 2
    OUTAGE = 3
    CAPACITY_TEST = 4
    IMPEDANCE_TEST = 5
    REPLACEMENT = 6
    CURRENT_SENSOR = 7


class HealthEvidenceKind(IntEnum):
    """What a statement about capacity rests on, best first."""

    UNSPECIFIED = 0
    CAPACITY_TEST = 1
    DEEP_DISCHARGE = 2
    DISCHARGE_RANK = 3
    RESISTANCE_TREND = 4
    FLOAT_MARKER = 5
    PRIOR = 6


class TwinInputKind(IntEnum):
    """What reaches a twin beside readings; part of its log."""

    CAPACITY_TEST = 1
    DISCHARGE_RANK = 2
    STOPPED_CAPACITY_TEST = 3
    """Stopped before the end voltage: the capacity is at least this."""
    REPLACEMENT = 4
    """Another block has come into the slot; it says nothing of capacity."""
    CURRENT_SENSOR = 5
    """What the string's current sensor says has been put right; likewise."""


PLACED_BY_TIME = frozenset({TwinInputKind.REPLACEMENT, TwinInputKind.CURRENT_SENSOR})
"""Inputs that stand in the log at their own time, and not after all that had come when they came."""

REACH_US: Final = 31 * 86_400_000_000
"""How far before its newest row such an input makes a twin begin anew, us; estimates before that stay as told."""


@dataclass(frozen=True, slots=True)
class CapacityTest:
    """Result of one capacity test of one battery.

    Attributes:
        discharged_ah: charge taken out until the end, Ah.
        current_a: mean size of the current, A, > 0.
        temperature_c: mean temperature, degC.
        end_voltage_v: voltage of the block at the end, V.
    """

    discharged_ah: float
    current_a: float
    temperature_c: float
    end_voltage_v: float


class ReplacementReason(IntEnum):
    """Why a block went."""

    UNSPECIFIED = 0
    """Nobody has said: what is known of its health decides."""
    END_OF_LIFE = 1
    OTHER = 2
    """Damage, a defect from the start, its whole string exchanged while it was good."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another block of the same model in a slot.

    Attributes:
        new_serial: serial number of the block that came.
        old_serial: of the one that went; given by a person, it must be the one that the slot held.
        reason: why it went; a bare number if the server is newer than this client.
    """

    new_serial: str
    old_serial: str = ""
    reason: ReplacementReason | int = ReplacementReason.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class CurrentSensor:
    """What the current sensor of a string is from some time on.

    Attributes:
        discharge_positive: the gateway counts a discharge as positive.
        offset_a: what it reads without any current, A, as the gateway tells it; None = nobody has looked.
    """

    discharge_positive: bool
    offset_a: float | None = None


@dataclass(frozen=True, slots=True)
class TwinInput:
    """What reaches one twin beside readings.

    Attributes:
        battery_key: database key of the battery.
        kind: what it is.
        time_us: when it holds, microseconds since 1970 UTC.
        source_id: event or frame it comes from; (battery, source) is unique, so a repeated input changes nothing.
        soh_capacity: capacity over rated capacity (10-hour rate, 25 degC) that it shows; None = it shows none.
        sigma: its standard deviation, likewise.
        current_sensor: what the sensor is from then on; None = nothing is said of it.
    """

    battery_key: int
    kind: TwinInputKind
    time_us: int
    source_id: str
    soh_capacity: float | None = None
    sigma: float | None = None
    current_sensor: CurrentSensor | None = None
