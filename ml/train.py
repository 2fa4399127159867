"""Makes a model of remaining life from battery-months: fit, cases, intervals, gates."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import LIFE_INPUTS_LAYOUT, life_records
from batterytwin.life import Floats, Ints
from ml.artefact import GateResult, LifeModel, ModelCard
from ml.calibration import Calibration, calibrate
from ml.case_choice import choose_cases
from ml.case_library import CaseLibrary
from ml.cross_fit import FOLDS, Predictions, cross_fit, fit, folds_of
from ml.features import FEATURE_NAMES
from ml.fusion import twin_weight
from ml.gates import accuracy_gates, arrhenius_gate, coverage_gate, leakage_gate, monotone_gate
from ml.judge import accuracy, concordance, coverage, skill
from ml.leakage import refuse_leaks
from ml.life_table import LifeTable
from ml.scorer import Scorer
from ml.shuffled import shuffled_skill

EVERY_MONTHS: Final = 6
"""Of each battery's months one in so many is learnt from: neighbours say the same."""
SEED: Final = 7
_GATED: Final = 1_500


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What was said of training data by models that had not seen their plants.

    Attributes:
        median_days: fused, `(n_rows,)`.
        twin_days: of the twin alone.
        model_days: of the model alone.
        quantile_days: fused and calibrated on other plants, `(n_rows, 5)`.
    """

    median_days: Floats
    twin_days: Floats
    model_days: Floats
    quantile_days: Floats


def train(table: LifeTable, *, say: Callable[[str], None] = lambda _: None) -> LifeModel:
    """Trains, calibrates and judges a model.

    Args:
        table: battery-months of at least four plants, in time order within each battery.
        say: is told what is under way.

    Raises:
        InvalidArgumentError: a column that would be learnt from tells what a model may not know.
    """
    table = thinned(table)
    say(f"{len(table)} battery-months of {len(np.unique(table.battery))} batteries; looking for leaks")
    predictions = cross_fit(table, seed=SEED)
    refuse_leaks(FEATURE_NAMES, predictions.features, table.battery, table.lower_days)
    say("models of held-out plants are fitted; the last one takes all plants")
    cases, rows = choose_cases(table, predictions, seed=SEED)
    held_out = _held_out(table, predictions, cases, table.plant[rows])
    fitted = fit(table, seed=SEED)
    model = LifeModel(
        ModelCard(
            version=_version(fitted.trees.get_leaf_values(), cases),
            layout=LIFE_INPUTS_LAYOUT,
            features=FEATURE_NAMES,
            population=fitted.population,
            calibration=_calibrated(table, predictions, held_out.median_days, np.ones(len(table), np.bool_)).as_json(),
            data=_data(table),
            metrics=_metrics(table, held_out),
        ),
        fitted.trees,
        cases,
    )
    say("looking whether the gates are kept")
    return replace(model, card=replace(model.card, gates=_gates(model, table, held_out)))


def thinned(table: LifeTable) -> LifeTable:
    """One in `EVERY_MONTHS` months of each battery, not the same for all."""
    order = np.argsort(table.battery, kind="stable")
    sorted_table = table.take(order)
    first = np.flatnonzero(np.diff(sorted_table.battery, prepend=-1) != 0)
    month = np.arange(len(table)) - np.repeat(first, np.diff(np.append(first, len(table))))
    return sorted_table.take((month + sorted_table.battery) % EVERY_MONTHS == 0)


def _held_out(table: LifeTable, predictions: Predictions, cases: CaseLibrary, plant_of_case: Ints) -> HeldOut:
    confidence = np.full(len(table), np.nan)
    fold = folds_of(table.plant)
    for number in range(FOLDS):
        mine = fold == number
        confidence[mine] = cases.take(folds_of(plant_of_case) != number).confidence(predictions.features[mine])
    twin, model = predictions.twin_days, predictions.twin_days * np.exp(predictions.ln_ratio)
    median = twin * np.exp((1.0 - twin_weight(confidence)) * predictions.ln_ratio)
    quantiles = np.empty((len(table), 5))
    for number in range(FOLDS):
        mine = fold == number
        widths = _calibrated(table, predictions, median, ~mine)
        quantiles[mine] = widths.quantile_days(median[mine], predictions.spread[mine])[0]
    return HeldOut(median, twin, model, quantiles)


def _calibrated(
    table: LifeTable, predictions: Predictions, median_days: Floats, rows: NDArray[np.bool_]
) -> Calibration:
    return calibrate(
        battery=table.battery[rows],
        median_days=median_days[rows],
        spread=predictions.spread[rows],
        life_days=predictions.life_days[rows],
        ended=table.ended[rows],
        seed=SEED,
    )


def _metrics(table: LifeTable, held_out: HeldOut) -> dict[str, float]:
    life = table.true_days
    found = accuracy(life, held_out.median_days)
    found |= {f"twin_{name}": value for name, value in accuracy(life, held_out.twin_days).items() if name != "rows"}
    found |= {f"model_{name}": value for name, value in accuracy(life, held_out.model_days).items() if name != "rows"}
    found["skill_over_twin"] = skill(life, held_out.median_days, held_out.twin_days)
    found["coverage_90"] = coverage(life, held_out.quantile_days[:, 0], held_out.quantile_days[:, -1])
    found["concordance"] = concordance(table.lower_days, table.ended, held_out.median_days, seed=SEED)
    return found


def _gates(model: LifeModel, table: LifeTable, held_out: HeldOut) -> tuple[GateResult, ...]:
    scorer = Scorer(model)
    some = np.ascontiguousarray(table.inputs[np.random.default_rng(SEED).permutation(len(table))[:_GATED]])
    metrics = model.card.metrics
    return (
        *accuracy_gates(r2=metrics["r2"], error_of_twin=1.0 - metrics["skill_over_twin"]),
        coverage_gate(metrics["coverage_90"]),
        arrhenius_gate(scorer, some),
        monotone_gate(scorer, some),
        leakage_gate(shuffled_skill(table, held_out.twin_days, seed=SEED)),
    )


def _data(table: LifeTable) -> dict[str, Any]:
    x = life_records(table.inputs)
    first, last = (datetime.fromtimestamp(float(us) * 1e-6, UTC) for us in (x["as_of_us"].min(), x["as_of_us"].max()))
    return {
        "source": "simulated plants",
        "plants": len(np.unique(table.plant)),
        "batteries": len(np.unique(table.battery)),
        "battery_months": len(table),
        "censored_share": round(table.censored_share, 4),
        "first_day": first.date().isoformat(),
        "last_day": last.date().isoformat(),
    }


def _version(leaves: Floats, cases: CaseLibrary) -> str:
    digest = hashlib.sha256(np.round(leaves, 9).tobytes() + cases.places.tobytes() + cases.predicted_days.tobytes())
    return f"life-{digest.hexdigest()[:10]}"
