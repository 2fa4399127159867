"""Diagnosed faults of strings as plain types; numbers equal the enums of `batterytwin.v1` (string.proto)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from batterytwin.alerts import AlertRule


class FaultClass(IntEnum):
    """What is wrong; see string.proto for what each means."""

    SHORTED_CELL = 1
    OPEN_CELL = 2
    REVERSAL = 3
    LOOSE_CONNECTION = 4
    DRY_OUT = 5
    THERMAL_RUNAWAY = 6
    IMBALANCE = 7
    WEAK_BLOCK = 8
    VOLTAGE_SENSOR = 9
    TEMPERATURE_SENSOR = 10
    CURRENT_SIGN = 11
    CURRENT_OFFSET = 12
    STUCK_SENSOR = 13
    NOISY_SENSOR = 14
    CHARGER_VOLTAGE = 15
    ROOM_COOLING = 16


class FaultSource(IntEnum):
    """Which part is at fault."""

    BATTERY = 1
    CONNECTION = 2
    SENSOR = 3
    CHARGER = 4
    ROOM = 5


SOURCE_OF: Final = {
    FaultClass.SHORTED_CELL: FaultSource.BATTERY,
    FaultClass.OPEN_CELL: FaultSource.BATTERY,
    FaultClass.REVERSAL: FaultSource.BATTERY,
    FaultClass.LOOSE_CONNECTION: FaultSource.CONNECTION,
    FaultClass.DRY_OUT: FaultSource.BATTERY,
    FaultClass.THERMAL_RUNAWAY: FaultSource.BATTERY,
    FaultClass.IMBALANCE: FaultSource.BATTERY,
    FaultClass.WEAK_BLOCK: FaultSource.BATTERY,
    FaultClass.VOLTAGE_SENSOR: FaultSource.SENSOR,
    FaultClass.TEMPERATURE_SENSOR: FaultSource.SENSOR,
    FaultClass.CURRENT_SIGN: FaultSource.SENSOR,
    FaultClass.CURRENT_OFFSET: FaultSource.SENSOR,
    FaultClass.STUCK_SENSOR: FaultSource.SENSOR,
    FaultClass.NOISY_SENSOR: FaultSource.SENSOR,
    FaultClass.CHARGER_VOLTAGE: FaultSource.CHARGER,
    FaultClass.ROOM_COOLING: FaultSource.ROOM,
}
"""Part at fault for each class."""

RULE_OF: Final = {
    FaultClass.SHORTED_CELL: AlertRule.SHORTED_CELL,
    FaultClass.OPEN_CELL: AlertRule.OPEN_CELL,
    FaultClass.REVERSAL: AlertRule.REVERSAL,
    FaultClass.LOOSE_CONNECTION: AlertRule.LOOSE_CONNECTION,
    FaultClass.DRY_OUT: AlertRule.DRY_OUT,
    FaultClass.THERMAL_RUNAWAY: AlertRule.THERMAL_RUNAWAY,
    FaultClass.IMBALANCE: AlertRule.IMBALANCE,
    FaultClass.WEAK_BLOCK: AlertRule.IMBALANCE,
    FaultClass.VOLTAGE_SENSOR: AlertRule.SENSOR_FAULT,
    FaultClass.TEMPERATURE_SENSOR: AlertRule.SENSOR_FAULT,
    FaultClass.CURRENT_SIGN: AlertRule.CURRENT_SENSOR,
    FaultClass.CURRENT_OFFSET: AlertRule.CURRENT_SENSOR,
    FaultClass.STUCK_SENSOR: AlertRule.SENSOR_FAULT,
    FaultClass.NOISY_SENSOR: AlertRule.SENSOR_FAULT,
    FaultClass.CHARGER_VOLTAGE: AlertRule.CHARGER_VOLTAGE,
    FaultClass.ROOM_COOLING: AlertRule.ROOM_COOLING,
}
"""Alert rule that a diagnosis raises."""


_DECIMALS: Final = {"V": 3, "A": 3, "mOhm": 2, "degC": 1, "K": 1, "%": 1, "cells": 1}


def measurable(value: float, unit: str) -> float:
    """A value without the digits that no instrument tells: 0.0007293 V is 0.001 V."""
    return round(value, _DECIMALS.get(unit, 6)) + 0.0  # never -0.0


@dataclass(frozen=True, slots=True)
class DiagnosisEvidence:
    """One observation that speaks for a diagnosis.

    Attributes:
        observation: what was observed, for people.
        value: value observed, in `unit`.
        expected: value that a healthy string would show, in `unit`.
        unit: for example "V".
    """

    observation: str
    value: float
    expected: float
    unit: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A fault that a string's own measurements show.

    Attributes:
        fault: what it is.
        positions: index of the blocks concerned in the string, 0 = at the positive end; empty = the whole string.
        since_us: sample time from which the evidence stands, microseconds since 1970 UTC.
        evidence: what speaks for it.
    """

    fault: FaultClass
    positions: tuple[int, ...]
    since_us: int
    evidence: tuple[DiagnosisEvidence, ...]

    @property
    def source(self) -> FaultSource:
        """Part at fault."""
        return SOURCE_OF[self.fault]
