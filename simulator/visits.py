"""Visits: a monitor looks at one string at one time and sees all its blocks at once."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import StringMode
from simulator.compiled import kernel
from simulator.electrochemistry import ohmic_factor
from simulator.evolution import evolve_string
from simulator.parameters import Floats, Ints
from simulator.population import OHMIC_OVER_INSTRUMENT
from simulator.room import post_ripple_k
from simulator.world import Fleet

_FLOAT: Final = int(StringMode.FLOAT)
_DISCHARGE: Final = int(StringMode.DISCHARGE)
_UNSPECIFIED: Final = int(StringMode.UNSPECIFIED)


class Visits(NamedTuple):
    """Looks at strings, in time order for each string.

    Attributes:
        string: number of the string in the fleet, int64, `(n_visits,)`.
        time_us: sample time, microseconds since 1970 UTC, int64, `(n_visits,)`.
    """

    string: Ints
    time_us: Ints


class VisitTruth(NamedTuple):
    """What is true at visits. Rows: the blocks of the first visit's string, then of the second's, and so on.

    Attributes:
        visits: the visits.
        first_row: first row of each visit, and one past the last row of all, int64, `(n_visits + 1,)`.
        block: number of the block in the fleet, int64, `(n_rows,)`.
        voltage_v: terminal voltage, V, `(n_rows,)`.
        post_c: temperature of the negative post, degC, `(n_rows,)`.
        instrument_ohm: resistance as a small-signal instrument sees it, ohm, `(n_rows,)`.
        string_voltage_v: voltage over the string, V, `(n_visits,)`.
        current_a: current of the string, A, > 0 charges, `(n_visits,)`.
        mode: what the charger reports, numbers of `StringMode`, int32, `(n_visits,)`.
        since_us: time of the string's visit (or start) before, microseconds, int64, `(n_visits,)`.
    """

    visits: Visits
    first_row: Ints
    block: Ints
    voltage_v: Floats
    post_c: Floats
    instrument_ohm: Floats
    string_voltage_v: Floats
    current_a: Floats
    mode: NDArray[np.int32]
    since_us: Ints


def read_truth(fleet: Fleet, visits: Visits) -> VisitTruth:
    """Evolves the visited strings to their visits, one by one, and reads the truth there.

    Args:
        fleet: the fleet; the state of visited strings is changed in place.
        visits: where and when to look; a visit before its string's time sees the string's present.
    """
    first_block = fleet.world.strings.first_block
    counts = first_block[visits.string + 1] - first_block[visits.string]
    first_row = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n_rows, n_visits = int(first_row[-1]), len(visits.string)
    truth = VisitTruth(
        visits=visits,
        first_row=first_row,
        block=np.arange(n_rows) + np.repeat(first_block[visits.string] - first_row[:-1], counts),
        voltage_v=np.empty(n_rows),
        post_c=np.empty(n_rows),
        instrument_ohm=np.empty(n_rows),
        string_voltage_v=np.empty(n_visits),
        current_a=np.empty(n_visits),
        mode=np.empty(n_visits, dtype=np.int32),
        since_us=np.empty(n_visits, dtype=np.int64),
    )
    _read(fleet, truth)
    return truth


@kernel
def _read(fleet: Fleet, truth: VisitTruth) -> None:
    world, blocks, strings = fleet.world, fleet.blocks, fleet.strings
    for v in range(len(truth.visits.string)):
        s = truth.visits.string[v]
        time_s = truth.visits.time_us[v] * 1e-6
        truth.since_us[v] = np.int64(strings.time_s[s] * 1e6)
        evolve_string(fleet, s, time_s)
        ripple_k = post_ripple_k(world.rooms, world.strings.site[s], time_s)
        total_v = 0.0
        for row in range(truth.first_row[v], truth.first_row[v + 1]):
            i = truth.block[row]
            total_v += blocks.voltage_v[i]
            truth.voltage_v[row] = blocks.voltage_v[i]
            truth.post_c[row] = blocks.post_c[i] + ripple_k
            factor = ohmic_factor(blocks.soc[i], blocks.core_c[i], world.strings.r_per_k[s])
            factor *= blocks.resistance_ratio[i] / OHMIC_OVER_INSTRUMENT
            truth.instrument_ohm[row] = world.blocks.r0_ohm[i] * factor
        truth.string_voltage_v[v] = total_v
        truth.current_a[v] = strings.current_a[s]
        if strings.discharging[s] == 1:
            truth.mode[v] = _DISCHARGE
        elif strings.disconnected[s] == 1:
            truth.mode[v] = _UNSPECIFIED
        else:
            truth.mode[v] = _FLOAT
