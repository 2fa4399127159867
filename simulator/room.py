"""Battery rooms: a cooling set point that some of the weather leaks through, and warmth when cooling is missing.

Cooling has a dead band, a power with some reserve over the room's heat that shrinks on hot days, and faults. Where it
falls short the room warms by 2 K an hour for all of it missing, up to 38 degC, where people open doors and shed load.
All of it is a function of time: an outage, a fault and the weather are looked up, not lived through.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.climate import Climate, outdoor_c
from simulator.compiled import compiled, kernel
from simulator.mains import MainsSchedule, next_outage
from simulator.room_changes import RoomChanges, no_room_changes
from simulator.room_faults import RoomFaults, no_room_faults
from simulator.variant import USUAL_PLANT, PlantVariant

UNCOOLED_RATE_K_S = 2.0 / 3_600.0
"""How fast a room warms without any cooling, K/s."""

HOTTEST_C = 38.0
"""Room air that people do not let rise any further, degC."""

_WALL_LAG_S = 2.5 * 3_600.0
_COOLING_TAU_S = 5_400.0
_HEAT_PER_K = 0.02  # a room's heat rises with the air outside ...
_POWER_PER_K = -0.008  # ... and what a cooler can remove falls


class Rooms(NamedTuple):
    """Rooms of the sites; first axis: site.

    Attributes:
        set_point_c: set point of the cooling, degC, 24...27, `(n_sites,)`.
        leak: share of the outdoor deviation that reaches the room, `(n_sites,)`.
        ripple_k: half of what the cooling's dead band leaves at a battery post, K, `(n_sites,)`.
        ripple_period_s: time from one start of the cooling to the next, s, `(n_sites,)`.
        cooling_margin: power of the cooling over the room's heat at the mean outdoor temperature, > 1, `(n_sites,)`.
        faults: failed and degraded cooling.
        changes: what else makes rooms warmer or colder.
    """

    set_point_c: NDArray[np.float64]
    leak: NDArray[np.float64]
    ripple_k: NDArray[np.float64]
    ripple_period_s: NDArray[np.float64]
    cooling_margin: NDArray[np.float64]
    faults: RoomFaults
    changes: RoomChanges


def make_rooms(n_sites: int, seed: int, faults: RoomFaults | None = None, variant: PlantVariant = USUAL_PLANT) -> Rooms:
    """Draws rooms for `n_sites` sites; without `faults` their cooling never fails."""
    rng = np.random.default_rng([seed, 13])
    warmer_k = variant.warmer_k + variant.warmer_sd_k * np.random.default_rng([seed, 18]).standard_normal(n_sites)
    return Rooms(
        set_point_c=24.0 + 0.5 * rng.integers(0, 7, n_sites).astype(np.float64) + warmer_k,
        leak=variant.leak * rng.uniform(0.04, 0.10, n_sites),
        ripple_k=rng.uniform(0.05, 0.15, n_sites),
        ripple_period_s=rng.uniform(1_200.0, 2_400.0, n_sites),
        cooling_margin=rng.uniform(1.3, 1.6, n_sites),
        faults=faults or no_room_faults(n_sites),
        changes=no_room_changes(n_sites),
    )


@compiled
def room_c(rooms: Rooms, climate: Climate, mains: MainsSchedule, site: int, time_s: float) -> float:
    """Room air, degC, at a time (s since 1970 UTC), without the dead band's ripple: batteries are too slow for it."""
    outside_k = outdoor_c(climate, site, time_s - _WALL_LAG_S) - climate.mean_c[site]
    outage, faults = next_outage(mains, site, time_s), rooms.faults
    # a hot day alone has lasted long enough for all that it does
    rise_k = _rise_k(rooms, site, outside_k, 0.0, HOTTEST_C / UNCOOLED_RATE_K_S)
    begun_s, ended_s = mains.start_s[site, outage], mains.start_s[site, outage]
    if time_s <= begun_s and outage > 0:
        begun_s, ended_s = mains.start_s[site, outage - 1], mains.end_s[site, outage - 1]
    elif time_s > begun_s:
        ended_s = time_s
    if time_s > begun_s:
        rise_k = max(rise_k, _rise_k(rooms, site, outside_k, 1.0, ended_s - begun_s) * _left(time_s - ended_s))
    for fault in range(faults.start_s.shape[1]):
        begun_s, ended_s = faults.start_s[site, fault], min(faults.end_s[site, fault], time_s)
        if time_s > begun_s:
            warmed_k = _rise_k(rooms, site, outside_k, faults.lost[site, fault], ended_s - begun_s)
            rise_k = max(rise_k, warmed_k * _left(time_s - ended_s))
    return float(rooms.set_point_c[site] + rooms.leak[site] * outside_k + rise_k + _shift_k(rooms, site, time_s))


@kernel
def room_series_c(
    rooms: Rooms, climate: Climate, mains: MainsSchedule, site: int, times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`room_c` at many times, `(n_times,)`."""
    series_c = np.empty(len(times_s))
    for k in range(len(times_s)):
        series_c[k] = room_c(rooms, climate, mains, site, times_s[k])
    return series_c


@compiled
def post_ripple_k(rooms: Rooms, site: int, time_s: float) -> float:
    """What the cooling's dead band does to the temperature of a battery post, K: a triangle wave."""
    phase = (time_s / rooms.ripple_period_s[site]) % 1.0
    return float(rooms.ripple_k[site] * (4.0 * abs(phase - 0.5) - 1.0))


@compiled
def _rise_k(rooms: Rooms, site: int, outside_k: float, lost: float, duration_s: float) -> float:
    """Warmth after a time with a share of the cooling power lost; the part of the heat that is not removed counts."""
    power = (1.0 - lost) * rooms.cooling_margin[site] * (1.0 + _POWER_PER_K * outside_k)
    missing = min(max(1.0 + _HEAT_PER_K * outside_k - power, 0.0), 1.0)
    return float(missing * min(UNCOOLED_RATE_K_S * duration_s, HOTTEST_C - rooms.set_point_c[site]))


@compiled
def _shift_k(rooms: Rooms, site: int, time_s: float) -> float:
    """What the changes of a room add to its temperature."""
    changes, shift_k = rooms.changes, 0.0
    for change in range(changes.start_s.shape[1]):
        begun_s, ended_s = changes.start_s[site, change], min(changes.end_s[site, change], time_s)
        if time_s > begun_s:
            most_k = min(
                changes.rise_k[site, change], max(changes.hottest_c[site, change] - rooms.set_point_c[site], 0.0)
            )
            reached_k = min(changes.rate_k_s[site, change] * (ended_s - begun_s), abs(most_k))
            shift_k += math.copysign(reached_k, most_k) * _left(time_s - ended_s)
    return shift_k


@compiled
def _left(since_s: float) -> float:
    """Share of the warmth that is left some time after cooling has come back."""
    return math.exp(-since_s / _COOLING_TAU_S)
