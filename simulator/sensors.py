"""What monitors make of the truth: noise, faults, resolution, and an instrument that measures resistance once a day.

Noise is a function of seed, channel and sample time: a reading taken twice is the same, in any order of asking, and
nothing of it can find its way back into the plant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.compiled import kernel
from simulator.fault_table import FaultTable
from simulator.noise import normal, uniform
from simulator.sensor_faults import (
    STUCK_CURRENT_SD_A,
    STUCK_TEMPERATURE_SD_C,
    STUCK_VOLTAGE_SD_V,
    SensorFaults,
    seen,
)
from simulator.visits import VisitTruth

VOLTAGE_SD_V = 0.004
"""Noise of a block's voltage, V; its resolution is 1 mV."""

TEMPERATURE_SD_C = 0.08
"""Noise of a post's temperature, degC; its resolution is 0.1 degC."""

RESISTANCE_SD = 0.008
"""Repeatability of the resistance instrument, relative; its resolution is 0.01 mohm."""

STRING_VOLTAGE_SD_V = 0.05
"""Noise of a string's voltage, V; its resolution is 0.01 V."""

CURRENT_SD_A = 0.03
"""Noise of a string's current, A; its resolution is 0.01 A."""

CURRENT_OFFSET_SD_A = 0.02
"""Offset that a good current shunt keeps, A: as large as the float current itself."""

_DAY_US = 86_400_000_000
_RESISTANCE_QUIET_A = 1.0  # the instrument waits for float: its test current drowns in a load's ripple
_VOLTAGE, _TEMPERATURE, _RESISTANCE, _STRING_VOLTAGE, _CURRENT, _OFFSET, _TURN = range(1, 8)


class VisitReadings(NamedTuple):
    """What was measured at visits, float32; rows as in `VisitTruth`.

    Attributes:
        voltage_v: terminal voltage, V, `(n_rows,)`.
        temperature_c: temperature of the negative post, degC, `(n_rows,)`.
        resistance_mohm: instrument's resistance, mohm, NaN = not measured this time, `(n_rows,)`.
        string_voltage_v: voltage over the string, V, `(n_visits,)`.
        current_a: current of the string, A, > 0 charges, `(n_visits,)`.
    """

    voltage_v: NDArray[np.float32]
    temperature_c: NDArray[np.float32]
    resistance_mohm: NDArray[np.float32]
    string_voltage_v: NDArray[np.float32]
    current_a: NDArray[np.float32]


def measure(truth: VisitTruth, seed: int, faults: SensorFaults | None = None) -> VisitReadings:
    """Readings of the monitors at visits.

    Args:
        truth: what is true there.
        seed: chooses the noise.
        faults: faults of the sensors; None = all are healthy.
    """
    n_rows, n_visits = len(truth.block), len(truth.mode)
    readings = VisitReadings(
        voltage_v=np.empty(n_rows, dtype=np.float32),
        temperature_c=np.empty(n_rows, dtype=np.float32),
        resistance_mohm=np.full(n_rows, np.nan, dtype=np.float32),
        string_voltage_v=np.empty(n_visits, dtype=np.float32),
        current_a=np.empty(n_visits, dtype=np.float32),
    )
    _measure(truth, np.uint64(seed), faults or _healthy(truth), readings)
    return readings


def _healthy(truth: VisitTruth) -> SensorFaults:
    none, nothing = np.empty(0, dtype=np.int64), np.empty(0)
    n_blocks, n_strings = (int(numbers.max(initial=0)) + 1 for numbers in (truth.block, truth.visits.string))
    by_block, by_string = (
        FaultTable(np.zeros(n + 1, dtype=np.int64), none, none, none, nothing, nothing) for n in (n_blocks, n_strings)
    )
    return SensorFaults(by_block, by_block, by_string)


@kernel
def _measure(truth: VisitTruth, seed: np.uint64, faults: SensorFaults, readings: VisitReadings) -> None:
    for v in range(len(truth.mode)):
        time_us, string = truth.visits.time_us[v], truth.visits.string[v]
        total_v = truth.string_voltage_v[v] + STRING_VOLTAGE_SD_V * normal(seed, _STRING_VOLTAGE, string, time_us)
        offset_a = CURRENT_OFFSET_SD_A * normal(seed, _OFFSET, string, 0)
        current_a = truth.current_a[v] + offset_a + CURRENT_SD_A * normal(seed, _CURRENT, string, time_us)
        current_a = seen(faults.current, STUCK_CURRENT_SD_A, seed, string, time_us, current_a)
        readings.string_voltage_v[v] = np.rint(total_v * 100.0) / 100.0
        readings.current_a[v] = np.rint(current_a * 100.0) / 100.0
        quiet = abs(truth.current_a[v]) < _RESISTANCE_QUIET_A
        for row in range(truth.first_row[v], truth.first_row[v + 1]):
            block = truth.block[row]
            voltage_v = truth.voltage_v[row] + VOLTAGE_SD_V * normal(seed, _VOLTAGE, block, time_us)
            temperature_c = truth.post_c[row] + TEMPERATURE_SD_C * normal(seed, _TEMPERATURE, block, time_us)
            voltage_v = seen(faults.voltage, STUCK_VOLTAGE_SD_V, seed, block, time_us, voltage_v)
            temperature_c = seen(faults.temperature, STUCK_TEMPERATURE_SD_C, seed, block, time_us, temperature_c)
            readings.voltage_v[row] = np.rint(voltage_v * 1e3) / 1e3
            readings.temperature_c[row] = np.rint(temperature_c * 10.0) / 10.0
            turn_us = np.int64(uniform(seed, _TURN, block, 0) * _DAY_US)
            if quiet and (time_us - turn_us) // _DAY_US > (truth.since_us[v] - turn_us) // _DAY_US:
                factor = 1.0 + RESISTANCE_SD * normal(seed, _RESISTANCE, block, time_us)
                readings.resistance_mohm[row] = np.rint(truth.instrument_ohm[row] * factor * 1e5) / 100.0
