"""The blocks and strings of a fleet, as they left the factory: nominal values of the data sheet with their spread."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.inventory import BatteryString, Inventory, SystemKind
from simulator.ageing import resistance_gain_of_life, sulfation_of_life_v
from simulator.block_laws import TEN_HOUR_SHARE
from simulator.climate import SECONDS_PER_YEAR
from simulator.ocv import ocv_grid
from simulator.parameters import BlockParameters, Floats, Ints, Records, StringParameters, records
from simulator.variant import USUAL_PLANT, PlantVariant

OHMIC_OVER_INSTRUMENT = 1.1
"""Ohmic resistance under load over what an instrument reads: the methods are not interconvertible."""

_LN_GASSING_SD = 0.3
_RESISTANCE_SD, _CAPACITY_SD, _POLARISATION_SD, _GAIN_SD = 0.04, 0.02, 0.10, 0.15
_SOH_SD, _SULFATION_SD, _WATER_SD, _DIP_SD = 0.12, 0.25, 0.25, 0.15
_OCV_SD_V_CELL = 0.002
_DIP_V_CELL = 0.007  # 16 mV a cell at the 10-hour rate, 32 mV at the 1-hour rate
# 0.336 g a cell and Ah of gassing that does not recombine, of 5.4 g water for each Ah of capacity
_WATER_PER_AH = 0.336 * 0.05 / 5.4
_POSITION_SD_K, _POSITION_STRING_SD_K = 0.5, 0.3
_CHARGE_R_OVER_R0 = 2.0
_GAS_CONSTANT_J_MOL_K = 8.314462618
# discharge rates that systems are laid out for, multiples of capacity per hour
_LOAD_C = {SystemKind.UPS: (0.25, 0.50), SystemKind.RECTIFIER: (0.08, 0.16)}
_LOADED_V_CELL = 2.0


def make_blocks(inventory: Inventory, seed: int, variant: PlantVariant = USUAL_PLANT) -> Records:
    """Draws the constants of every block, in fleet order."""
    rng = np.random.default_rng([seed, 14])
    strings = [string for location in inventory.locations for string in location.strings()]
    counts = np.array([len(string.batteries) for string in strings])
    n = int(counts.sum())

    def nominal(name: str) -> Floats:
        return np.repeat([float(getattr(string.datasheet, name)) for string in strings], counts)

    def normal(sd: float) -> Floats:
        # the factory's final test keeps back what lies far out
        return sd * np.clip(rng.standard_normal(n), -2.5, 2.5)

    def spread(relative_sd: float) -> Floats:
        return np.exp(normal(relative_sd))

    def shared_by_string(sd: float) -> Floats:
        return np.repeat(sd * rng.standard_normal(len(strings)), counts)

    cells, capacity_ah, r0_ohm = nominal("cells"), nominal("rated_capacity_ah"), nominal("r0_ohm")
    life_years = nominal("life_years_20c") * variant.median_life
    gain = nominal("resistance_gain_at_end_of_life") * spread(_GAIN_SD)
    installed_on = [battery.installed_on for string in strings for battery in string.batteries]
    blocks = BlockParameters(
        cells=cells,
        capacity_ah=capacity_ah / TEN_HOUR_SHARE * spread(_CAPACITY_SD),
        r0_ohm=r0_ohm * OHMIC_OVER_INSTRUMENT * spread(_RESISTANCE_SD),
        ohmic_over_instrument=np.full(n, OHMIC_OVER_INSTRUMENT),
        r1_ohm=nominal("r1_ohm") * spread(_POLARISATION_SD),
        r2_ohm=nominal("r2_ohm") * spread(_POLARISATION_SD),
        charge_r_ohm=r0_ohm * _CHARGE_R_OVER_R0 * spread(_POLARISATION_SD),
        ln_gas_a=np.log(nominal("gas_i0_ma_per_100ah") * capacity_ah / 1e5) + normal(_LN_GASSING_SD),
        ocv_offset_v=cells * normal(_OCV_SD_V_CELL),
        dip_v_cell=_DIP_V_CELL * spread(_DIP_SD),
        position_k=normal(_POSITION_SD_K) + shared_by_string(_POSITION_STRING_SD_K),
        installed_s=np.array([datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp() for d in installed_on]),
        life_s=life_years
        * SECONDS_PER_YEAR
        * np.exp(variant.ln_life_sd * rng.standard_normal(n))
        * np.exp(shared_by_string(variant.ln_life_string_sd)),
        soh_exponent=np.maximum(nominal("life_knee_exponent") * spread(_SOH_SD), 1.0),
        soh_loss=np.minimum((1.0 - nominal("end_of_life_soh")) * spread(_SOH_SD), 0.9),
        resistance_gain=np.array([resistance_gain_of_life(value) for value in gain]),
        sulfation_v=np.array([sulfation_of_life_v(value) for value in cells]) * spread(_SULFATION_SD),
        water_per_ah=_WATER_PER_AH / capacity_ah * spread(_WATER_SD),
    )
    return records(blocks)


def make_strings(inventory: Inventory, seed: int, variant: PlantVariant = USUAL_PLANT) -> tuple[Records, Ints, Floats]:
    """Constants of every string, in fleet order; loads are drawn by system.

    Returns:
        Constants, first block of each string and one past the last of all, and open-circuit voltage of each model.
    """
    rng = np.random.default_rng([seed, 15])
    strings: list[BatteryString] = []
    site, load_c = [], []
    for number, location in enumerate(inventory.locations):
        for system in location.systems:
            system_load_c = variant.load * rng.uniform(*_LOAD_C[system.kind])
            strings.extend(system.strings)
            site.extend([number] * len(system.strings))
            load_c.extend([system_load_c] * len(system.strings))
    sheets = [string.datasheet for string in strings]
    counts = np.array([len(string.batteries) for string in strings], dtype=np.float64)
    models = list({sheet.model: sheet for sheet in sheets}.values())
    row = {sheet.model: k for k, sheet in enumerate(models)}

    def nominal(name: str) -> Floats:
        return np.array([float(getattr(sheet, name)) for sheet in sheets])

    cells, capacity_ah = nominal("cells"), nominal("rated_capacity_ah")
    parameters = StringParameters(
        site=np.array(site, dtype=np.int64),
        table=np.array([row[sheet.model] for sheet in sheets], dtype=np.int64),
        cells=cells,
        rated_ah=capacity_ah,
        docv_dt_v_k=nominal("docv_dt_v_k"),
        tau1_s=nominal("tau1_s"),
        tau2_s=nominal("tau2_s"),
        tau2_recovery_s=nominal("tau2_recovery_s"),
        r_per_k=nominal("r_temperature_coefficient_per_k"),
        gas_u0_v_cell=nominal("gas_u0_v_cell"),
        gas_cu_per_v=nominal("gas_cu_per_v"),
        gas_ct_per_k=nominal("gas_ct_per_k"),
        charge_limit_a=nominal("charge_limit_c") * capacity_ah,
        set_point_v=nominal("float_v") * counts,
        compensation_v_k=nominal("compensation_v_k") * counts,
        recommended_v_cell=nominal("float_v_cell"),
        recommended_v_cell_k=nominal("compensation_v_k_cell"),
        end_v=nominal("end_v_cell") * cells * counts,
        charge_overvoltage_v=_charge_overvoltage_v(sheets),
        heat_j_k=nominal("heat_capacity_j_k"),
        thermal_k_w=nominal("thermal_resistance_k_w"),
        activation_k=nominal("life_activation_energy_j_mol") / _GAS_CONSTANT_J_MOL_K,
        load_w=np.array(load_c) * capacity_ah * _LOADED_V_CELL * cells * counts,
    )
    first_block = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return records(parameters), first_block, np.stack([ocv_grid(sheet) for sheet in models])


def _charge_overvoltage_v(sheets: Sequence[BatteryDatasheet]) -> Floats:
    # a data sheet may float its block at the very voltage of its last point
    return np.array([max(sheet.float_v - sheet.ocv_v[-1], 0.01 * sheet.cells) for sheet in sheets])
