"""Sections that judge the twins on batteries of other makes: measured ones, and another group's physics."""

from tests.validation.measured_blocks import AMPERES_OF_17_AH
from tests.validation.section import Section
from tests.validation.sulzer_blocks import MODELS
from tests.validation.target import Sense, Target

MEASURED_SECTIONS: tuple[Section, ...] = (
    Section(
        "9ah-health",
        "tests.validation.measured_9ah_health",
        (
            Target("9ah.voltage_known_capacity_mv", 45.0, "mV"),
            Target("9ah.voltage_unknown_capacity_mv", 95.0, "mV"),
            Target("9ah.soc_rmse_points", 5.0, "points"),
            Target("9ah.capacity_after_30_percent_mae_percent", 4.0, "%"),
        ),
        needs_shared=True,
    ),
    Section("9ah-charge", "tests.validation.measured_9ah_charge", needs_shared=True),
    Section(
        "17ah",
        "tests.validation.measured_17ah",
        tuple(Target(f"17ah.unseen_rate_known_capacity_{a}a_mv", 60.0, "mV") for a in AMPERES_OF_17_AH),
        needs_shared=True,
    ),
    Section(
        "100ah",
        "tests.validation.measured_100ah",
        (Target("100ah.step_5s_mv", 10.0, "mV"), Target("100ah.rest_after_2h_mv", 100.0, "mV")),
        needs_shared=True,
    ),
    Section(
        "sulzer",
        "tests.validation.measured_sulzer",
        tuple(
            target
            for model in MODELS
            for target in (
                Target(f"sulzer.{model.lower()}_unseen_rate_mv_worst_rate", 60.0, "mV"),
                Target(f"sulzer.{model.lower()}_soc_points_worst_rate", 4.0, "points"),
            )
        ),
    ),
    Section(
        "float-hold",
        "tests.validation.measured_float_hold",
        (
            Target("float_hold.soc_follows_step_points", 1.0, "points"),
            Target("float_hold.lowest_sigma_points", 0.99, "points", Sense.AT_LEAST),
        ),
        needs_shared=True,
    ),
    Section("field-logs", "tests.validation.field_logs", needs_shared=True),
)
