"""The sections of remaining life, with what they should show."""

from tests.validation.section import Section
from tests.validation.target import Sense, Target

_LIFE_EFFECT = (-0.50, -0.40)

_LIFE = Section(
    "life",
    "tests.validation.simulated_life",
    (
        Target("life.r2", 0.80, sense=Sense.AT_LEAST),
        Target("life.with_evidence_mae_of_mean", 0.10),
        Target("life.skill_over_physics", 0.0, sense=Sense.AT_LEAST),
        Target("life.skill_over_mean", 0.5, sense=Sense.AT_LEAST),
        Target("life.skill_over_blind", 0.35, sense=Sense.AT_LEAST),
        Target("life.concordance", 0.85, sense=Sense.AT_LEAST),
        Target("life.bias_of_mean", (-0.05, 0.05), sense=Sense.WITHIN),
        Target("life.coverage_90_worst_site", (0.85, 0.95), sense=Sense.WITHIN),
        Target("life.coverage_90_best_site", (0.85, 0.95), sense=Sense.WITHIN),
        Target("life.alpha_lambda", 0.80, sense=Sense.AT_LEAST),
        *(
            Target(f"life.{kind}_plus_10_k_from_{base}_c", _LIFE_EFFECT, sense=Sense.WITHIN)
            for kind in ("twin", "model", "fused")
            for base in (20, 25, 30)
        ),
        Target("life.announced_90_days_with_10_percent_early", 0.95, sense=Sense.AT_LEAST),
        Target("life.fleet_scored_s", 1.0, "s"),
        Target("life.single_answer_p99_ms", 30.0, "ms"),
    ),
    alone=True,
    limit_s=900.0,
)

_REAL_AGEING = Section(
    "real_ageing",
    "tests.validation.measured_ageing",
    (
        Target("real_ageing.soh_mae", 0.047),
        Target("real_ageing.interval_90_percent", (80.0, 97.0), "%", Sense.WITHIN),
    ),
    needs_shared=True,
)

LIFE_SECTIONS: tuple[Section, ...] = (_REAL_AGEING, _LIFE)
