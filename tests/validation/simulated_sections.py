"""Sections that judge the twins against the simulator, whose hidden truth is known."""

from tests.validation.fault_cases import CASES
from tests.validation.section import Section
from tests.validation.target import Sense, Target

_MAE_MV = {"float": 15.0, "discharge": 60.0, "recharge": 120.0, "rest": 40.0}

_VOLTAGE = Section(
    "voltage",
    "tests.validation.simulated_month",
    (
        *(Target(f"voltage.{name}_mae_mv", limit, "mV") for name, limit in _MAE_MV.items()),
        *(Target(f"voltage.{name}_mae_10min_mv", limit, "mV") for name, limit in _MAE_MV.items()),
        *(Target(f"voltage.{name}_skill_10min", 0.0, "", Sense.AT_LEAST) for name in _MAE_MV),
        *(Target(f"voltage.{name}_nis", (0.7, 1.4), "", Sense.WITHIN) for name in _MAE_MV),
    ),
)

_ONE_SIGMA, _TWO_SIGMA = (60.0, 76.0), (91.0, 98.0)

_OUTAGES = Section(
    "outages",
    "tests.validation.simulated_outages",
    (
        Target("soc.rmse_from_wrong_start_points", 3.0, "points"),
        *(
            Target(f"sigma.{name}_within_{number}_percent", limit, "%", Sense.WITHIN)
            for name in ("soc", "r0_after", "capacity_after")
            for number, limit in ((1, _ONE_SIGMA), (2, _TWO_SIGMA))
        ),
        Target("capacity.deep_outage_error_percent", 6.0, "%"),
        Target("capacity.deep_outage_weak_block_error_percent", 6.0, "%"),
    ),
)

_CAPACITY_TEST = Section(
    "capacity_test",
    "tests.validation.simulated_tested_strings",
    (
        Target("capacity.test_error_percent", 3.0, "%"),
        Target("capacity.test_weak_block_error_percent", 3.0, "%"),
    ),
)

_LIFE_EFFECT = (-50.0, -40.0)

_AGEING = Section(
    "ageing",
    "tests.validation.simulated_ageing",
    (
        *(
            Target(f"ageing.twin_plus_10c_from_{base}c_percent", _LIFE_EFFECT, "%", Sense.WITHIN)
            for base in (20, 25, 30)
        ),
        Target("ageing.plant_plus_10c_percent", _LIFE_EFFECT, "%", Sense.WITHIN),
        Target("ageing.sigma_soh_least_growth_points_per_half_year", 0.1, "points", Sense.AT_LEAST),
    ),
)

_CLIMATE = Section(
    "climate",
    "tests.validation.simulated_climate",
    (
        Target("climate.station_monthly_mean_error_c", 1.5, "degC"),
        Target("climate.station_diurnal_range_error_percent", 20.0, "%"),
    ),
    needs_shared=True,
)

_FAULTS = Section(
    "faults",
    "tests.validation.simulated_faults",
    (
        *(Target(f"faults.{case.slug}_found_percent", 90.0, "%", Sense.AT_LEAST) for case in CASES),
        Target("faults.all_found_percent", 98.0, "%", Sense.AT_LEAST),
        Target("faults.wrong_per_1000_battery_months", 1.0),
        Target("faults.shorted_cell_delay_p95_min", 10.0, "min"),
        Target("faults.open_cell_frames_p95", 2.0, "samples"),
        Target("faults.loose_connection_in_first_discharge_percent", 90.0, "%", Sense.AT_LEAST),
    ),
    alone=True,
    limit_s=900.0,
)

_SPEED = Section(
    "speed",
    "tests.validation.simulated_speed",
    (
        Target("speed.filter_ns_per_reading", 250.0, "ns"),
        Target("speed.filter_compiled_allocations_per_reading", 0.0),
    ),
    alone=True,
)

_PLANT = Section(
    "plant",
    "tests.validation.plant_speed",
    (Target("plant.year_minutely_s", 60.0, "s"), Target("plant.not_finite", 0.0)),
    alone=True,
)

_WHAT_IF = Section(
    "what_if",
    "tests.validation.simulated_what_if",
    (
        Target("what_if.shorted_cell_block_step_v", (-2.35, -2.05), "V", Sense.WITHIN),
        Target("what_if.shorted_cell_others_step_mv", (80.0, 110.0), "mV", Sense.WITHIN),
        Target("what_if.open_cell_block_v", (21.0, 31.0), "V", Sense.WITHIN),
        Target("what_if.open_cell_current_a", 0.015, "A"),
        Target("what_if.charger_least_step_v", (0.55, 0.65), "V", Sense.WITHIN),
        Target("what_if.charger_most_step_v", (0.55, 0.65), "V", Sense.WITHIN),
        Target("what_if.charger_current_ratio", (2.55, 3.45), "", Sense.WITHIN),
        Target("what_if.cooling_core_over_expected_least", (0.94, 1.06), "", Sense.WITHIN),
        Target("what_if.cooling_core_over_expected_most", (0.94, 1.06), "", Sense.WITHIN),
        Target("what_if.cooling_post_lag_min", (10.0, 20.0), "min", Sense.WITHIN),
        Target("what_if.drift_on_float_most_mv", 5.0, "mV"),
        Target("what_if.drift_on_load_least_mv", 30.0, "mV", Sense.AT_LEAST),
        Target("what_if.drift_resistance_ratio", (1.47, 1.53), "", Sense.WITHIN),
        Target("what_if.outage_ended_by_weakest", 1.0, "", Sense.AT_LEAST),
        Target("what_if.loose_on_float_most_mv", 5.0, "mV"),
        Target("what_if.loose_found_mohm", (4.5, 5.5), "mOhm", Sense.WITHIN),
        Target("what_if.runaway_core_c", 60.0, "degC"),
        Target("what_if.named_percent", 100.0, "%", Sense.AT_LEAST),
        Target("what_if.within_1_sigma_percent", _ONE_SIGMA, "%", Sense.WITHIN),
        Target("what_if.within_2_sigma_percent", _TWO_SIGMA, "%", Sense.WITHIN),
    ),
)

SIMULATED_SECTIONS: tuple[Section, ...] = (
    _VOLTAGE,
    _OUTAGES,
    _CAPACITY_TEST,
    _AGEING,
    _CLIMATE,
    _WHAT_IF,
    _FAULTS,
    _SPEED,
    _PLANT,
)
