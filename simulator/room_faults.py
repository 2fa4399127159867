"""Faults of cooling, from events to arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory
from simulator.faults import FaultEvent, FaultKind
from simulator.mains import NEVER_S, padded


class RoomFaults(NamedTuple):
    """Times at which a room lacks cooling; first axis: site, the last one never comes.

    Attributes:
        start_s: begin, s since 1970 UTC, `(n_sites, n_faults)`.
        end_s: end, like `start_s`.
        lost: share of the cooling power that is lost, 0...1, like `start_s`.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    lost: NDArray[np.float64]


def room_faults(inventory: Inventory, faults: Sequence[FaultEvent]) -> RoomFaults:
    """Failed and degraded cooling of each site; faults of other kinds are passed over."""
    rows = []
    for location in inventory.locations:
        mine = [
            (fault.start_s, min(fault.end_s, NEVER_S), 1.0 if fault.kind == FaultKind.HVAC_FAILURE else fault.magnitude)
            for fault in faults
            if fault.target_id == location.location_id
            and fault.kind in (FaultKind.HVAC_FAILURE, FaultKind.HVAC_DEGRADED)
        ]
        rows.append(np.array(mine).reshape(-1, 3))
    table = padded(rows)
    return RoomFaults(*(np.ascontiguousarray(table[:, :, k]) for k in range(3)))


def no_room_faults(n_sites: int) -> RoomFaults:
    """Cooling that never fails."""
    return RoomFaults(*(np.full((n_sites, 1), NEVER_S) for _ in range(3)))
