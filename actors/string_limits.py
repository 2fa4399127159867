"""Limits of the string analysis.

Voltages are for a block of six cells and scale with the cells; currents and resistances are for 120 Ah and scale with
the capacity.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StringLimits:
    """When a string's measurements speak for a fault, and when blocks are settled enough to be compared.

    Attributes:
        load_c: current that counts as a load or a recharge, multiples of capacity per hour.
        sagging_v: voltage above that of a rested full block below which a block is not on a charger, V.
        settle_s: time after a discharge until the blocks share the float voltage as before, s.
        settle_per_depth_s: the same for every unit of depth of discharge, s.
        fast_s: time constant of what counts as now, s.
        slow_s: memory of a block's own baseline, s (requirement A1: 30 days).
        learn_s: settled float time before a baseline is believed, s.
        deviation_v: change of a block's corrected deviation that is an imbalance, V (requirement A1).
        spread_v: standard deviation of the blocks' corrected deviations that is an imbalance of the string, V; healthy
            ones have 0.16.
        sensor_v: change of the sum rule's residual that is a sensor, V.
        sensor_k: change of a block's temperature against its neighbours that its voltage must follow, K.
        spike_v: jump of a single sample, V.
        spike_k: jump of a single sample, K.
        spikes: such jumps within `spike_frames` that are a fault.
        spike_frames: memory for jumps, frames.
        still: expected changes of a channel that have not come.
        offset_a: change of the float current that no battery makes, A.
        connection_ohm: resistance of a connection beyond the usual, ohm.
        connection_a: current from which connections are judged, A.
        weak: fall against the neighbours over that of the open-circuit voltage for the charge taken: 0.6 for a block of
            0.7 of their capacity, up to 0.43 for one of 0.86.
        reversal_v: deviation under load beyond which a cell must be reversed, V.
        charger: deviation of the charger from its compensated set point, fraction.
        string_warning: the same for the alert STRING_VOLTAGE, fraction.
        string_critical: the same, critical.
        room_k: rise of a site over its 24 h, K (requirement A1).
        runaway_k: rise of a block over its neighbours that its voltage follows, K.
        gassing_v: fall of a block's share of the float voltage that says that it gasses twice as much, V.
        gassing_k: rise over its neighbours that makes it the onset of a runaway, K.
        dry_resistance: rise of a block's resistance over its neighbours', fraction.
        dry_v: change of its corrected deviation that goes with it, V.
    """

    load_c: float = 0.02
    sagging_v: float = 0.12
    settle_s: float = 24 * 3_600.0
    settle_per_depth_s: float = 240 * 3_600.0
    fast_s: float = 1_800.0
    slow_s: float = 30 * 86_400.0
    learn_s: float = 12 * 3_600.0
    deviation_v: float = 0.25
    spread_v: float = 0.26
    sensor_v: float = 0.06
    sensor_k: float = 1.5
    spike_v: float = 0.10
    spike_k: float = 1.0
    spikes: float = 2.5
    spike_frames: float = 400.0
    still: float = 25.0
    offset_a: float = 0.12
    connection_ohm: float = 0.0012
    connection_a: float = 20.0
    weak: float = 0.5
    reversal_v: float = 2.6
    charger: float = 0.01
    string_warning: float = 0.01
    string_critical: float = 0.02
    room_k: float = 3.0
    runaway_k: float = 1.5
    gassing_v: float = 0.30
    gassing_k: float = 0.4
    dry_resistance: float = 0.06
    dry_v: float = 0.05


LIMITS: Final = StringLimits()
