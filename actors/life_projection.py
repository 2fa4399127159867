"""Years of life of a fleet, many times over: when blocks come to their end, and when their successors do.

d(theta)/dt = m f s AF_T / L with theta the share of life used (vrla facts, section 3.3): m says how much faster than
its data sheet a block ages, f what a scenario adds, s the stress of its float voltage, AF_T the ageing factor of its
room, integrated by the hour. Capacity falls from what its twin tells, by fade(theta); the end is where the data sheet
has it. Wear of outages is left out: some a year that last minutes take less than a thousandth of a life (section 1.5).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter_ladder import LIFE_SPREAD

Floats = NDArray[np.float64]

_DAY_S: Final = 86_400.0
_MOST_ENDS: Final = 12
_CHUNK: Final = 10
_WEATHER_K: Final = 0.3
"""By how much the mean temperature of years at one site differs, standard deviation."""


@dataclass(frozen=True, slots=True)
class LifeBlocks:
    """Blocks whose lives go on; every column has shape `(n_blocks,)`.

    Attributes:
        site: number of the site.
        offset_k: how much warmer than its room the block is, K.
        life_fraction: share of life used, by the data sheet's law.
        soh: capacity over rated.
        soh_sigma: its sigma.
        life_s: life at 20 degC and the recommended voltage, s.
        exponent: of the loss of capacity over life.
        fade_at_end: loss of capacity at the end of life, fraction of rated.
        stress: factor of the float voltage.
        factor: what a scenario multiplies the rate by; 1 = nothing.
    """

    site: NDArray[np.int64]
    offset_k: Floats
    life_fraction: Floats
    soh: Floats
    soh_sigma: Floats
    life_s: Floats
    exponent: Floats
    fade_at_end: Floats
    stress: Floats
    factor: Floats


@dataclass(frozen=True, slots=True)
class SiteAgeing:
    """What rooms do to blocks over a time to come.

    Attributes:
        offsets_k: grid of temperatures over the room's, evenly spaced, K, `(n_offsets,)`.
        aged_s: integral of the ageing factor (1 at 20 degC) up to each midnight, s, `(n_sites, n_days + 1, n_offsets)`.
    """

    offsets_k: Floats
    aged_s: Floats

    @property
    def days(self) -> int:
        """How far it reaches."""
        return int(self.aged_s.shape[1]) - 1


@dataclass(frozen=True, slots=True)
class LifeEnsemble:
    """Lives of the blocks in every member.

    Attributes:
        end_day: days from now at which the block of each slot comes to its end, then its successors (each is replaced
            at once), infinite = after the horizon; `(n_members, n_blocks, n_ends)`.
        soh: capacity over rated at each of `soh_days` where nothing is replaced, `(n_soh_days, n_members, n_blocks)`.
    """

    end_day: NDArray[np.float32]
    soh: NDArray[np.float32]


def project_life(
    blocks: LifeBlocks,
    ageing: SiteAgeing,
    *,
    members: int,
    seed: int,
    soh_days: tuple[int, ...] = (),
    progress: Callable[[float], None] = lambda _share: None,
) -> LifeEnsemble:
    """Lives on, member by member; the same seed gives the same members, whatever the scenario.

    Args:
        blocks: the blocks now.
        ageing: their rooms.
        members: size of the ensemble.
        seed: draws how fast each block ages, what its capacity is, and the weather of the years.
        soh_days: days at which capacities are wanted, within the horizon.
        progress: told the share that is done; may raise to cancel.
    """
    parts = []
    for first in range(0, members, _CHUNK):
        numbers = range(first, min(first + _CHUNK, members))
        parts.append(_members(blocks, ageing, seed, numbers, soh_days))
        progress(numbers.stop / members)
    widest = max(ends.shape[2] for ends, _ in parts)
    padded = [np.pad(e, ((0, 0), (0, 0), (0, widest - e.shape[2])), constant_values=np.inf) for e, _ in parts]
    return LifeEnsemble(np.concatenate(padded), np.concatenate([soh for _, soh in parts], axis=1))


def _members(
    blocks: LifeBlocks, ageing: SiteAgeing, seed: int, numbers: range, soh_days: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    shape = (len(numbers), len(blocks.site))
    drawn = [np.random.default_rng([seed, 31, number]) for number in numbers]
    n_sites = ageing.aged_s.shape[0]
    weather_k = np.stack([_WEATHER_K * rng.standard_normal(n_sites) for rng in drawn])[:, blocks.site]
    ln_speed, own = (np.stack([rng.standard_normal(shape[1]) for rng in drawn]) for _ in range(2))
    clock = _Clock(blocks, ageing, blocks.offset_k + weather_k)
    # a block that ages faster than its kind has lost more already: so far its sigma is that of its speed
    fade_0 = blocks.fade_at_end * blocks.life_fraction**blocks.exponent
    by_speed = np.clip(blocks.exponent * fade_0 * LIFE_SPREAD / np.maximum(blocks.soh_sigma, 1e-6), 0.0, 0.95)
    soh_0 = blocks.soh - blocks.soh_sigma * (by_speed * ln_speed + np.sqrt(1.0 - by_speed**2) * own)
    speed = np.exp(LIFE_SPREAD * ln_speed)
    begin, theta_0, over = np.zeros(shape), speed * blocks.life_fraction, np.zeros(shape, np.bool_)
    soh = np.empty((len(soh_days), *shape), np.float32)
    for k, day in enumerate(soh_days):
        theta = theta_0 + speed * clock.aged(begin, np.full(shape, float(day)))
        soh[k] = soh_0 - blocks.fade_at_end * (theta**blocks.exponent - theta_0**blocks.exponent)
    ends = []
    for _ in range(_MOST_ENDS):
        spent = blocks.fade_at_end * theta_0**blocks.exponent
        left = np.maximum(soh_0 - (1.0 - blocks.fade_at_end) + spent, 0.0) / blocks.fade_at_end
        theta_end = left ** (1.0 / blocks.exponent)
        end = np.where(over, np.inf, clock.when(begin, np.maximum(theta_end - theta_0, 0.0) / speed))
        ends.append(end.astype(np.float32))
        over = np.isinf(end)
        if over.all():
            break
        begin = np.where(over, begin, end)
        theta_0, soh_0 = np.zeros(shape), np.ones(shape)
        speed = np.exp(LIFE_SPREAD * np.stack([rng.standard_normal(shape[1]) for rng in drawn]))
    return np.stack(ends, axis=2), soh


class _Clock:
    """Share of life that blocks of ordinary speed use between days, and the other way round."""

    def __init__(self, blocks: LifeBlocks, ageing: SiteAgeing, offset_k: Floats) -> None:
        step_k = ageing.offsets_k[1] - ageing.offsets_k[0]
        place = np.clip((offset_k - ageing.offsets_k[0]) / step_k, 0.0, len(ageing.offsets_k) - 1.001)
        self._left = place.astype(np.int64)
        self._share = place - self._left
        self._site = np.broadcast_to(blocks.site, offset_k.shape)
        self._ageing = ageing
        self._per_s = blocks.factor * blocks.stress / blocks.life_s

    def _at(self, day: NDArray[np.int64]) -> Floats:
        """Life used from now to a midnight."""
        table, site, left = self._ageing.aged_s, self._site, self._left
        below, above = table[site, day, left], table[site, day, left + 1]
        used: Floats = (below + self._share * (above - below)) * self._per_s
        return used

    def _used(self, day: Floats) -> Floats:
        """Life used from now to a time, days."""
        whole = np.minimum(day.astype(np.int64), self._ageing.days - 1)
        before = self._at(whole)
        used: Floats = before + (day - whole) * (self._at(whole + 1) - before)
        return used

    def aged(self, begin: Floats, end: Floats) -> Floats:
        """Life used between two times, days."""
        return np.maximum(self._used(end) - self._used(begin), 0.0)

    def when(self, begin: Floats, life: Floats) -> Floats:
        """When so much life has been used since `begin`, days; infinite = after the horizon."""
        wanted = self._used(begin) + life
        low = np.zeros(begin.shape, np.int64)
        high = np.full(begin.shape, self._ageing.days, np.int64)
        beyond = self._at(high) < wanted
        while (high - low > 1).any():
            middle = (low + high) // 2
            over = self._at(middle) >= wanted
            high, low = np.where(over, middle, high), np.where(over, low, middle)
        before, after = self._at(low), self._at(high)
        day = low + np.clip((wanted - before) / np.maximum(after - before, 1e-30), 0.0, 1.0)
        return np.where(beyond, np.inf, np.maximum(day, begin))
