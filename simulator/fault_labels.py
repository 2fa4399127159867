"""Which faults are at work where and when: the labels that stand beside the truth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from simulator.faults import FaultEvent, FaultKind
from simulator.parameters import Ints

Labels = NDArray[np.uint64]

_FIRST_STRING_KIND = FaultKind.CHARGER_VOLTAGE
_FIRST_BLOCK_SENSOR, _FIRST_STRING_SENSOR = FaultKind.VOLTAGE_OFFSET, FaultKind.CURRENT_OFFSET
_LOCATION_KINDS = (
    FaultKind.HVAC_FAILURE,
    FaultKind.HVAC_DEGRADED,
    FaultKind.CLOCK_SKEW,
    FaultKind.LATE_ROWS,
    FaultKind.REPEATED_ROWS,
)


def targets_location(kind: FaultKind) -> bool:
    """Whether a fault of this kind names a location."""
    return kind in _LOCATION_KINDS


def targets_block(kind: FaultKind) -> bool:
    """Whether a fault of this kind names a block."""
    return kind < _FIRST_STRING_KIND or _FIRST_BLOCK_SENSOR <= kind < _FIRST_STRING_SENSOR


def label(kind: FaultKind) -> np.uint64:
    """The bit that stands for a kind of fault."""
    return np.uint64(1) << np.uint64(int(kind))


def kinds_of(labels: int) -> tuple[FaultKind, ...]:
    """The kinds of fault whose bits are set."""
    return tuple(kind for kind in FaultKind if int(labels) >> int(kind) & 1)


class FaultTargets:
    """Faults with their targets as numbers of the fleet.

    Args:
        inventory: the fleet.
        faults: what goes wrong.

    Attributes:
        blocks: number of the block that each fault names, or -1, int64, `(n_faults,)`.
        strings: number of the string that it names or whose block it names, or -1.
        sites: number of the location that it names or that holds what it names.

    Raises:
        InvalidArgumentError: a fault names something that is not in the fleet, or ends before it begins.
    """

    def __init__(self, inventory: Inventory, faults: Sequence[FaultEvent]) -> None:
        self.faults = tuple(faults)
        block_of: dict[str, tuple[int, int, int]] = {}
        string_of: dict[str, tuple[int, int, int]] = {}
        site_of: dict[str, tuple[int, int, int]] = {}
        for site, location in enumerate(inventory.locations):
            site_of[location.location_id] = (-1, -1, site)
            for string in location.strings():
                number = len(string_of)
                string_of[string.string_id] = (-1, number, site)
                for battery in string.batteries:
                    block_of[battery.battery_id] = (len(block_of), number, site)
        table = []
        for fault in self.faults:
            names = site_of if targets_location(fault.kind) else block_of if targets_block(fault.kind) else string_of
            if fault.target_id not in names:
                raise InvalidArgumentError(
                    f"No target {fault.target_id} for the fault {fault.kind.name} is in the fleet.",
                    field="faults",
                    value=fault.target_id,
                )
            if not fault.start_s < fault.end_s:
                raise InvalidArgumentError(
                    f"The fault {fault.kind.name} of {fault.target_id} must end after it begins.", field="faults"
                )
            table.append(names[fault.target_id])
        columns = np.array(table, dtype=np.int64).reshape(-1, 3)
        self.blocks, self.strings, self.sites = (np.ascontiguousarray(columns[:, k]) for k in range(3))

    def of_blocks(self, block: Ints, time_s: NDArray[np.float64]) -> Labels:
        """Labels of blocks at times: faults that name the block itself, `(n_rows,)`."""
        labels = np.zeros(len(block), dtype=np.uint64)
        if len(block):
            # a fleet may have thousands of faults, few of them at the blocks looked at
            for k in np.flatnonzero((self.blocks >= block.min()) & (self.blocks <= block.max())):
                fault, mine = self.faults[k], block == self.blocks[k]
                labels[mine & (fault.start_s <= time_s) & (time_s < fault.end_s)] |= label(fault.kind)
        return labels

    def of_strings(self, string: Ints, site: Ints, time_s: NDArray[np.float64]) -> Labels:
        """Labels of strings at times: faults that name the string or its location, `(n_visits,)`.

        Args:
            string: number of each string.
            site: number of the location of each.
            time_s: times, s since 1970 UTC.
        """
        labels = np.zeros(len(string), dtype=np.uint64)
        for k, fault in enumerate(self.faults):
            if self.blocks[k] < 0:
                mine = string == self.strings[k] if self.strings[k] >= 0 else site == self.sites[k]
                labels[mine & (fault.start_s <= time_s) & (time_s < fault.end_s)] |= label(fault.kind)
        return labels
