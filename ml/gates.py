"""What a model must keep before it may be used. A figure that is not a number keeps nothing."""

from typing import Final

import numpy as np

from actors.life_inputs import AGEING_MONTHS, life_records
from batterytwin.life import MEDIAN, Floats, LifeScores
from ml.artefact import GateResult
from ml.leakage import LARGEST_SHUFFLED_SKILL
from ml.scorer import Scorer

LARGEST_ERROR_OF_TWIN: Final = 1.0
LEAST_R2: Final = 0.60
COVERAGE: Final = (0.85, 0.95)
ARRHENIUS: Final = (-0.50, -0.40)
BASES_C: Final = (20.0, 25.0, 30.0)
_ZERO_C_K: Final = 273.15
_BETTER: Final = (
    ("test_soh", 0.03),
    ("deep_soh", 0.03),
    ("rank_soh", 0.03),
    ("told_soh_capacity", 0.03),
    ("resistance_drift", -0.03),
    ("resistance_rate_per_year", -0.01),
)
_ROUNDING: Final = 1e-9


def accuracy_gates(*, r2: float, error_of_twin: float) -> tuple[GateResult, ...]:
    """On plants that were held out: R2, and mean absolute error over that of the twin alone."""
    return (
        GateResult("accuracy", r2, f">= {LEAST_R2}", bool(r2 >= LEAST_R2)),
        GateResult(
            "skill",
            error_of_twin,
            f"<= {LARGEST_ERROR_OF_TWIN} of the twin's",
            bool(error_of_twin <= LARGEST_ERROR_OF_TWIN),
        ),
    )


def coverage_gate(covered: float) -> GateResult:
    """Share of held-out lives in their 90 % intervals."""
    low, high = COVERAGE
    return GateResult("coverage", covered, f"{low} ... {high}", bool(low <= covered <= high))


def leakage_gate(shuffled_skill: float) -> GateResult:
    """What a model that was trained on shuffled labels is better than the twin, on plants that were held out."""
    kept = bool(shuffled_skill <= LARGEST_SHUFFLED_SKILL)
    return GateResult("leakage", shuffled_skill, f"<= {LARGEST_SHUFFLED_SKILL}", kept)


def at_base(inputs: Floats, base_c: float) -> Floats:
    """The same histories with a future climate of one temperature."""
    moved = inputs.copy()
    x = life_records(moved)
    factor = np.exp(x["life_activation_k"] * (1.0 / 293.15 - 1.0 / (_ZERO_C_K + base_c)))
    for name in AGEING_MONTHS:
        x[name] = factor
    return moved


def warmer_effects(scorer: Scorer, inputs: Floats) -> dict[str, Floats]:
    """Change of life for 10 K more at each of `BASES_C`, medians over batteries: of the twin, the model and both."""
    found: dict[str, list[float]] = {"twin": [], "model": [], "fused": []}
    for base_c in BASES_C:
        before, after = (scorer.score(at_base(inputs, base_c), warmer_k=warmer_k) for warmer_k in (0.0, 10.0))
        found["twin"].append(float(np.nanmedian(after.twin_days / before.twin_days)) - 1.0)
        found["model"].append(float(np.nanmedian(after.model_days / before.model_days)) - 1.0)
        fused = after.quantile_days[:, MEDIAN] / before.quantile_days[:, MEDIAN]
        found["fused"].append(float(np.nanmedian(fused)) - 1.0)
    return {name: np.array(values) for name, values in found.items()}


def arrhenius_gate(scorer: Scorer, inputs: Floats) -> GateResult:
    """The change that lies furthest from the middle of what is allowed, of twin, model and both."""
    effects = np.concatenate(list(warmer_effects(scorer, inputs).values()))
    low, high = ARRHENIUS
    worst = float(effects[np.argmax(np.abs(effects - 0.5 * (low + high)))])
    return GateResult(
        "arrhenius", worst, f"{low} ... {high} for 10 K", bool(((effects >= low) & (effects <= high)).all())
    )


def _medians(scores: LifeScores) -> tuple[Floats, Floats, Floats]:
    return scores.twin_days, scores.model_days, np.asarray(scores.quantile_days[:, MEDIAN], np.float64)


def monotone_gate(scorer: Scorer, inputs: Floats) -> GateResult:
    """The largest share by which better health shortens a life; none may be."""
    before = scorer.score(inputs)
    worst = 0.0
    for name, change in _BETTER:
        better = inputs.copy()
        life_records(better)[name] += change
        after = scorer.score(better)
        for now, then in zip(_medians(after), _medians(before), strict=True):
            worst = float(np.maximum(worst, np.max(1.0 - now / then, initial=0.0)))  # no number is no better health
    return GateResult("monotone_health", worst, "0", bool(worst <= _ROUNDING))
