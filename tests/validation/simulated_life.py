"""Remaining life on simulated plants that the shipped model has not seen: sites, plants and weather are all new."""

import time
from collections.abc import Mapping

import numpy as np

from actors.life_inputs import AGEING_MONTHS, life_records
from actors.remaining_life_rate import ageing_factor
from batterytwin.life import MEDIAN, Floats
from ml.artefact import load_model
from ml.evaluate import evaluated
from ml.judge import skill
from ml.life_table import LifeTable
from ml.scorer import Scorer
from tests.validation.life_oracle import oracle_figures
from tests.validation.section import Context
from twin_server.life_fleets import JUDGING_SEEDS, YEARS, follow_all

_FLEET = 1_944
_SINGLE = 300
_ROOM_C = 25.0


def measure(context: Context) -> Mapping[str, float]:
    """All figures of the shipped model."""
    seeds, years = (JUDGING_SEEDS[:2], 3.0) if context.quick else (JUDGING_SEEDS, YEARS)
    table = follow_all(seeds, years, say=context.say)
    model = load_model()
    found = evaluated(model, table)
    context.say(f"R2 {found['r2']:.2f}, error {100.0 * found['mae_of_mean']:.0f} % of the mean life left")
    scorer = Scorer(model)
    found["skill_over_blind"] = _skill_over_blind(scorer, table)
    for name, soh_sigma in (("exact_health", 0.0), ("health_to_a_point", 0.01)):
        oracle = oracle_figures(table, model.card.population, soh_sigma)
        found |= {f"{name}_{figure}": value for figure, value in oracle.items()}
    return {f"life.{name}": value for name, value in (found | _speed(scorer, table)).items()}


def _skill_over_blind(scorer: Scorer, table: LifeTable) -> float:
    """1 - error over that of the same model for which every room has 25 degC.

    The blind one is given, in hindsight, the factor on all its lives that makes its error least.
    """
    told = scorer.score(table.inputs).quantile_days[:, MEDIAN]
    blind = scorer.score(blinded(table.inputs)).quantile_days[:, MEDIAN]
    return min(skill(table.true_days, told, factor * blind) for factor in np.linspace(0.5, 1.5, 101))


def blinded(inputs: Floats) -> Floats:
    """The same batteries as if no temperature had been measured and every room had 25 degC."""
    values = inputs.copy()
    x = life_records(values)
    usual = ageing_factor(x, _ROOM_C)
    age_s = (x["as_of_us"] - x["installed_us"]) * 1e-6
    stress = x["stress_age_s"] / x["thermal_age_s"]
    x["resistance_rate_per_year"] *= x["thermal_age_s"] / (age_s * usual)
    x["thermal_age_s"] = age_s * usual
    x["stress_age_s"] = x["thermal_age_s"] * stress
    for name in AGEING_MONTHS:
        x[name] = usual
    return values


def _speed(scorer: Scorer, table: LifeTable) -> dict[str, float]:
    """Processor time of the whole fleet, and of single answers, with quantiles, reasons and cases."""
    fleet = np.ascontiguousarray(table.inputs[np.linspace(0, len(table) - 1, _FLEET).astype(int)])
    scorer.score(fleet)
    begin_s = time.perf_counter()
    scorer.score(fleet)
    fleet_s = time.perf_counter() - begin_s
    single_s = []
    for row in range(_SINGLE):
        begin_s = time.perf_counter()
        scorer.score(fleet[row : row + 1])
        single_s.append(time.perf_counter() - begin_s)
    return {"fleet_scored_s": fleet_s, "single_answer_p99_ms": 1e3 * float(np.quantile(single_s, 0.99))}
