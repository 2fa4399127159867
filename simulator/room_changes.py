"""Rooms that become warmer or colder than their cooling would have them: at a rate, by so much, up to a limit."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory
from simulator.mains import NEVER_S, padded
from simulator.wanted_events import RoomChange

_AT_ONCE_K_S: Final = 1e6


class RoomChanges(NamedTuple):
    """Changes of rooms as arrays; first axis: site, the last one never comes, `(n_sites, n_changes)` each.

    Attributes:
        start_s: begin, s since 1970 UTC.
        end_s: end.
        rise_k: by how much, K.
        rate_k_s: how fast, K/s.
        hottest_c: limit, degC.
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    rise_k: NDArray[np.float64]
    rate_k_s: NDArray[np.float64]
    hottest_c: NDArray[np.float64]


def room_changes(inventory: Inventory, changes: Sequence[RoomChange]) -> RoomChanges:
    """Changes of each site of an inventory."""
    rows = []
    for location in inventory.locations:
        mine = [
            (
                change.start_s,
                min(change.end_s, NEVER_S),
                change.rise_k,
                min(change.rate_k_h / 3_600.0, _AT_ONCE_K_S),
                min(change.hottest_c, NEVER_S),
            )
            for change in changes
            if change.location_id == location.location_id
        ]
        rows.append(np.array(mine, dtype=np.float64).reshape(-1, 5))
    table = padded(rows)
    return RoomChanges(*(np.ascontiguousarray(table[:, :, k]) for k in range(5)))


def no_room_changes(n_sites: int) -> RoomChanges:
    """Rooms as they are."""
    return RoomChanges(*(np.full((n_sites, 1), NEVER_S) for _ in range(5)))
