"""What the model sees of a battery: no temperature, no date, no name; ages in lives of the data sheet.

Physics carries the climate. The model learns by how much a life is longer or shorter than physics says, from what holds
at any temperature: wear, and how evidence of health lies against what is usual at that wear.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation
from actors.remaining_life_rate import LifeRates
from batterytwin.life import Floats, LifeFactor
from batterytwin.telemetry import Rows

_YEAR_S: Final = 365.25 * 86_400.0
_DRY_OUT_SHARE: Final = 0.5
"""ln(resistance) over ln(gassing current) as a block dries out: both follow the water lost, 4 against 8."""


@dataclass(frozen=True, slots=True)
class ModelFeature:
    """One column of what the model sees.

    Attributes:
        name: of the column.
        factor: by which its share of a prediction is told.
        better: 1 = more of it is better health, -1 = less of it is, 0 = it is no health.
    """

    name: str
    factor: LifeFactor
    better: int = 0


FEATURES: Final = (
    ModelFeature("wear", LifeFactor.AGE),
    ModelFeature("watched_wear", LifeFactor.AGE),
    ModelFeature("voltage_factor", LifeFactor.VOLTAGE),
    ModelFeature("cycle_wear_per_wear", LifeFactor.CYCLES),
    ModelFeature("depth_max", LifeFactor.CYCLES),
    ModelFeature("drift_over_usual", LifeFactor.RESISTANCE, -1),
    ModelFeature("drift_per_wear", LifeFactor.RESISTANCE, -1),
    ModelFeature("rate_per_life", LifeFactor.RESISTANCE, -1),
    ModelFeature("rate_sigma", LifeFactor.RESISTANCE),
    ModelFeature("trend_wear", LifeFactor.RESISTANCE),
    ModelFeature("trend_rise", LifeFactor.RESISTANCE, -1),
    ModelFeature("drift_without_dry_out", LifeFactor.RESISTANCE, -1),
    ModelFeature("marker_drift", LifeFactor.FLOAT_CURRENT),
    ModelFeature("told_over_usual", LifeFactor.CAPACITY, 1),
    ModelFeature("told_sigma", LifeFactor.CAPACITY),
    ModelFeature("test_over_usual", LifeFactor.CAPACITY, 1),
    ModelFeature("wear_since_test", LifeFactor.CAPACITY),
    ModelFeature("deep_over_usual", LifeFactor.CAPACITY, 1),
    ModelFeature("wear_since_deep", LifeFactor.CAPACITY),
    ModelFeature("rank_over_usual", LifeFactor.CAPACITY, 1),
)
"""Columns, in the order of `model_features`."""

FEATURE_NAMES: Final = tuple(feature.name for feature in FEATURES)
MONOTONE: Final = tuple(feature.better for feature in FEATURES)


def model_features(inputs: Floats, rates: LifeRates, population: LifePopulation) -> NDArray[np.float32]:
    """Columns `FEATURES`, `(n_batteries, n_features)`; NaN = not known.

    Args:
        inputs: rows of `LifeInputs`, `(n_batteries, N_LIFE_INPUTS)`, C-contiguous.
        rates: of the same batteries; nothing of the future is read from it.
        population: that tells what is usual.
    """
    x = life_records(inputs)
    wear, usual = rates.wear, np.exp(population.ln_mean)
    watched = np.maximum(rates.watched_wear, 1e-3)
    first = np.maximum(wear - rates.watched_wear, 0.0)
    gain = population.resistance_share * x["fade_at_end"] / x["fade_per_resistance"]
    per_life = x["life_per_s_20c"] * _YEAR_S
    age_us = np.maximum(x["as_of_us"] - x["installed_us"], 1.0)
    ageing = x["thermal_age_s"] / age_us * 1e6  # the slope counts years at 20 degC
    drift, marker = x["resistance_drift"], x["marker_drift"]
    expected_drift = gain * (_power(usual * wear, x) - _power(usual * first, x))
    columns = {
        "wear": wear,
        "watched_wear": rates.watched_wear,
        "voltage_factor": rates.voltage_factor,
        "cycle_wear_per_wear": x["cycle_wear"] / watched,
        "depth_max": x["depth_max"],
        "drift_over_usual": drift - expected_drift,
        "drift_per_wear": np.where(watched > 0.02, drift / watched, np.nan),
        "rate_per_life": x["resistance_rate_per_year"] / per_life,
        "rate_sigma": x["resistance_rate_sigma"] / per_life,
        "trend_wear": x["resistance_trend_s"] / np.maximum(x["observed_s"], 1.0) * watched,
        "trend_rise": x["resistance_rate_per_year"] * x["resistance_trend_s"] / _YEAR_S * ageing,
        "drift_without_dry_out": np.log1p(np.maximum(drift, -0.9)) - _DRY_OUT_SHARE * marker,
        "marker_drift": marker,
        "told_over_usual": (x["told_soh_capacity"] - _usual_soh(usual * wear, x)) / x["fade_at_end"],
        "told_sigma": x["told_soh_capacity_sigma"] / x["fade_at_end"],
    }
    for kind in ("test", "deep", "rank"):
        then = np.clip((x[f"{kind}_us"] - x["installed_us"]) / age_us, 0.0, 1.0) * wear
        columns[f"{kind}_over_usual"] = (x[f"{kind}_soh"] - _usual_soh(usual * then, x)) / x["fade_at_end"]
        columns[f"wear_since_{kind}"] = wear - then
    return np.stack([columns[name] for name in FEATURE_NAMES], axis=1).astype(np.float32)


def _power(theta: Floats, x: Rows) -> Floats:
    return np.asarray(theta ** x["life_exponent"], np.float64)


def _usual_soh(theta: Floats, x: Rows) -> Floats:
    return np.asarray(1.0 - x["fade_at_end"] * _power(theta, x), np.float64)
