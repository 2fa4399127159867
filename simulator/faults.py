"""Faults that can be put into the simulated world: what, where, when and how much."""

from dataclasses import dataclass
from enum import IntEnum


class FaultKind(IntEnum):
    """What goes wrong. Target: b = a block (`battery_id`), s = a string (`string_id`), l = a location (`location_id`).

    The comment after each names target, meaning and unit of `magnitude`.
    """

    SHORTED_CELL = 1  # b; number of cells
    OPEN_CELL = 2  # b; resistance of the break, ohm
    REVERSED_BLOCK = 3  # b; capacity lost by the weak cell, fraction: it is driven to the other polarity under load
    LOOSE_CONNECTION_INSIDE = 4  # b; ohm, between the block's sense leads
    LOOSE_CONNECTION_OUTSIDE = 5  # b; ohm, after the block, outside its sense leads
    DRY_OUT = 6  # b; water loss a year, fraction of the electrolyte
    THERMAL_RUNAWAY = 7  # b; factor on gassing current and on thermal resistance
    ACCELERATED_AGEING = 8  # b; factor on the rate of ageing
    RESISTANCE_RISE = 9  # b; relative rise over 24 h
    WEAK_BLOCK = 10  # b; capacity lost, fraction
    CHARGER_VOLTAGE = 20  # s; added to the set point, V a cell
    CHARGER_NO_COMPENSATION = 21  # s; no meaning
    HVAC_FAILURE = 30  # l; no meaning: cooling is off
    HVAC_DEGRADED = 31  # l; share of the cooling power lost
    VOLTAGE_OFFSET = 40  # b; V
    VOLTAGE_DRIFT = 41  # b; V a day
    VOLTAGE_STUCK = 42  # b; no meaning
    VOLTAGE_SPIKES = 43  # b; V, on one sample in fifty
    TEMPERATURE_OFFSET = 44  # b; K
    TEMPERATURE_DRIFT = 45  # b; K a day
    TEMPERATURE_STUCK = 46  # b; no meaning
    TEMPERATURE_SPIKES = 47  # b; K, on one sample in fifty
    CURRENT_OFFSET = 48  # s; A
    CURRENT_SIGN = 49  # s; no meaning: the sign is swapped
    CURRENT_STUCK = 50  # s; no meaning
    DROPOUT = 60  # s; share of samples that never arrive
    CLOCK_SKEW = 61  # l; s that the gateway's clock is ahead
    LATE_ROWS = 62  # l; share of samples that arrive late and out of order
    REPEATED_ROWS = 63  # l; share of samples that arrive twice


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One fault.

    Attributes:
        kind: what goes wrong.
        target_id: block, string or location, see `FaultKind`.
        start_s: begin, s since 1970 UTC.
        end_s: end, s since 1970 UTC; infinite = it stays.
        magnitude: how much, see `FaultKind`.
    """

    kind: FaultKind
    target_id: str
    start_s: float
    end_s: float = float("inf")
    magnitude: float = 0.0
