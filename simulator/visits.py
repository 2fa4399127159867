"""Visits: a monitor looks at one string at one time and sees all its blocks at once."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import StringMode
from simulator.block_laws import TEN_HOUR_SHARE, ohmic_factor, slow_factor, ten_hour_soc
from simulator.compiled import compiled, kernel
from simulator.evolution import evolve_string
from simulator.fault_labels import FaultTargets, Labels
from simulator.mains import current_or_next
from simulator.parameters import Floats, Ints
from simulator.room import post_ripple_k
from simulator.world import Fleet

_FLOAT: Final = int(StringMode.FLOAT)
_DISCHARGE: Final = int(StringMode.DISCHARGE)
_TEST: Final = int(StringMode.TEST)
_MAINTENANCE: Final = int(StringMode.MAINTENANCE)
_UNSPECIFIED: Final = int(StringMode.UNSPECIFIED)


INSTRUMENT_RANGE_OHM = 1.0
"""What a resistance instrument shows of a block that no current passes."""


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
        soc: charge left over `capacity_ah`, 0...1, `(n_rows,)`; what is left below 0 at slow rates counts as 0.
        capacity_ah: charge that comes out of the full block at the 10-hour rate and 25 degC until the data sheet's end
            voltage, as it is now, Ah, `(n_rows,)`. True `soh_capacity` = `capacity_ah` over rated.
        r0_ohm: ohmic resistance between the sense leads now (charge, temperature, age, loose connection), ohm.
        edge_1s_ohm: change of block voltage over change of current, one second after it, ohm, `(n_rows,)`.
        edge_60s_ohm: the same after 60 s.
        resistance_ratio: ohmic resistance at full charge and 25 degC over that when new, `(n_rows,)`.
        life: life used up, 1 = end of life, `(n_rows,)`.
        core_c: temperature inside, degC, `(n_rows,)`.
        gassing_a: gassing current, A, `(n_rows,)`.
        block_faults: bit k is set while a fault of `FaultKind` k is at work in the block, uint64, `(n_rows,)`.
        string_faults: the same of the faults of the string and of its location, uint64, `(n_visits,)`.
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
    soc: Floats
    capacity_ah: Floats
    r0_ohm: Floats
    edge_1s_ohm: Floats
    edge_60s_ohm: Floats
    resistance_ratio: Floats
    life: Floats
    core_c: Floats
    gassing_a: Floats
    block_faults: Labels
    string_faults: Labels


def read_truth(fleet: Fleet, visits: Visits, targets: FaultTargets) -> VisitTruth:
    """Evolves the visited strings to their visits, one by one, and reads the truth there.

    Args:
        fleet: the fleet; the state of visited strings is changed in place.
        visits: where and when to look; a visit before its string's time sees the string's present.
        targets: faults whose labels stand beside the truth.
    """
    first_block = fleet.world.first_block
    counts = first_block[visits.string + 1] - first_block[visits.string]
    first_row = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    n_rows, n_visits = int(first_row[-1]), len(visits.string)
    block = np.arange(n_rows) + np.repeat(first_block[visits.string] - first_row[:-1], counts)
    time_s: Floats = visits.time_us.astype(np.float64) * 1e-6
    truth = VisitTruth(
        visits=visits,
        first_row=first_row,
        block=block,
        voltage_v=np.empty(n_rows),
        post_c=np.empty(n_rows),
        instrument_ohm=np.empty(n_rows),
        string_voltage_v=np.empty(n_visits),
        current_a=np.empty(n_visits),
        mode=np.empty(n_visits, dtype=np.int32),
        since_us=np.empty(n_visits, dtype=np.int64),
        soc=np.empty(n_rows),
        capacity_ah=np.empty(n_rows),
        r0_ohm=np.empty(n_rows),
        edge_1s_ohm=np.empty(n_rows),
        edge_60s_ohm=np.empty(n_rows),
        resistance_ratio=np.empty(n_rows),
        life=np.empty(n_rows),
        core_c=np.empty(n_rows),
        gassing_a=np.empty(n_rows),
        block_faults=targets.of_blocks(block, np.repeat(time_s, counts)),
        string_faults=targets.of_strings(visits.string, fleet.world.strings.site[visits.string], time_s),
    )
    _read(fleet, truth)
    return truth


@kernel
def _read(fleet: Fleet, truth: VisitTruth) -> None:
    world, now, blocks, strings = fleet.world, fleet.now, fleet.blocks, fleet.strings
    for v in range(len(truth.visits.string)):
        s = truth.visits.string[v]
        time_s = truth.visits.time_us[v] * 1e-6
        truth.since_us[v] = np.int64(strings[s].time_s * 1e6)
        evolve_string(fleet, s, time_s)
        ripple_k = post_ripple_k(world.rooms, world.strings[s].site, time_s)
        tau1_s, tau2_s = world.strings[s].tau1_s, world.strings[s].tau2_s
        fast_1s, fast_60s = -math.expm1(-1.0 / tau1_s), -math.expm1(-60.0 / tau1_s)
        slow_1s, slow_60s = -math.expm1(-1.0 / tau2_s), -math.expm1(-60.0 / tau2_s)
        total_v = 0.0
        for row in range(truth.first_row[v], truth.first_row[v + 1]):
            i = truth.block[row]
            total_v += blocks[i].voltage_v + now[i].outside_ohm * strings[s].current_a
            truth.voltage_v[row] = blocks[i].voltage_v
            truth.post_c[row] = blocks[i].post_c + ripple_k
            aged = blocks[i].resistance_ratio * now[i].cells / world.blocks[i].cells
            ohmic = ohmic_factor(blocks[i].soc, blocks[i].core_c, world.strings[s].r_per_k)
            r0_ohm = world.blocks[i].r0_ohm * aged * ohmic
            r1_ohm = world.blocks[i].r1_ohm
            r2_ohm = world.blocks[i].r2_ohm * aged * slow_factor(blocks[i].soc)
            seen_ohm = r0_ohm / world.blocks[i].ohmic_over_instrument
            truth.instrument_ohm[row] = min(seen_ohm + now[i].inside_ohm, INSTRUMENT_RANGE_OHM)
            truth.r0_ohm[row] = r0_ohm + now[i].inside_ohm
            truth.edge_1s_ohm[row] = truth.r0_ohm[row] + r1_ohm * fast_1s + r2_ohm * slow_1s
            truth.edge_60s_ohm[row] = truth.r0_ohm[row] + r1_ohm * fast_60s + r2_ohm * slow_60s
            truth.soc[row] = max(ten_hour_soc(blocks[i].soc), 0.0)
            truth.capacity_ah[row] = blocks[i].capacity_ah * TEN_HOUR_SHARE
            truth.resistance_ratio[row] = blocks[i].resistance_ratio
            truth.life[row] = blocks[i].life
            truth.core_c[row] = blocks[i].core_c
            truth.gassing_a[row] = blocks[i].gassing_a
        truth.string_voltage_v[v] = total_v
        truth.current_a[v] = strings[s].current_a
        truth.mode[v] = _mode(fleet, s, time_s)


@compiled
def _mode(fleet: Fleet, s: int, time_s: float) -> int:
    """What the charger of a string reports."""
    discharges, maintenance, strings = fleet.world.discharges, fleet.world.maintenance, fleet.strings
    if strings[s].discharging == 1:
        # the state is that of the step that ends now
        return _TEST if discharges.test[s, current_or_next(discharges.end_s[s], time_s - 1e-3)] == 1 else _DISCHARGE
    if time_s >= maintenance.start_s[s, current_or_next(maintenance.end_s[s], time_s)]:
        return _MAINTENANCE
    return _UNSPECIFIED if strings[s].disconnected == 1 else _FLOAT
