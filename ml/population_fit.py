"""How fast blocks of a kind age against their data sheet, from batteries of which most were not seen to end."""

from dataclasses import replace

import numpy as np

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation
from batterytwin.life import Floats, Ints
from ml.life_table import LifeTable

_MEANS = np.linspace(-0.9, 0.5, 71)
_SIGMAS = np.linspace(0.10, 0.50, 41)
_TINY = 1e-12
_CLEAR_RISE = 0.08
_FEWEST = 30


def fit_population(table: LifeTable, wear: Floats, watched_wear: Floats, per_s: Floats) -> LifePopulation:
    """Maximum likelihood of a normal ln m under censoring and under the first look at a battery that already served.

    Args:
        table: battery-months, in time order within each battery.
        wear: of each row, in lives of the data sheet.
        watched_wear: the part of it that readings cover.
        per_s: rate at which it goes on, 1/s.
    """
    _, first = np.unique(table.battery, return_index=True)
    last = last_rows(table)
    end = -np.log(wear[last] + per_s[last] * table.lower_days[last] * 86_400.0)
    seen_from = -np.log(np.maximum(wear[first], 1e-3))
    ended = table.ended[last]
    best, found = -np.inf, LifePopulation()
    for mean in _MEANS:
        for sigma in _SIGMAS:
            z = (end - mean) / sigma
            told = np.where(ended, -0.5 * z * z - np.log(sigma), np.log(normal_share(z) + _TINY))
            likelihood = float((told - np.log(normal_share((seen_from - mean) / sigma) + _TINY)).sum())
            if likelihood > best:
                best, found = likelihood, LifePopulation(float(mean), float(sigma))
    return replace(found, resistance_share=_resistance_share(table, wear, watched_wear, per_s))


def _resistance_share(table: LifeTable, wear: Floats, watched_wear: Floats, per_s: Floats) -> float:
    """Median rise of resistance over that of the data sheet, of batteries whose end, and with it speed, was seen."""
    x = life_records(table.inputs)
    speed = 1.0 / (wear + per_s * np.where(table.ended, table.lower_days, np.nan) * 86_400.0)
    first = np.maximum(wear - watched_wear, 0.0)
    theta = (speed * wear) ** x["life_exponent"] - (speed * first) ** x["life_exponent"]
    expected = x["fade_at_end"] / x["fade_per_resistance"] * theta
    known = np.isfinite(x["resistance_drift"]) & (expected > _CLEAR_RISE)
    return float(np.median(x["resistance_drift"][known] / expected[known])) if known.sum() > _FEWEST else 1.0


def normal_share(z: Floats) -> Floats:
    """Distribution function of the normal distribution, within 8e-8 (Abramowitz and Stegun 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    beyond = 0.3989422804014327 * np.exp(-0.5 * z * z) * series
    return np.asarray(np.where(z >= 0.0, 1.0 - beyond, beyond), np.float64)


def last_rows(table: LifeTable) -> Ints:
    """Last row of each battery, in the order of their numbers."""
    _, reverse = np.unique(table.battery[::-1], return_index=True)
    return np.asarray(len(table) - 1 - reverse, np.int64)
