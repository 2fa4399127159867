"""Work on the current sensor of a string: what its twins believe of it is put right, and the log goes on."""

from typing import Final

from actors.filter_current import FIRST_OFFSET_PER_AH, LARGEST_EVIDENCE
from actors.filter_layout import state_records
from actors.twin_memory import TwinMemory
from batterytwin.events import CurrentSensor

_TOLD_SIGMA_PER_AH: Final = 0.002
"""Of an offset that somebody measured, multiples of capacity per hour: that of a single reading."""


def correct_sensor(memory: TwinMemory, slot: int, sensor: CurrentSensor, capacity_ah: float, time_us: int) -> None:
    """Lets one twin believe what a person says of the sensor.

    Rows up to this time were measured before, so it becomes the watermark: such a row is late from now on.

    Args:
        memory: twins; one is changed.
        slot: which.
        sensor: what holds from now on.
        capacity_ah: rated capacity of the block, Ah.
        time_us: when the work was done, microseconds since 1970 UTC.
    """
    x = state_records(memory.state)
    x["current_sign"][slot] = -1.0 if sensor.discharge_positive else 1.0
    x["sign_evidence"][slot] = x["current_sign"][slot] * LARGEST_EVIDENCE
    x["current_offset_a"][slot] = sensor.offset_a or 0.0
    sigma_a = capacity_ah * (FIRST_OFFSET_PER_AH if sensor.offset_a is None else _TOLD_SIGMA_PER_AH)
    x["current_offset_var"][slot] = sigma_a * sigma_a
    x["current_known"][slot] = 0.0  # the step from the old reading to the next one is none of the load
    memory.records["watermark_us"][slot] = max(int(memory.records["watermark_us"][slot]), time_us)
