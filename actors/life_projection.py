"""Years of life of a fleet, many times over: when blocks come to their end, and when their successors do.

The law is that of `remaining_life`: d(theta)/dt = m (f AF_T AF_V / L + wear of cycles), theta being the share of life
used, and its end at theta = 1 (vrla facts, section 3.3). m says how much faster than its data sheet a block ages; what
is known of that comes from the evidence of its past. f is what a scenario adds, AF_T the ageing factor of its room,
integrated by the hour, AF_V that of its float voltage. Capacity falls from what its twin tells, by fade(theta).
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter_ladder import LIFE_SPREAD
from batterytwin.errors import InvalidArgumentError
from batterytwin.life import MEDIAN, QUANTILES, Floats

_DAY_S: Final = 86_400.0
_MOST_ENDS: Final = 120
"""Of one slot within the horizon; a member of the whole fleet takes 0.9 MB then."""
_CHUNK: Final = 10
_SCORES: Final = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
_MOST_BY_SPEED: Final = 0.95
_WEATHER_K: Final = 0.3
"""By how much the mean temperature of years at one site differs, standard deviation."""


@dataclass(frozen=True, slots=True)
class LifeBlocks:
    """Blocks whose lives go on; columns have shape `(n_blocks,)` where nothing else is said.

    Attributes:
        site: number of the site.
        offset_k: how much warmer than its room the block is, K.
        wear: share of life used if the block were one of the data sheet.
        ln_speed: ln m at 5, 25, 50, 75, 95 %, `(n_blocks, 5)`.
        soh: capacity over rated.
        soh_sigma: its sigma.
        life_s: life at 20 degC and the recommended voltage, s.
        exponent: of the loss of capacity over life.
        fade_at_end: loss of capacity at the end of life, fraction of rated.
        stress: factor of the float voltage.
        cycles_per_s: share of life that discharges use, 1/s.
        factor_day: days from now on which the factors of a scenario change, rising, the first 0, `(n_spans,)`.
        factor: what a scenario multiplies the calendar's rate by from each of them on, whatever block is in the slot by
            then; 1 = nothing, `(n_spans, n_blocks)`.
    """

    site: NDArray[np.int64]
    offset_k: Floats
    wear: Floats
    ln_speed: Floats
    soh: Floats
    soh_sigma: Floats
    life_s: Floats
    exponent: Floats
    fade_at_end: Floats
    stress: Floats
    cycles_per_s: Floats
    factor_day: Floats
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

    Raises:
        InvalidArgumentError: blocks age so fast that a slot has more ends within the horizon than can be kept.
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
    z, own = (np.stack([rng.standard_normal(shape[1]) for rng in drawn]) for _ in range(2))
    clock = _Clock(blocks, ageing, blocks.offset_k + weather_k)
    speed = np.exp(_at_scores(blocks.ln_speed, z))
    # a block that ages faster than its kind has lost more already: so far its sigma is that of its speed
    fade_0 = blocks.fade_at_end * (np.exp(blocks.ln_speed[:, MEDIAN]) * blocks.wear) ** blocks.exponent
    ln_sigma = (blocks.ln_speed[:, -1] - blocks.ln_speed[:, 0]) / (_SCORES[-1] - _SCORES[0])
    by_speed = np.clip(blocks.exponent * fade_0 * ln_sigma / np.maximum(blocks.soh_sigma, 1e-6), 0.0, _MOST_BY_SPEED)
    soh_0 = blocks.soh - blocks.soh_sigma * (by_speed * z + np.sqrt(1.0 - by_speed**2) * own)
    begin, wear, over = np.zeros(shape), np.broadcast_to(blocks.wear, shape), np.zeros(shape, np.bool_)
    soh = np.empty((len(soh_days), *shape), np.float32)
    for k, day in enumerate(soh_days):
        theta = speed * (wear + clock.aged(begin, np.full(shape, float(day))))
        soh[k] = soh_0 - blocks.fade_at_end * (theta**blocks.exponent - (speed * wear) ** blocks.exponent)
    ends: list[NDArray[np.float32]] = []
    while not over.all():
        if len(ends) == _MOST_ENDS:
            raise InvalidArgumentError(
                f"Blocks would be replaced more than {_MOST_ENDS} times within these years; choose fewer years or a "
                "smaller factor on ageing.",
                field="years",
            )
        end = np.where(over, np.inf, clock.when(begin, np.maximum(1.0 / speed - wear, 0.0)))
        ends.append(end.astype(np.float32))
        over = np.isinf(end)
        begin, wear = np.where(over, begin, end), np.zeros(shape)
        speed = np.exp(LIFE_SPREAD * np.stack([rng.standard_normal(shape[1]) for rng in drawn]))
    return np.stack(ends, axis=2), soh


def _at_scores(quantiles: Floats, z: Floats) -> Floats:
    """Values at normal scores between and beyond quantiles that are told at `_SCORES`, `(n_members, n_blocks)`."""
    left = np.clip(np.searchsorted(_SCORES, z) - 1, 0, len(_SCORES) - 2)
    block = np.broadcast_to(np.arange(len(quantiles)), z.shape)
    below, above = quantiles[block, left], quantiles[block, left + 1]
    found: Floats = below + (z - _SCORES[left]) / (_SCORES[left + 1] - _SCORES[left]) * (above - below)
    return found


class _Clock:
    """Share of life that blocks of ordinary speed use between days, and the other way round."""

    def __init__(self, blocks: LifeBlocks, ageing: SiteAgeing, offset_k: Floats) -> None:
        step_k = ageing.offsets_k[1] - ageing.offsets_k[0]
        place = np.clip((offset_k - ageing.offsets_k[0]) / step_k, 0.0, len(ageing.offsets_k) - 1.001)
        self._left = place.astype(np.int64)
        self._share = place - self._left
        self._site = np.broadcast_to(blocks.site, offset_k.shape)
        self._ageing = ageing
        self._per_s = blocks.stress / blocks.life_s
        self._cycles_per_day = _DAY_S * blocks.cycles_per_s
        begins_s = [self._aged_by(day) for day in blocks.factor_day.tolist()]
        ends_s = [*begins_s[1:], np.full(self._site.shape, np.inf)]
        self._spans = list(zip(blocks.factor, begins_s, ends_s, strict=True))

    def _aged_s(self, day: NDArray[np.int64]) -> Floats:
        """Integral of the ageing factor from now to a midnight, s."""
        table, site, left = self._ageing.aged_s, self._site, self._left
        below, above = table[site, day, left], table[site, day, left + 1]
        aged_s: Floats = below + self._share * (above - below)
        return aged_s

    def _aged_by(self, day: float) -> Floats:
        """The same to any time, days; after the horizon it is that of the horizon."""
        whole = np.full(self._site.shape, min(int(day), self._ageing.days - 1))
        before = self._aged_s(whole)
        return before + (min(day, self._ageing.days) - whole) * (self._aged_s(whole + 1) - before)

    def _at(self, day: NDArray[np.int64]) -> Floats:
        """Life used from now to a midnight."""
        aged_s, scaled_s = self._aged_s(day), np.zeros(day.shape)
        for factor, begin_s, end_s in self._spans:
            scaled_s += factor * (np.clip(aged_s, begin_s, end_s) - begin_s)
        used: Floats = scaled_s * self._per_s + day * self._cycles_per_day
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
