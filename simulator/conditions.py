"""Faults of blocks and strings as arrays, and what they have made of blocks and strings at a time.

Kernels read the conditions always and look at the faults themselves only where one begins, ends or is under way, so
that a fleet without faults pays nothing for them.
"""

from typing import NamedTuple

import numpy as np

from simulator.fault_labels import FaultTargets
from simulator.faults import FaultKind
from simulator.parameters import Floats, Ints, Records, records

# what magnitudes may be, by kind; 0 stands for a typical one where 0 itself would be no fault
_RANGES = {
    FaultKind.SHORTED_CELL: (1.0, 24.0, 1.0),
    FaultKind.OPEN_CELL: (0.1, 1e6, 1e6),
    FaultKind.REVERSED_BLOCK: (0.05, 0.98, 0.6),
    FaultKind.LOOSE_CONNECTION_INSIDE: (0.0, 1.0, 0.005),
    FaultKind.LOOSE_CONNECTION_OUTSIDE: (0.0, 1.0, 0.005),
    FaultKind.DRY_OUT: (0.0, 5.0, 0.10),
    FaultKind.THERMAL_RUNAWAY: (1.0, 100.0, 15.0),
    FaultKind.ACCELERATED_AGEING: (0.0, 1e4, 10.0),
    FaultKind.RESISTANCE_RISE: (0.0, 50.0, 0.5),
    FaultKind.WEAK_BLOCK: (0.0, 0.98, 0.3),
    FaultKind.CHARGER_VOLTAGE: (-0.2, 0.3, 0.1),
    FaultKind.CHARGER_NO_COMPENSATION: (0.0, 1e9, 0.0),
}


class StringFaults(NamedTuple):
    """Faults of blocks and strings, sorted by string, `(n_faults,)` each.

    Attributes:
        kind: number of `FaultKind`.
        block: block that the fault names, or -1.
        start_s: begin, s since 1970 UTC.
        end_s: end.
        magnitude: how much.
    """

    kind: Ints
    block: Ints
    start_s: Floats
    end_s: Floats
    magnitude: Floats


class BlockConditions(NamedTuple):
    """What faults do to each block at present, `(n_blocks,)` each.

    Attributes:
        cells: working cells in series.
        inside_ohm: resistance of connections and breaks between the sense leads.
        outside_ohm: resistance of the connection after the block, outside its sense leads.
        ln_gas: added to the logarithm of the gassing current.
        thermal: factor on the thermal resistance.
        ageing: factor on the rate of ageing.
        water_per_s: electrolyte lost, fraction a second.
        resistance: factor on resistance.
        capacity: factor on capacity.
        weak_share: capacity of the weakest cell over that of the others, 1 = no cell is weak.
        heat_w: heat of a short circuit inside.
    """

    cells: Floats
    inside_ohm: Floats
    outside_ohm: Floats
    ln_gas: Floats
    thermal: Floats
    ageing: Floats
    water_per_s: Floats
    resistance: Floats
    capacity: Floats
    weak_share: Floats
    heat_w: Floats


class StringConditions(NamedTuple):
    """What faults do to the charger of each string at present, `(n_strings,)` each.

    Attributes:
        set_point_v: added to the charger's voltage.
        compensation: factor on the charger's temperature compensation.
    """

    set_point_v: Floats
    compensation: Floats


def string_faults(targets: FaultTargets, n_strings: int) -> tuple[Ints, Records]:
    """Faults that act on blocks and strings; those of sensors, gateways and rooms are left out.

    Returns:
        First fault of each string, and one past the last of all, `(n_strings + 1,)`; the faults, see `StringFaults`.
    """
    order = sorted(
        (k for k, fault in enumerate(targets.faults) if fault.kind in _RANGES), key=lambda k: targets.strings[k]
    )
    chosen = [targets.faults[k] for k in order]
    faults = StringFaults(
        kind=np.array([int(fault.kind) for fault in chosen], dtype=np.int64),
        block=targets.blocks[np.array(order, dtype=np.int64)],
        start_s=np.array([fault.start_s for fault in chosen], dtype=np.float64),
        end_s=np.array([fault.end_s for fault in chosen], dtype=np.float64),
        magnitude=np.array([_within(fault.kind, fault.magnitude) for fault in chosen], dtype=np.float64),
    )
    first = np.searchsorted(targets.strings[np.array(order, dtype=np.int64)], np.arange(n_strings + 1)).astype(np.int64)
    return first, records(faults)


def _within(kind: FaultKind, magnitude: float) -> float:
    low, high, typical = _RANGES[kind]
    return min(max(magnitude, low), high) if magnitude != 0.0 else typical


def no_conditions(cells: Floats, n_strings: int) -> tuple[Records, Records]:
    """Conditions of blocks with so many cells, and of strings, without faults."""
    zero, one = np.zeros(len(cells)), np.ones(len(cells))
    of_blocks = BlockConditions(cells, zero, zero, zero, one, one, zero, one, one, one, zero)
    return records(of_blocks), records(StringConditions(np.zeros(n_strings), np.ones(n_strings)))
