"""The battery data sheet: everything the product knows of a model before it has seen one.

The plant of the simulator and the estimator of the twins share nothing but this.
"""

import itertools
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from batterytwin.errors import InvalidArgumentError

_SOC_GRID = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
_OCV_PER_CELL_V = (1.9217, 1.9583, 1.99, 2.0383, 2.0817, 2.1233, 2.1383, 2.15)

_OCV_SPREAD_OF_MAKES_V_CELL = 0.012


class BatteryDatasheet(BaseModel):
    """Nominal values of one battery model. Values are for the whole block at 25 degC unless the name says per cell.

    Only `model`, `rated_capacity_ah` and `cells` are required. What is left out is scaled from a general-purpose AGM
    block: resistances with `cells / capacity`, open-circuit voltage with `cells` (vrla facts, section 1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, max_length=32)
    rated_capacity_ah: float = Field(gt=0, le=10_000, description="Ah at the 10-hour rate")
    cells: int = Field(ge=1, le=24)
    ocv_soc: tuple[float, ...] = _SOC_GRID
    ocv_v: tuple[float, ...] = Field(default=(), description="rested open-circuit voltage at `ocv_soc`, V")
    docv_dt_v_k: float = Field(default=0.0, description="0 = 0.2 mV/K per cell")
    r0_ohm: float = Field(default=0.0, ge=0, description="0 = 3.5 mOhm * (cells/6) * (120 Ah / capacity)")
    r1_ohm: float = Field(default=0.0, ge=0, description="0 = 1.5 mOhm, scaled alike")
    tau1_s: float = Field(default=40.0, gt=0)
    r2_ohm: float = Field(default=0.0, ge=0, description="0 = 4.0 mOhm, scaled alike")
    tau2_s: float = Field(default=2_000.0, gt=0)
    tau2_recovery_s: float = Field(default=10_000.0, gt=0)
    r_temperature_coefficient_per_k: float = Field(default=-0.0075, description="relative change of r0 per K")
    charge_resistance_ohm: float = Field(
        default=0.0, ge=0, description="times SOC / (1.004 - SOC) while charging; 0 = 7.0 mOhm, scaled alike"
    )
    kinetic_v_cell: float = Field(default=0.0257, gt=0, description="kinetics of the plates, V per factor e of current")
    exchange_current_c: float = Field(
        default=0.05, gt=0, description="current up to which the kinetics are linear, multiples of capacity per hour"
    )
    available_share: float = Field(
        default=0.206, gt=0, le=1, description="share of the charge at the plates (KiBaM's c); 1 = no rate dependence"
    )
    diffusion_s: float = Field(default=310.0, gt=0, description="time in which the rest follows (KiBaM's 1/k)")
    ocv_spread_v_cell: float = Field(
        default=0.007, ge=0, description="standard error of `ocv_v` for one block; 0.012 where `ocv_v` is left out"
    )
    resistance_spread: float = Field(
        default=0.35, gt=0, description="relative standard error of `r0_ohm` for one block"
    )
    capacity_spread: float = Field(
        default=0.10, gt=0, description="relative standard error of the capacity of one block"
    )
    gas_i0_ma_per_100ah: float = Field(default=10.0, gt=0, description="at 2.23 V/cell and 25 degC")
    gas_u0_v_cell: float = 2.23
    gas_cu_per_v: float = Field(default=11.0, gt=0)
    gas_ct_per_k: float = Field(default=0.0693, gt=0)
    float_v_cell: float = Field(default=2.275, gt=2.0, lt=2.6)
    compensation_v_k_cell: float = Field(default=-0.003, le=0, ge=-0.008)
    charge_limit_c: float = Field(
        default=0.1, gt=0, description="constant-current limit, multiples of capacity per hour"
    )
    end_v_cell: float = Field(default=1.75, gt=1.0, lt=2.0)
    life_years_20c: float = Field(default=10.0, gt=0)
    life_activation_energy_j_mol: float = Field(default=50_000.0, gt=0)
    life_knee_exponent: float = Field(default=1.5, ge=1.0)
    end_of_life_soh: float = Field(default=0.80, gt=0, lt=1)
    resistance_gain_at_end_of_life: float = Field(default=0.45, gt=0)
    heat_capacity_j_k: float = Field(default=0.0, ge=0, description="0 = 192 J/K per Ah of a 6-cell block")
    thermal_resistance_k_w: float = Field(default=0.0, ge=0, description="0 = 0.58 K/W * (120 Ah / capacity)^(2/3)")

    @model_validator(mode="before")
    @classmethod
    def _fill_scaled_defaults(cls, data: Mapping[str, object]) -> dict[str, object]:
        filled = dict(data)
        capacity, cells = filled.get("rated_capacity_ah"), filled.get("cells")
        if not isinstance(capacity, int | float) or not isinstance(cells, int) or capacity <= 0:
            return filled  # field validation names what is wrong
        scale = cells / 6 * 120.0 / float(capacity)
        defaults: dict[str, object] = {
            "docv_dt_v_k": 0.0002 * cells,
            "r0_ohm": 0.0035 * scale,
            "r1_ohm": 0.0015 * scale,
            "r2_ohm": 0.0040 * scale,
            "charge_resistance_ohm": 0.0070 * scale,
            "heat_capacity_j_k": 192.0 * float(capacity) * cells / 6,
            "thermal_resistance_k_w": 0.58 * (120.0 * 6 / (float(capacity) * cells)) ** (2 / 3),
        }
        for name, value in defaults.items():
            if not filled.get(name):
                filled[name] = value
        if not filled.get("ocv_v") and "ocv_soc" not in filled:
            filled["ocv_v"] = tuple(v * cells for v in _OCV_PER_CELL_V)
            # makes differ by more than the blocks of one make (vrla facts, section 1.1)
            filled.setdefault("ocv_spread_v_cell", _OCV_SPREAD_OF_MAKES_V_CELL)
        return filled

    @model_validator(mode="after")
    def _check_ocv(self) -> Self:
        soc, ocv = self.ocv_soc, self.ocv_v
        if len(soc) != len(ocv) or len(soc) < 2:
            raise ValueError(f"ocv_soc has {len(soc)} points, ocv_v {len(ocv)}; give both, alike and at least 2")
        if any(b <= a for a, b in itertools.pairwise(soc)) or soc[0] != 0.0 or soc[-1] != 1.0:
            raise ValueError("ocv_soc must rise strictly from 0 to 1")
        if any(b <= a for a, b in itertools.pairwise(ocv)):
            raise ValueError("ocv_v must rise strictly with ocv_soc")
        return self

    @property
    def float_v(self) -> float:
        """Float set point of the block at 25 degC, V."""
        return self.float_v_cell * self.cells

    @property
    def ten_hour_share(self) -> float:
        """Share of the whole charge that comes out at the 10-hour rate (KiBaM's runtime law)."""
        times = 36_000.0 / self.diffusion_s
        left = math.exp(-times)
        return self.available_share * times / (1.0 - left + self.available_share * (times - 1.0 + left))

    @property
    def compensation_v_k(self) -> float:
        """Temperature compensation of the block's set point, V/K (< 0)."""
        return self.compensation_v_k_cell * self.cells


def parse_datasheet(text: str) -> BatteryDatasheet:
    """Reads a data sheet from TOML text.

    Raises:
        InvalidArgumentError: the text is not TOML, or a value is missing, unknown or out of range.
    """
    try:
        return BatteryDatasheet.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidArgumentError(f"The data sheet cannot be used: {error}", field="datasheet_toml") from error


def load_datasheet(model: str) -> BatteryDatasheet:
    """Reads a data sheet that comes with the product, by model name (any case).

    Raises:
        InvalidArgumentError: the product has no data sheet of this name.
    """
    resource = resources.files("batterytwin") / "data" / f"{model.lower()}.toml"
    if not resource.is_file():
        raise InvalidArgumentError(f"No data sheet named {model} comes with the product.", field="model", value=model)
    return parse_datasheet(resource.read_text(encoding="utf-8"))
