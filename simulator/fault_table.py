"""Faults sorted by what they hit, as arrays that kernels take."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from simulator.fault_labels import FaultTargets
from simulator.faults import FaultEvent, FaultKind
from simulator.mains import NEVER_S
from simulator.parameters import Floats, Ints


class FaultTable(NamedTuple):
    """Faults of numbered things; those of thing i stand at `first[i]` to `first[i + 1]`.

    Attributes:
        first: `(n_things + 1,)`.
        kind: number of `FaultKind`, `(n_faults,)`.
        start_us: begin, microseconds since 1970 UTC, `(n_faults,)`.
        end_us: end, like `start_us`.
        magnitude: see `FaultKind`, `(n_faults,)`.
        nominal: what a sensor that is stuck shows about, in its unit, `(n_faults,)`.
    """

    first: Ints
    kind: Ints
    start_us: Ints
    end_us: Ints
    magnitude: Floats
    nominal: Floats


def fault_table(
    targets: FaultTargets,
    numbers: Ints,
    n_things: int,
    kinds: Collection[FaultKind],
    nominal: Callable[[FaultEvent, int], float] = lambda _fault, _number: 0.0,
) -> FaultTable:
    """Picks the faults of some kinds.

    Args:
        targets: all faults.
        numbers: number of the thing that each of them hits, `(n_faults,)`.
        n_things: how many things there are.
        kinds: kinds to pick.
        nominal: gives what a stuck sensor shows about, for a fault and the number of what it hits.
    """
    mine = sorted(
        (int(number), k)
        for k, (fault, number) in enumerate(zip(targets.faults, numbers, strict=True))
        if fault.kind in kinds
    )
    faults = [targets.faults[k] for _, k in mine]
    hit = np.array([number for number, _ in mine], dtype=np.int64)
    return FaultTable(
        first=np.searchsorted(hit, np.arange(n_things + 1)).astype(np.int64),
        kind=np.array([int(fault.kind) for fault in faults], dtype=np.int64),
        start_us=np.array([round(fault.start_s * 1e6) for fault in faults], dtype=np.int64),
        end_us=np.array([round(min(fault.end_s, NEVER_S) * 1e6) for fault in faults], dtype=np.int64),
        magnitude=np.array([fault.magnitude for fault in faults], dtype=np.float64),
        nominal=np.array([nominal(fault, number) for fault, (number, _) in zip(faults, mine, strict=True)], np.float64),
    )
