"""What the rooms of sites will do to blocks: the ageing factor of every hour, summed by the day."""

from typing import Final

import numpy as np

from simulator.ageing import acceleration
from simulator.climate import Climate
from simulator.compiled import kernel
from simulator.mains import MainsSchedule
from simulator.parameters import Floats
from simulator.room import Rooms, room_c
from simulator.world import World

_HOURS_A_DAY: Final = 24


def ageing_by_day(world: World, begin_s: float, days: int, offsets_k: Floats) -> Floats:
    """Integral of the ageing factor (1 at 20 degC) up to each midnight after the begin, s.

    The mean of the exponential over the hours of the day, with season, weather and whatever happens to the room.

    Args:
        world: climate and rooms.
        begin_s: begin, s since 1970 UTC.
        days: how many.
        offsets_k: temperatures of blocks over that of the room, K, `(n_offsets,)`.

    Returns:
        `(n_sites, days + 1, n_offsets)`.
    """
    activation_k = float(world.strings.activation_k.mean())
    aged_s = np.zeros((len(world.rooms.leak), days + 1, len(offsets_k)))
    for site in range(len(aged_s)):
        _sum_site(world.rooms, world.climate, world.mains, site, begin_s, activation_k, offsets_k, aged_s)
    return aged_s


@kernel
def _sum_site(  # noqa: PLR0917 - kernels take no keywords
    rooms: Rooms,
    climate: Climate,
    mains: MainsSchedule,
    site: int,
    begin_s: float,
    activation_k: float,
    offsets_k: Floats,
    aged_s: Floats,
) -> None:
    step_s = 86_400.0 / _HOURS_A_DAY
    for day in range(aged_s.shape[1] - 1):
        aged_s[site, day + 1] = aged_s[site, day]
        for hour in range(_HOURS_A_DAY):
            middle_s = begin_s + 86_400.0 * day + step_s * (hour + 0.5)
            air_c = room_c(rooms, climate, mains, site, middle_s)
            for k in range(len(offsets_k)):
                aged_s[site, day + 1, k] += step_s * acceleration(air_c + offsets_k[k], activation_k)
