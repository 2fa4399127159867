"""How fast a battery will age: the climate of its own site over a year, with the voltage and the cycles of its past.

The present reading does not enter: one hot night does not shorten a life, a hot room does.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.life_inputs import AGEING_MONTHS
from batterytwin.life import Floats
from batterytwin.telemetry import Rows

ZERO_C_K: Final = 273.15
REFERENCE_K: Final = 293.15
_ASSUMED_C: Final = 25.0
"""Temperature that is assumed where nothing was measured."""
_DAY_S: Final = 86_400.0
_STRESS_PRIOR_S: Final = 30.0 * _DAY_S
"""Age at 20 degC for which the recommended voltage is believed before the measured one counts."""
_CYCLES_SEEN_S: Final = 180.0 * _DAY_S
"""Time in service below which discharges are too few to tell their rate."""
_MONTHS_ALIKE: Final = 2.0
"""Months within which seasons resemble each other."""
_APART: Final = np.abs((np.arange(12)[:, np.newaxis] - np.arange(12) + 6) % 12 - 6)
_ALIKE: Final = np.exp(-_APART / _MONTHS_ALIKE)


@dataclass(frozen=True, slots=True)
class LifeRates:
    """How batteries have worn and will wear, in lives of the data sheet; columns, `(n_batteries,)` each.

    Attributes:
        wear: life used until now if the block were one of the data sheet, 1 = its end.
        watched_wear: the part of it that readings cover.
        temperature_factor: mean ageing factor of the future temperature, 1 at 20 degC.
        voltage_factor: factor of the future float voltage, >= 1.
        cycles_per_s: life that discharges will use, 1/s.
        per_s: life used a second in the future, all together, 1/s.
    """

    wear: Floats
    watched_wear: Floats
    temperature_factor: Floats
    voltage_factor: Floats
    cycles_per_s: Floats
    per_s: Floats


def life_rates(inputs: Rows, warmer_k: float = 0.0) -> LifeRates:
    """Past wear and future rate of batteries.

    Args:
        inputs: records of `LifeInputs`, `(n_batteries,)`.
        warmer_k: by how much the future is to be warmer than the climate of the site, K.
    """
    life_per_s = inputs["life_per_s_20c"]
    age_s = np.maximum(inputs["as_of_us"] - inputs["installed_us"], 0.0) * 1e-6
    unseen_s = np.maximum(age_s - inputs["observed_s"], 0.0) * ageing_factor(inputs, _ASSUMED_C)
    seen_s = np.maximum(inputs["thermal_age_s"] - unseen_s, 0.0)
    excess_s = np.maximum(inputs["stress_age_s"] - inputs["thermal_age_s"], 0.0)
    voltage = 1.0 + excess_s / (seen_s + _STRESS_PRIOR_S)
    cycles_per_s = inputs["cycle_wear"] / np.maximum(inputs["observed_s"], _CYCLES_SEEN_S)
    temperature = _future_factor(inputs, warmer_k)
    return LifeRates(
        wear=inputs["stress_age_s"] * life_per_s + inputs["cycle_wear"],
        watched_wear=(seen_s + excess_s) * life_per_s + inputs["cycle_wear"],
        temperature_factor=temperature,
        voltage_factor=voltage,
        cycles_per_s=cycles_per_s,
        per_s=temperature * voltage * life_per_s + cycles_per_s,
    )


def ageing_factor(inputs: Rows, temperature_c: float) -> Floats:
    """Arrhenius' factor of a temperature against 20 degC, `(n_batteries,)`."""
    slope = 1.0 / REFERENCE_K - 1.0 / (ZERO_C_K + temperature_c)
    return np.asarray(np.exp(inputs["life_activation_k"] * slope), np.float64)


def _future_factor(inputs: Rows, warmer_k: float) -> Floats:
    """Mean ageing factor over the months of a year; the mean of the factors, not the factor of the mean."""
    months = _whole_year(np.stack([inputs[name] for name in AGEING_MONTHS], axis=1), ageing_factor(inputs, _ASSUMED_C))
    if warmer_k != 0.0:
        activation_k = inputs["life_activation_k"][:, np.newaxis]
        kelvin = 1.0 / (1.0 / REFERENCE_K - np.log(months) / activation_k)
        months = np.exp(activation_k * (1.0 / REFERENCE_K - 1.0 / (kelvin + warmer_k)))
    return np.asarray(months.mean(axis=1), np.float64)


def _whole_year(months: Floats, unknown: Floats) -> Floats:
    """Fills months never seen from those around them; a battery without any gets `unknown`."""
    seen = np.isfinite(months)
    if seen.all():
        return months
    weight = seen @ _ALIKE
    near = np.where(seen, months, 0.0) @ _ALIKE
    filled = np.divide(near, weight, out=np.repeat(unknown[:, np.newaxis], 12, axis=1), where=weight > 0.0)
    return np.where(seen, months, filled)
