"""What faulty sensors make of the values they see.

Like noise, a fault is a function of seed, sensor and sample time. A sensor that is stuck therefore shows a value of its
own near the usual one, and not the last thing that it happened to be asked.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from batterytwin.inventory import Inventory
from simulator.compiled import compiled
from simulator.fault_labels import FaultTargets
from simulator.fault_table import FaultTable, fault_table
from simulator.faults import FaultEvent, FaultKind
from simulator.noise import normal, uniform

SPIKE_SHARE = 0.02
"""Share of the samples that a spiking sensor spoils."""

STUCK_VOLTAGE_SD_V = 0.05
"""Spread of what stuck voltage sensors show around the float voltage, V."""

STUCK_TEMPERATURE_C = 25.0
"""What stuck temperature sensors show about, degC."""

STUCK_TEMPERATURE_SD_C = 1.5
"""Spread of that, K."""

STUCK_CURRENT_SD_A = 0.05
"""Spread of what stuck current sensors show around nothing, A."""

_DAY_US = 86_400e6
_VOLTAGE_KINDS = (
    FaultKind.VOLTAGE_OFFSET,
    FaultKind.VOLTAGE_DRIFT,
    FaultKind.VOLTAGE_STUCK,
    FaultKind.VOLTAGE_SPIKES,
)
_TEMPERATURE_KINDS = (
    FaultKind.TEMPERATURE_OFFSET,
    FaultKind.TEMPERATURE_DRIFT,
    FaultKind.TEMPERATURE_STUCK,
    FaultKind.TEMPERATURE_SPIKES,
)
_CURRENT_KINDS = (FaultKind.CURRENT_OFFSET, FaultKind.CURRENT_SIGN, FaultKind.CURRENT_STUCK)
_DRIFTS: Final = (int(FaultKind.VOLTAGE_DRIFT), int(FaultKind.TEMPERATURE_DRIFT))
_STUCK: Final = (int(FaultKind.VOLTAGE_STUCK), int(FaultKind.TEMPERATURE_STUCK), int(FaultKind.CURRENT_STUCK))
_SPIKES: Final = (int(FaultKind.VOLTAGE_SPIKES), int(FaultKind.TEMPERATURE_SPIKES))
_SIGN: Final = int(FaultKind.CURRENT_SIGN)
_SPIKE_CHANNEL, _SPIKE_SIGN_CHANNEL, _STUCK_CHANNEL = 300, 400, 500


class SensorFaults(NamedTuple):
    """Faults of the sensors of a fleet.

    Attributes:
        voltage: by block.
        temperature: by block.
        current: by string.
    """

    voltage: FaultTable
    temperature: FaultTable
    current: FaultTable


def sensor_faults(inventory: Inventory, faults: Sequence[FaultEvent] = ()) -> SensorFaults:
    """Faults of sensors; those of other kinds are passed over.

    Raises:
        InvalidArgumentError: a fault names something that is not in the fleet.
    """
    targets = FaultTargets(inventory, faults)
    float_v = [
        string.datasheet.float_v
        for location in inventory.locations
        for string in location.strings()
        for _ in string.batteries
    ]
    n_strings = sum(1 for location in inventory.locations for _ in location.strings())
    return SensorFaults(
        voltage=fault_table(
            targets, targets.blocks, len(float_v), _VOLTAGE_KINDS, lambda _fault, block: float_v[block]
        ),
        temperature=fault_table(
            targets, targets.blocks, len(float_v), _TEMPERATURE_KINDS, lambda _fault, _block: STUCK_TEMPERATURE_C
        ),
        current=fault_table(targets, targets.strings, n_strings, _CURRENT_KINDS),
    )


@compiled
def seen(  # noqa: PLR0917 - kernels take no keywords
    table: FaultTable, stuck_sd: float, seed: np.uint64, source: int, time_us: int, value: float
) -> float:
    """What a sensor shows instead of a value, before its resolution cuts it; without a fault the value itself.

    Args:
        table: faults of the sensors of this quantity.
        stuck_sd: spread of what stuck sensors show.
        seed: chooses spikes and stuck values.
        source: number of the block or string.
        time_us: sample time, microseconds since 1970 UTC.
        value: what a healthy sensor would show, noise included.
    """
    for k in range(table.first[source], table.first[source + 1]):
        if table.start_us[k] <= time_us < table.end_us[k]:
            kind, magnitude = table.kind[k], table.magnitude[k]
            if kind in _STUCK:
                value = table.nominal[k] + stuck_sd * normal(seed, _STUCK_CHANNEL + kind, source, table.start_us[k])
            elif kind in _SPIKES:
                if uniform(seed, _SPIKE_CHANNEL + kind, source, time_us) < SPIKE_SHARE:
                    up = uniform(seed, _SPIKE_SIGN_CHANNEL + kind, source, time_us) < 0.5
                    value += magnitude if up else -magnitude
            elif kind in _DRIFTS:
                value += magnitude * (time_us - table.start_us[k]) / _DAY_US
            elif kind == _SIGN:
                value = -value
            else:
                value += magnitude
    return value
