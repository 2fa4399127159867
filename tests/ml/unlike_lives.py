"""Batteries that differ in all that is asked of them."""

import numpy as np

from actors.life_inputs import life_records
from batterytwin.life import Floats
from tests.actors.life_rows import YEAR_S, ageing_factor, life_rows


def unlike_lives(n: int, seed: int = 1) -> Floats:
    """Rows of `LifeInputs` with and without each kind of evidence, `(n, N_LIFE_INPUTS)`."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        age_years, room_c = rng.uniform(0.0, 14.0), rng.uniform(19.0, 34.0)
        age_s = age_years * YEAR_S
        thermal_s = age_s * ageing_factor(room_c)
        soh = float(np.clip(1.0 - 0.2 * (0.7 * thermal_s / YEAR_S / 10.0) ** 1.5 + rng.normal(0.0, 0.03), 0.5, 1.05))
        tested = rng.uniform() < 0.5
        trended = rng.uniform() < 0.7
        rows.append(
            life_rows(
                age_years=age_years,
                room_c=room_c,
                observed_s=age_s * rng.uniform(0.1, 1.0),
                stress_age_s=thermal_s * rng.uniform(1.0, 1.3),
                cycle_wear=rng.uniform(0.0, 0.02),
                told_soh_capacity=soh,
                told_soh_capacity_sigma=0.04,
                marker_drift=rng.normal(0.1, 0.1),
                resistance_drift=rng.uniform(-0.02, 0.4) if trended else np.nan,
                resistance_drift_sigma=0.05 if trended else np.nan,
                resistance_rate_per_year=rng.uniform(0.0, 0.06) if trended else np.nan,
                resistance_rate_sigma=0.003 if trended else np.nan,
                resistance_trend_s=min(age_s, 3.0 * YEAR_S) if trended else 0.0,
                test_soh=soh + rng.normal(0.0, 0.025) if tested else np.nan,
                test_sigma=0.025 if tested else np.nan,
                test_us=1.8e15 - rng.uniform(0.0, 0.5) * age_s * 1e6 if tested else np.nan,
            )
        )
    return np.concatenate(rows)


def without_readings(rows: Floats) -> Floats:
    """The same batteries, known by their data sheets alone."""
    silent = rows.copy()
    x = life_records(silent)
    kept = ("installed_us", "capacity_ah", "life_per_s_20c", "life_activation_k", "life_exponent", "fade_at_end")
    for name in x.dtype.names or ():
        if name not in (*kept, "fade_per_resistance"):
            x[name] = np.nan
    x["as_of_us"] = 0.0
    return silent
