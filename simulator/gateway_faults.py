"""What faulty gateways make of samples: lost, late, sent twice, or stamped by a clock that is wrong."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory
from simulator.compiled import compiled, kernel
from simulator.fault_labels import FaultTargets
from simulator.fault_table import FaultTable, fault_table
from simulator.faults import FaultEvent, FaultKind
from simulator.noise import uniform
from simulator.parameters import Ints
from simulator.visits import Visits

SHORTEST_DELAY_S = 90.0
"""How long late samples take at least, s."""

LONGEST_DELAY_S = 1_800.0
"""How long they take at most, s."""

_DROPOUT: Final = int(FaultKind.DROPOUT)
_SKEW: Final = int(FaultKind.CLOCK_SKEW)
_REPEATED: Final = int(FaultKind.REPEATED_ROWS)
_CHANNEL, _DELAY_CHANNEL = 600, 700


class GatewayFaults(NamedTuple):
    """Faults of a fleet's gateways.

    Attributes:
        site: site of each string, `(n_strings,)`.
        by_string: lost samples.
        by_site: late and repeated samples, wrong clocks.
    """

    site: Ints
    by_string: FaultTable
    by_site: FaultTable


class Fates(NamedTuple):
    """What becomes of the samples of visits, `(n_visits,)` each.

    Attributes:
        lost: it never arrives.
        delay_us: how late it arrives; 0 = at once.
        repeated: it arrives twice.
        ahead_us: sample time as the gateway stamps it minus the true one.
    """

    lost: NDArray[np.bool_]
    delay_us: Ints
    repeated: NDArray[np.bool_]
    ahead_us: Ints


def gateway_faults(inventory: Inventory, faults: Sequence[FaultEvent] = ()) -> GatewayFaults:
    """Faults of gateways; those of other kinds are passed over.

    Raises:
        InvalidArgumentError: a fault names something that is not in the fleet.
    """
    targets = FaultTargets(inventory, faults)
    counts = [sum(1 for _ in location.strings()) for location in inventory.locations]
    at_sites = (FaultKind.CLOCK_SKEW, FaultKind.LATE_ROWS, FaultKind.REPEATED_ROWS)
    return GatewayFaults(
        site=np.repeat(np.arange(len(counts), dtype=np.int64), counts),
        by_string=fault_table(targets, targets.strings, sum(counts), (FaultKind.DROPOUT,)),
        by_site=fault_table(targets, targets.sites, len(counts), at_sites),
    )


def fates(faults: GatewayFaults, visits: Visits, seed: int) -> Fates:
    """What becomes of samples: a function of seed, string and sample time."""
    n = len(visits.string)
    result = Fates(np.zeros(n, np.bool_), np.zeros(n, np.int64), np.zeros(n, np.bool_), np.zeros(n, np.int64))
    if len(faults.by_string.kind) or len(faults.by_site.kind):
        _decide(faults, visits, np.uint64(seed), result)
    return result


@kernel
def _decide(faults: GatewayFaults, visits: Visits, seed: np.uint64, result: Fates) -> None:
    for v in range(len(visits.string)):
        string = visits.string[v]
        _apply(faults.by_string, string, v, visits, seed, result)
        _apply(faults.by_site, faults.site[string], v, visits, seed, result)


@compiled
def _apply(table: FaultTable, target: int, v: int, visits: Visits, seed: np.uint64, result: Fates) -> None:  # noqa: PLR0917 - kernels take no keywords
    string, time_us = visits.string[v], visits.time_us[v]
    for k in range(table.first[target], table.first[target + 1]):
        if table.start_us[k] <= time_us < table.end_us[k]:
            kind = table.kind[k]
            if kind == _SKEW:
                result.ahead_us[v] += np.int64(table.magnitude[k] * 1e6)
            elif uniform(seed, _CHANNEL + kind, string, time_us) < table.magnitude[k]:
                if kind == _DROPOUT:
                    result.lost[v] = True
                elif kind == _REPEATED:
                    result.repeated[v] = True
                else:
                    share = uniform(seed, _DELAY_CHANNEL, string, time_us)
                    delay_s = SHORTEST_DELAY_S + share * (LONGEST_DELAY_S - SHORTEST_DELAY_S)
                    result.delay_us[v] = np.int64(delay_s * 1e6)
