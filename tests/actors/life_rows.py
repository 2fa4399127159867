"""Rows of what is known of a battery's life, for tests of what is made of them."""

import numpy as np

from actors.life_inputs import AGEING_MONTHS, N_LIFE_INPUTS, life_records
from batterytwin.life import Floats

YEAR_S = 365.25 * 86_400.0
ACTIVATION_K = 50_000.0 / 8.314462618
_AS_OF_US = 1.8e15


def ageing_factor(temperature_c: float) -> float:
    """Against 20 degC."""
    return float(np.exp(ACTIVATION_K * (1.0 / 293.15 - 1.0 / (273.15 + temperature_c))))


def life_rows(n: int = 1, /, *, age_years: float = 4.0, room_c: float = 25.0, **columns: float) -> Floats:
    """Batteries that have stood in one room since they were new, `(n, N_LIFE_INPUTS)`; other columns as given."""
    values = np.full((n, N_LIFE_INPUTS), np.nan)
    x = life_records(values)
    age_s = age_years * YEAR_S
    known = {
        "as_of_us": _AS_OF_US,
        "installed_us": _AS_OF_US - age_s * 1e6,
        "capacity_ah": 120.0,
        "life_per_s_20c": 1.0 / (10.0 * YEAR_S),
        "life_activation_k": ACTIVATION_K,
        "life_exponent": 1.5,
        "fade_at_end": 0.2,
        "fade_per_resistance": 0.2 / 0.45,
        "temperature_mean_30d_c": room_c,
        "observed_s": age_s,
        "thermal_age_s": age_s * ageing_factor(room_c),
        "stress_age_s": age_s * ageing_factor(room_c),
        "discharges": 10.0,
        "depth_sum": 0.8,
        "depth_max": 0.2,
        "cycle_wear": 0.001,
        "resistance_trend_s": 0.0,
        **dict.fromkeys(AGEING_MONTHS, ageing_factor(room_c)),
    }
    for name, value in (known | columns).items():
        x[name] = value
    return values
