"""Judges a model on battery-months that it has not seen."""

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import life_records
from batterytwin.life import MEDIAN, LifeScores
from ml.artefact import LifeModel
from ml.gates import warmer_effects
from ml.judge import (
    accuracy,
    alpha_lambda,
    concordance,
    coverage,
    lead_times,
    prognostic_horizon,
    skill,
)
from ml.life_table import LifeTable
from ml.scorer import Scorer

_DAY_US = 86_400e6
_LONG_TREND_S = 330.0 * 86_400.0
"""Twelve months of resistance, first and last of which may be cut."""
_HORIZONS_MONTHS = (6, 12, 24)
_DAYS_PER_MONTH = 30.4375
_LIMITS_DAYS = np.array([10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 365.0, 540.0])
_SEED = 7


def evaluated(model: LifeModel, table: LifeTable) -> dict[str, float]:
    """All figures of a model on unseen plants.

    Args:
        model: to judge.
        table: battery-months in time order within each battery, of plants that the model has not seen.
    """
    scores = Scorer(model).score(table.inputs)
    life, told = table.true_days, scores.quantile_days[:, MEDIAN]
    evidence = has_evidence(table)
    found: dict[str, float] = {
        "rows": float(len(table)),
        "batteries": float(len(np.unique(table.battery))),
        "censored_percent": 100.0 * table.censored_share,
    }
    for name, rows in (
        ("", np.ones(len(table), np.bool_)),
        ("with_evidence_", evidence),
        ("without_evidence_", ~evidence),
        *((f"within_{months}_months_", life <= months * _DAYS_PER_MONTH) for months in _HORIZONS_MONTHS),
    ):
        if rows.sum() > 1:
            found |= {f"{name}{key}": value for key, value in accuracy(life[rows], told[rows]).items()}
    known = evidence & np.isfinite(life)
    found["with_evidence_bound_of_mean"] = health_bound_days(table, evidence) / float(life[known].mean())
    found["skill_over_physics"] = skill(life, told, scores.twin_days)
    found["skill_over_mean"] = skill(life, told, np.full(len(life), np.nanmean(life)))
    found["concordance"] = concordance(table.lower_days, table.ended, told, seed=_SEED)
    found["twin_mae_of_mean"] = accuracy(life, scores.twin_days)["mae_of_mean"]
    found["model_mae_of_mean"] = accuracy(life, scores.model_days)["mae_of_mean"]
    return found | _intervals(table, scores) | _announced(table, scores) | _warmer(model, table)


def has_evidence(table: LifeTable) -> NDArray[np.bool_]:
    """Rows with twelve months of resistance trend or a capacity test, `(n_rows,)`."""
    x = life_records(table.inputs)
    return np.asarray(np.isfinite(x["test_soh"]) | (x["resistance_trend_s"] >= _LONG_TREND_S), np.bool_)


def health_bound_days(table: LifeTable, rows: NDArray[np.bool_]) -> float:
    """Mean absolute error that the error of health alone imposes: sigma of health over the rate of fade, days.

    A normal error of that sigma; the rate is that of the whole life, loss at its end times exponent over its length
    (vrla facts, section 5).
    """
    x = life_records(table.inputs)
    age_days = (x["as_of_us"] - x["installed_us"]) / _DAY_US
    whole = age_days + table.true_days
    share = age_days / whole
    rate = x["fade_at_end"] * x["life_exponent"] * share ** (x["life_exponent"] - 1.0) / whole
    bound = np.sqrt(2.0 / np.pi) * x["told_soh_capacity_sigma"] / rate
    known = rows & np.isfinite(bound) & (share > 0.05)
    return float(np.mean(bound[known]))


def _intervals(table: LifeTable, scores: LifeScores) -> dict[str, float]:
    life, low, high = table.true_days, scores.quantile_days[:, 0], scores.quantile_days[:, -1]
    of_site = (table.site == number for number in np.unique(table.site[np.isfinite(life)]))
    sites = [coverage(life[rows], low[rows], high[rows]) for rows in of_site]
    twin = scores.twin_quantile_days
    return {
        "coverage_90": coverage(life, low, high),
        "coverage_90_upper_known": coverage(
            life[scores.upper_known], low[scores.upper_known], high[scores.upper_known]
        ),
        "coverage_90_worst_site": min(sites),
        "coverage_90_best_site": max(sites),
        "coverage_sites_within": float(np.mean([0.85 <= share <= 0.95 for share in sites])),
        "width_days": float(np.nanmean(high - low)),
        "width_over_physics": float(np.nanmean(high - low) / np.nanmean(twin[:, -1] - twin[:, 0])),
        "physics_coverage_90": coverage(life, twin[:, 0], twin[:, -1]),
        "disagreement_share": float(np.nanmean(scores.disagreement > 0.30)),
        "mean_confidence": float(np.nanmean(scores.confidence)),
    }


def _announced(table: LifeTable, scores: LifeScores) -> dict[str, float]:
    x = life_records(table.inputs)
    age = (x["as_of_us"] - x["installed_us"]) / _DAY_US
    ended, told = table.ended, scores.quantile_days
    found = {
        "alpha_lambda": alpha_lambda(age[ended], table.lower_days[ended], told[ended, MEDIAN]),
        "prognostic_horizon_days": prognostic_horizon(
            table.battery[ended], age[ended], table.lower_days[ended], told[ended, MEDIAN]
        ),
    }
    for lead in (90.0, 180.0):
        curve = lead_times(
            table.battery[ended], table.lower_days[ended], told[ended, 0], lead_days=lead, limits_days=_LIMITS_DAYS
        )
        for limit, in_time, early in curve:
            found[f"announced_{lead:.0f}_days_at_{limit:.0f}"] = in_time
            found[f"early_at_{limit:.0f}"] = early
        enough = [early for _, in_time, early in curve if in_time >= 0.95]
        found[f"early_for_95_percent_at_{lead:.0f}_days"] = min(enough) if enough else 1.0
        found[f"announced_{lead:.0f}_days_with_10_percent_early"] = max(
            (in_time for _, in_time, early in curve if early <= 0.10), default=0.0
        )
    return found


def _warmer(model: LifeModel, table: LifeTable) -> dict[str, float]:
    some = np.ascontiguousarray(table.inputs[np.random.default_rng(_SEED).permutation(len(table))[:500]])
    effects = warmer_effects(Scorer(model), some)
    return {
        f"{kind}_plus_10_k_from_{base}_c": float(value)
        for kind, values in effects.items()
        for base, value in zip((20, 25, 30), values, strict=True)
    }
