"""What the kernel must know of each battery, from its data sheet and the day it was installed."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from actors.filter_layout import N_PARAMETERS, PARAMETERS_DTYPE, parameter_records
from actors.fleet import TwinSpec
from actors.ocv import resample_ocv
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import Rows

_GAS_CONSTANT_J_MOL_K: Final = 8.314462618
_SMALLEST_OCV_SPREAD_V: Final = 0.0005
_YEAR_S: Final = 365.25 * 86_400.0


@dataclass(frozen=True, slots=True)
class FilterParameters:
    """Parameters of many twins.

    Attributes:
        values: columns `P` of each model, shape `(n_models, N_PARAMETERS)`, C-contiguous.
        model_index: model of each twin, shape `(n_twins,)`.
        ocv_v: open-circuit voltage of each model on the uniform grid, V, shape `(n_models, OCV_GRID_SIZE)`.
        sheets: data sheet of each model.
        installed_us: when the first block of each slot came into service, microseconds UTC, shape `(n_twins,)`.
    """

    values: NDArray[np.float64]
    model_index: NDArray[np.int32]
    ocv_v: NDArray[np.float64]
    sheets: tuple[BatteryDatasheet, ...]
    installed_us: NDArray[np.float64]

    @classmethod
    def from_specs(cls, specs: Sequence[TwinSpec]) -> Self:
        """Parameters of the given twins, in their order. Equal data sheets are one model."""
        models: dict[BatteryDatasheet, int] = {}
        model_index = np.array([models.setdefault(spec.datasheet, len(models)) for spec in specs], np.int32)
        sheets = tuple(models)
        installed_us = [calendar.timegm(spec.installed_on.timetuple()) * 1e6 for spec in specs]
        ocv_v = [resample_ocv(sheet.ocv_soc, sheet.ocv_v) for sheet in sheets]
        return cls(
            values=np.array([_sheet_values(sheet) for sheet in sheets], np.float64).reshape(-1, N_PARAMETERS),
            model_index=model_index,
            ocv_v=np.ascontiguousarray(ocv_v, dtype=np.float64),
            sheets=sheets,
            installed_us=np.array(installed_us, np.float64),
        )

    @property
    def of_twins(self) -> Rows:
        """Columns `P` of each twin as records, a copy, shape `(n_twins,)`."""
        return parameter_records(self.values)[self.model_index]

    def take(self, twins: NDArray[np.int32]) -> Self:
        """Parameters of some twins, in the given order."""
        return replace(self, model_index=self.model_index[twins], installed_us=self.installed_us[twins])


def _sheet_values(sheet: BatteryDatasheet) -> NDArray[np.float64]:
    columns = {
        "capacity_ah": sheet.rated_capacity_ah,
        "spare_charge": 1.0 / sheet.ten_hour_share - 1.0,
        "cells": sheet.cells,
        "block_scale": sheet.cells / 6,
        "r0_ohm": sheet.r0_ohm,
        "r1_ohm": sheet.r1_ohm,
        "per_tau1_s": 1.0 / sheet.tau1_s,
        "r2_ohm": sheet.r2_ohm,
        "per_tau2_s": 1.0 / sheet.tau2_s,
        "per_tau2_recovery_s": 1.0 / sheet.tau2_recovery_s,
        "charge_ohm": sheet.charge_resistance_ohm,
        "kinetic_v": sheet.kinetic_v_cell * sheet.cells,
        "per_exchange_a": 1.0 / (sheet.exchange_current_c * sheet.rated_capacity_ah),
        "available_share": sheet.available_share,
        "per_diffusion_s": 1.0 / sheet.diffusion_s,
        "charge_limit_a": sheet.charge_limit_c * sheet.rated_capacity_ah,
        "ocv_sigma_v": max(sheet.ocv_spread_v_cell, _SMALLEST_OCV_SPREAD_V) * sheet.cells,
        "resistance_spread": sheet.resistance_spread,
        "capacity_spread": sheet.capacity_spread,
        "gain_per_fade": sheet.resistance_gain_at_end_of_life / (1.0 - sheet.end_of_life_soh),
        "r_per_k": sheet.r_temperature_coefficient_per_k,
        "docv_dt_v_k": sheet.docv_dt_v_k,
        "gas_a": sheet.gas_i0_ma_per_100ah * 1e-5 * sheet.rated_capacity_ah,
        "gas_u0_v_cell": sheet.gas_u0_v_cell,
        "gas_cu_per_v": sheet.gas_cu_per_v,
        "gas_ct_per_k": sheet.gas_ct_per_k,
        "float_v": sheet.float_v,
        "compensation_v_k": sheet.compensation_v_k,
        "end_v": sheet.end_v_cell * sheet.cells,
        "life_per_s_20c": 1.0 / (sheet.life_years_20c * _YEAR_S),
        "life_activation_k": sheet.life_activation_energy_j_mol / _GAS_CONSTANT_J_MOL_K,
        "life_exponent": sheet.life_knee_exponent,
        "fade_at_end": 1.0 - sheet.end_of_life_soh,
        "fade_per_resistance": (1.0 - sheet.end_of_life_soh) / sheet.resistance_gain_at_end_of_life,
        "volts_per_marker": sheet.cells / sheet.gas_cu_per_v,
    }
    return np.array([columns[name] for name in PARAMETERS_DTYPE.names or ()], dtype=np.float64)
