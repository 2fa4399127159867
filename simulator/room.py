"""Battery rooms: a cooling set point that some of the weather leaks through, and warmth when the mains are out."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.climate import Climate, outdoor_c
from simulator.compiled import compiled, kernel
from simulator.mains import MainsSchedule, next_outage

_WALL_LAG_S = 2.5 * 3_600.0
# without cooling a room tends to 12 K above its set point, about 4 K in the first hour; cooling takes half an hour back
_UNCOOLED_RISE_K = 12.0
_UNCOOLED_TAU_S = 2.5 * 3_600.0
_COOLING_TAU_S = 1_800.0


class Rooms(NamedTuple):
    """Rooms of the sites; first axis: site.

    Attributes:
        set_point_c: set point of the cooling, degC, 24...27, `(n_sites,)`.
        leak: share of the outdoor deviation that reaches the room, `(n_sites,)`.
        ripple_k: half of what the cooling's dead band leaves at a battery post, K, `(n_sites,)`.
        ripple_period_s: time from one start of the cooling to the next, s, `(n_sites,)`.
    """

    set_point_c: NDArray[np.float64]
    leak: NDArray[np.float64]
    ripple_k: NDArray[np.float64]
    ripple_period_s: NDArray[np.float64]


def make_rooms(n_sites: int, seed: int) -> Rooms:
    """Draws rooms for `n_sites` sites."""
    rng = np.random.default_rng([seed, 13])
    return Rooms(
        set_point_c=24.0 + 0.5 * rng.integers(0, 7, n_sites).astype(np.float64),
        leak=rng.uniform(0.04, 0.10, n_sites),
        ripple_k=rng.uniform(0.05, 0.15, n_sites),
        ripple_period_s=rng.uniform(1_200.0, 2_400.0, n_sites),
    )


@compiled
def room_c(rooms: Rooms, climate: Climate, mains: MainsSchedule, site: int, time_s: float) -> float:
    """Room air, degC, at a time (s since 1970 UTC), without the dead band's ripple: batteries are too slow for it."""
    outside = outdoor_c(climate, site, time_s - _WALL_LAG_S) - climate.mean_c[site]
    value = rooms.set_point_c[site] + rooms.leak[site] * outside
    outage = next_outage(mains, site, time_s)
    if time_s > mains.start_s[site, outage]:
        return float(value + _uncooled_rise(time_s - mains.start_s[site, outage]))
    if outage > 0:
        end_s = mains.end_s[site, outage - 1]
        rise = _uncooled_rise(end_s - mains.start_s[site, outage - 1])
        value += rise * math.exp(-(time_s - end_s) / _COOLING_TAU_S)
    return float(value)


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
def _uncooled_rise(duration_s: float) -> float:
    return _UNCOOLED_RISE_K * (1.0 - math.exp(-duration_s / _UNCOOLED_TAU_S))
