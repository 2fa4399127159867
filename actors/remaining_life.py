"""Remaining life by the physics of the twin: the life law, the evidence for how fast this block ages, and its climate.

d(theta)/dt = m (AF_T AF_U / L + wear of cycles), end of life at theta = 1 (vrla facts, section 3.3). How much faster
than its data sheet a block ages, m, has a log-normal prior of its population; evidence makes it narrower. A block that
still serves is not likely to have come to its end: that counts as evidence too, so that an old block is a slow one.
Where its capacity is known to lie below the limit, the end has come, however young it is: the least is told.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from actors.filter_ladder import LIFE_SPREAD
from actors.life_inputs import life_records
from actors.remaining_life_evidence import by_capacity, by_float_current, by_resistance, is_over
from actors.remaining_life_rate import LifeRates, life_rates
from batterytwin.life import FACTORS, MEDIAN, QUANTILES, Floats, LifeFactor

SHORTEST_DAYS: Final = 1.0
"""Least that is told, days, so that logarithms hold."""

ROWS_TOGETHER: Final = 512
"""Batteries that are worked on at once: their grids then fit into the processor's cache, and a fleet into memory."""

_DAY_S: Final = 86_400.0
_GRID: Final = 141
_SIGMAS: Final = 4.0
_PAST_END: Final = 25.0
"""How fast it becomes unlikely, per life beyond the end, that a block that serves is that old."""


@dataclass(frozen=True, slots=True)
class LifePopulation:
    """How fast blocks of a kind age against their data sheet: ln m is normal.

    Attributes:
        ln_mean: mean of ln m; < 0 where blocks outlive their data sheet.
        ln_sigma: standard deviation of ln m.
        resistance_share: rise of resistance over what the data sheet gives to the same loss of capacity.
    """

    ln_mean: float = 0.0
    ln_sigma: float = LIFE_SPREAD
    resistance_share: float = 1.0


DATASHEET_POPULATION: Final = LifePopulation()
"""What is believed where no population was followed to its end."""


@dataclass(frozen=True, slots=True)
class PhysicsLife:
    """Remaining life of batteries by physics alone; NaN for a battery without any reading.

    Attributes:
        quantile_days: at `QUANTILES`, days, `(n_batteries, 5)`, not decreasing.
        effects: what each of `FACTORS` adds to ln(median / life of the data sheet at 20 degC), `(n_batteries, 8)`.
        rates: wear and rate that they rest on.
        speed_quantiles: ln m at 1 - `QUANTILES`, so that they belong to the quantiles of life, `(n_batteries, 5)`.
    """

    quantile_days: Floats
    effects: Floats
    rates: LifeRates
    speed_quantiles: Floats


def physics_life(
    inputs: Floats, population: LifePopulation = DATASHEET_POPULATION, *, warmer_k: float = 0.0
) -> PhysicsLife:
    """Remaining life of batteries.

    Args:
        inputs: rows of `LifeInputs`, `(n_batteries, N_LIFE_INPUTS)`, C-contiguous.
        population: how fast blocks of this kind age.
        warmer_k: by how much the future is to be warmer than the climate of the site, K.
    """
    blocks = [inputs[first : first + ROWS_TOGETHER] for first in range(0, max(len(inputs), 1), ROWS_TOGETHER)]
    parts = [_life_of_block(block, population, warmer_k) for block in blocks]
    rates = [np.concatenate([getattr(part.rates, one.name) for part in parts]) for one in fields(LifeRates)]
    return PhysicsLife(
        np.concatenate([part.quantile_days for part in parts]),
        np.concatenate([part.effects for part in parts]),
        LifeRates(*rates),
        np.concatenate([part.speed_quantiles for part in parts]),
    )


def _life_of_block(inputs: Floats, population: LifePopulation, warmer_k: float) -> PhysicsLife:
    x = life_records(inputs)
    rates = life_rates(x, warmer_k)
    known = (x["as_of_us"] > 0.0) & np.isfinite(rates.wear)
    wear = np.where(known, rates.wear, 0.0)
    ln_speed = _grid(population, wear)
    speed = np.exp(ln_speed)
    usual = np.minimum(np.exp(population.ln_mean), 1.0 / np.maximum(wear, 1e-6))
    belief = -0.5 * ((ln_speed - population.ln_mean) / population.ln_sigma) ** 2
    belief -= _PAST_END * np.maximum(speed * wear[:, np.newaxis] - 1.0, 0.0)
    levels = 1.0 - np.array(QUANTILES)
    steps = [_quantiles(ln_speed, belief, levels[[MEDIAN]])]
    for found in (
        by_resistance(x, rates, speed, usual, population.resistance_share),
        by_float_current(x, rates, speed),
        by_capacity(x, rates, speed, usual),
    ):
        belief += np.where(known[:, np.newaxis], found, 0.0)
        steps.append(_quantiles(ln_speed, belief, levels[[MEDIAN]]))
    quantiles = _quantiles(ln_speed, belief, levels)
    least = SHORTEST_DAYS * _DAY_S * rates.per_s[:, np.newaxis]
    left = np.where(is_over(x)[:, np.newaxis], least, np.maximum(np.exp(-quantiles) - rates.wear[:, np.newaxis], least))
    days = np.where(known[:, np.newaxis], left / (rates.per_s[:, np.newaxis] * _DAY_S), np.nan)
    ln_left = np.log(np.maximum(np.exp(-np.concatenate(steps, axis=1)) - rates.wear[:, np.newaxis], least))
    ln_left[:, -1] = np.log(left[:, MEDIAN])
    effects = _effects(rates, population, ln_left, x["life_per_s_20c"])
    return PhysicsLife(np.maximum.accumulate(days, axis=1), effects, rates, quantiles)


def _grid(population: LifePopulation, wear: Floats) -> Floats:
    """Grid of ln m: four sigmas to both sides, and down to what a block of that wear can be, `(n, n_grid)`."""
    reach = _SIGMAS * population.ln_sigma
    low = np.minimum(population.ln_mean - reach, -np.log(np.maximum(wear, 1e-6)) - 0.5 * reach)
    high = np.full_like(low, population.ln_mean + reach)
    return np.asarray(np.linspace(low, high, _GRID, axis=1), np.float64)


def _quantiles(grid: Floats, ln_weight: Floats, levels: Floats) -> Floats:
    """Quantiles of distributions that are given on grids, `(n, n_levels)`."""
    weight = np.exp(ln_weight - ln_weight.max(axis=1, keepdims=True))
    below = np.cumsum(weight, axis=1)
    below = np.concatenate([np.zeros((len(grid), 1)), 0.5 * (below[:, 1:] + below[:, :-1]) - 0.5 * weight[:, :1]], 1)
    below /= below[:, -1:]
    found = np.empty((len(grid), len(levels)))
    rows = np.arange(len(grid))
    for k, level in enumerate(levels):
        upper = np.clip((below < level).sum(axis=1), 1, grid.shape[1] - 1)
        span = below[rows, upper] - below[rows, upper - 1]
        share = np.divide(level - below[rows, upper - 1], span, out=np.zeros(len(grid)), where=span > 0.0)
        found[:, k] = grid[rows, upper - 1] + share * (grid[rows, upper] - grid[rows, upper - 1])
    return found


def _effects(rates: LifeRates, population: LifePopulation, ln_left: Floats, life_per_s: Floats) -> Floats:
    calendar = rates.temperature_factor * rates.voltage_factor * life_per_s
    terms = {
        LifeFactor.TEMPERATURE: -np.log(rates.temperature_factor),
        LifeFactor.VOLTAGE: -np.log(rates.voltage_factor),
        LifeFactor.CYCLES: -np.log1p(rates.cycles_per_s / calendar),
        LifeFactor.AGE: ln_left[:, 0] + population.ln_mean,
        LifeFactor.RESISTANCE: ln_left[:, 1] - ln_left[:, 0],
        LifeFactor.FLOAT_CURRENT: ln_left[:, 2] - ln_left[:, 1],
        LifeFactor.CAPACITY: ln_left[:, 3] - ln_left[:, 2],
        LifeFactor.OTHER: np.full(len(ln_left), -population.ln_mean),
    }
    return np.stack([terms[factor] for factor in FACTORS], axis=1)
