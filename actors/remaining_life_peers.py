"""What the peers of a battery say of it: blocks of one fleet, and of one site of it, age alike.

How fast a block ages against its data sheet, ln m, is the sum of what its fleet has in common (the make, the trade of
those who look after it), what its site has in common beyond that, and what it is of its own. One block's evidence is
weak; what hundreds say together is not. So the prior of a block is that of its population, moved by everybody's
evidence but its own: empirical Bayes on a grid of what a site and its fleet have in common.
"""

from typing import Final

import numpy as np

from actors.life_inputs import life_records
from actors.remaining_life import ROWS_TOGETHER, LifePopulation, speed_evidence
from actors.remaining_life_rate import life_rates
from batterytwin.life import Floats, Ints
from batterytwin.telemetry import Rows

SHARED_ERROR: Final = 0.05
"""Correlation of the errors of evidence among peers (one instrument, one shape of fade): however many they are, they
know no more than 1 / SHARED_ERROR of them."""

_Z: Final = np.linspace(-3.5, 3.5, 41)
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
    in_common = float(np.hypot(population.fleet_sigma, population.site_sigma))
    shifts = _Z * in_common
    said = _said(x, population, shifts)
    site_names, first, site_of = np.unique(site, return_index=True, return_inverse=True)
    fleet_of_site = np.unique(fleet[first], return_inverse=True)[1]
    at_site = _sums(said, site_of, len(site_names))
    others = (at_site[site_of] - said) * _trust(_voices_of_others(said, site_of))[:, np.newaxis]
    whole_site = at_site * _trust(_voices(said, site_of, len(site_names)))[:, np.newaxis]
    # from what a site has in common to what its fleet has, and back
    passed = _normal(shifts, population.site_sigma)
    by_site = _log_product(whole_site, passed)
    elsewhere = _sums(by_site, fleet_of_site, len(site_names))[fleet_of_site] - by_site
    elsewhere *= _trust(_voices_of_others(by_site, fleet_of_site))[:, np.newaxis]
    of_fleet = elsewhere - 0.5 * (shifts / population.fleet_sigma) ** 2
    weight = _weights(_log_product(of_fleet, passed.T)[site_of] + others)
    mean = weight @ shifts
    x["peer_ln_speed"] = mean
    x["peer_ln_speed_sigma"] = np.sqrt(np.maximum(weight @ (shifts * shifts) - mean * mean, 1e-6))
    return told


def _said(inputs: Rows, population: LifePopulation, shifts: Floats) -> Floats:
    """Log likelihood of what is in common by each battery's own record, `(n_batteries, n_shifts)`."""
    said = np.empty((len(inputs), len(shifts)))
    for first in range(0, len(inputs), ROWS_TOGETHER):
        rows = slice(first, first + ROWS_TOGETHER)
        evidence = speed_evidence(inputs[rows], life_rates(inputs[rows]), population)
        seen = evidence.together
        likelihood = np.exp(seen - seen.max(axis=1, keepdims=True))
        off = (evidence.ln_speed - population.ln_mean) / population.own_sigma
        for place, shift in enumerate(shifts / population.own_sigma):
            said[rows, place] = (likelihood * np.exp(-0.5 * (off - shift) ** 2)).sum(axis=1)
    said = np.log(said + _TINY)
    return np.asarray(said - said.max(axis=1, keepdims=True), np.float64)


def _normal(shifts: Floats, sigma: float) -> Floats:
    """Normal densities of each shift (rows) around each (columns), normalised over the rows."""
    step = shifts[1] - shifts[0]
    density = np.exp(-0.5 * ((shifts[:, np.newaxis] - shifts) / max(sigma, 0.5 * step)) ** 2)
    return np.asarray(density / density.sum(axis=0), np.float64)


def _log_product(belief: Floats, passed: Floats) -> Floats:
    top = belief.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(belief - top) @ passed + _TINY) + top, np.float64)


def _sums(values: Floats, number: Ints, count: int) -> Floats:
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, number, values)
    return total


def _information(said: Floats) -> Floats:
    """How much each says, in precisions of what is believed beforehand, `(n,)`."""
    prior = -0.5 * _Z * _Z
    narrower, alone = (_weights(belief) for belief in (said + prior, prior[np.newaxis]))
    variance, usual = (weight @ (_Z * _Z) - (weight @ _Z) ** 2 for weight in (narrower, alone))
    return np.asarray(np.maximum(usual / np.maximum(variance, 1e-6) - 1.0, 0.0), np.float64)


def _voices(said: Floats, number: Ints, count: int) -> Floats:
    """How many in each group speak: those who say little count little (Kish's effective size)."""
    known = _information(said)
    return np.asarray(_sums(known, number, count) ** 2 / (_sums(known**2, number, count) + _TINY), np.float64)


def _voices_of_others(said: Floats, number: Ints) -> Floats:
    """The same of the others of each one's group."""
    known, count = _information(said), int(number.max()) + 1
    sum_of, squares = (_sums(values, number, count)[number] - values for values in (known, known**2))
    return np.asarray(np.maximum(sum_of, 0.0) ** 2 / (np.maximum(squares, 0.0) + _TINY), np.float64)


def _trust(voices: Floats) -> Floats:
    """What the sum of so many voices counts, since their errors are alike."""
    return np.asarray(1.0 / (1.0 + SHARED_ERROR * np.maximum(voices - 1.0, 0.0)), np.float64)


def _weights(belief: Floats) -> Floats:
    weight = np.exp(belief - belief.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), np.float64)
