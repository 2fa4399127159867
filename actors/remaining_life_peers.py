"""What the peers of a battery say of it: blocks of one fleet, and of one site of it, age alike.

How fast a block ages against its data sheet, ln m, is the sum of what its fleet has in common (the make, the trade of
those who look after it), what its site has in common beyond that, and what it is of its own. One block's evidence is
weak; what hundreds say together is not. So the prior of a block is that of its population, moved by everybody's
evidence but its own: empirical Bayes, level by level.
"""

from typing import Final

import numpy as np

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation, speed_evidence
from actors.remaining_life_rate import life_rates
from batterytwin.life import Floats, Ints

SHARED_ERROR: Final = 0.05
"""Correlation of the errors of evidence within a group (one instrument, one shape of fade): however many blocks there
are, they know no more than 1 / SHARED_ERROR of them."""

_Z: Final = np.linspace(-3.0, 3.0, 25)
_TINY: Final = 1e-300


def with_peers(inputs: Floats, population: LifePopulation, fleet: Ints, site: Ints) -> Floats:
    """The same inputs with what the peers of each battery say.

    Args:
        inputs: rows of `LifeInputs`, `(n_batteries, N_LIFE_INPUTS)`, of one moment.
        population: how fast blocks of this kind age, and how alike they are.
        fleet: number of each battery's fleet, `(n_batteries,)`: blocks of one make under one operator.
        site: number of each battery's site, not the same for two fleets.
    """
    told = np.array(inputs, np.float64, order="C")
    x = life_records(told)
    evidence = speed_evidence(x, life_rates(x), population)
    seen = evidence.together
    likelihood = np.exp(seen - seen.max(axis=1, keepdims=True))
    base, sigma = np.full(len(told), population.ln_mean), np.full(len(told), population.fleet_sigma)
    shift = np.zeros(len(told))
    within = float(np.hypot(population.own_sigma, population.site_sigma))
    for group, own_sigma, more_sigma in ((fleet, within, population.site_sigma), (site, population.own_sigma, 0.0)):
        moved, sigma = _moved(evidence.ln_speed, likelihood, base + shift, sigma, own_sigma, group)
        shift, sigma = shift + moved, np.hypot(sigma, more_sigma)
    x["peer_ln_speed"], x["peer_ln_speed_sigma"] = shift, sigma
    return told


def _moved(  # noqa: PLR0917 # one step of a hierarchy
    ln_speed: Floats, likelihood: Floats, base: Floats, sigma: Floats, own_sigma: float, group: Ints
) -> tuple[Floats, Floats]:
    """Mean and standard deviation of what a group has in common, for each of its members from the others."""
    told = np.empty((len(base), len(_Z)))
    for place, z in enumerate(_Z):
        off = (ln_speed - (base + z * sigma)[:, np.newaxis]) / own_sigma
        told[:, place] = np.log((likelihood * np.exp(-0.5 * off * off)).sum(axis=1) + _TINY)
    told -= told.max(axis=1, keepdims=True)
    _, number = np.unique(group, return_inverse=True)
    prior = -0.5 * _Z * _Z
    information = np.maximum(1.0 / _variance(told + prior) - 1.0 / _variance(prior[np.newaxis]), 0.0)
    voices = _others(information, number) ** 2 / np.maximum(_others(information**2, number), _TINY)
    tempered = _others(told, number) / (1.0 + SHARED_ERROR * np.maximum(voices - 1.0, 0.0))[:, np.newaxis]
    belief = tempered + prior
    return _weights(belief) @ _Z * sigma, np.sqrt(_variance(belief)) * sigma


def _others(values: Floats, number: Ints) -> Floats:
    """Sums over the others of a group, for each of its members."""
    total = np.zeros((int(number.max()) + 1, *values.shape[1:]))
    np.add.at(total, number, values)
    return np.asarray(total[number] - values, np.float64)


def _weights(belief: Floats) -> Floats:
    weight = np.exp(belief - belief.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float64)


def _variance(belief: Floats) -> Floats:
    """Of z, `(n,)`, in units of what is believed beforehand."""
    weight = _weights(belief)
    mean = weight @ _Z
    return np.asarray(np.clip(weight @ (_Z * _Z) - mean * mean, 1e-6, 1.0), np.float64)
