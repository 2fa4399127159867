"""Named columns of the filter's state and parameters: one row a twin, float64.

The kernel sees a row as a record, so that its formulas read by name. Outside, state and parameters are plain arrays of
which a record array is a view.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Rows


class TwinState(Protocol):
    """The state of one twin."""

    sample_time_us: float
    """Newest applied reading, microseconds UTC, exact in a float64 until the year 2255; 0 = none yet."""
    regime: float
    # equivalent circuit
    soc: float
    v1: float
    v2: float
    p00: float
    """Covariance of (SOC, V1, V2), upper triangle, units 1 and V."""
    p01: float
    p02: float
    p11: float
    p12: float
    p22: float
    counted_soc: float
    """SOC counted from current since the last anchor; the error of the count grows with it."""
    # newest measurements
    temperature_c: float
    temperature_var: float
    current_a: float
    current_known: float
    voltage_v: float
    """0 where the newest reading had none."""
    # durations
    quiet_s: float
    """How long it has looked like float."""
    float_s: float
    rest_s: float
    # float marker
    float_marker: float
    """ln(float current / own gassing current at the reference voltage and 25 degC)."""
    float_marker_var: float
    # series resistance
    r0_ohm: float
    """At 25 degC, above 60 % SOC."""
    r0_var: float
    # instrument resistance at 25 degC, mOhm
    resistance_first_us: float
    resistance_time_us: float
    resistance_count: float
    resistance_mean: float
    resistance_var: float
    resistance_base: float
    resistance_base_var: float
    resistance_base_soh: float
    """What the life law said of the capacity when the baseline was taken."""
    # life and capacity
    life_fraction: float
    faded_life_fraction: float
    """Life fraction up to which `soh_capacity` has been lowered."""
    soh_capacity: float
    soh_capacity_sigma: float
    capacity_evidence_us: float
    # a discharge that may become evidence of capacity
    event_ah: float
    event_soc: float
    event_soc_var: float
    """0 = no such discharge under way."""
    # newest innovation
    innovation_v: float
    innovation_var: float
    """0 where the newest reading had no voltage."""
    # health as told, with the weak evidence of the resistance trend
    told_soh_capacity: float
    told_soh_capacity_var: float
    told_soh_resistance: float
    told_soh_resistance_var: float
    """0 before the first resistance reading."""


class TwinParameters(Protocol):
    """The parameters of one twin: whole block, 25 degC, unless the name says otherwise."""

    capacity_ah: float
    cells: float
    block_scale: float
    """Cells over six: voltage errors of a 12 V block are scaled with it."""
    r0_ohm: float
    r1_ohm: float
    per_tau1_s: float
    r2_ohm: float
    per_tau2_s: float
    per_tau2_recovery_s: float
    knee_ohm: float
    """Rise of the discharge resistance at SOC 0."""
    r_per_k: float
    docv_dt_v_k: float
    gas_a: float
    """Gassing current at the reference voltage, A."""
    gas_u0_v_cell: float
    gas_cu_per_v: float
    gas_ct_per_k: float
    float_v: float
    compensation_v_k: float
    end_v: float
    life_per_s_20c: float
    life_activation_k: float
    """Activation energy over the gas constant, K."""
    life_exponent: float
    fade_at_end: float
    """Loss of capacity at end of life, fraction of rated."""
    fade_per_resistance: float
    """Loss of capacity that goes with a doubled resistance, fraction of rated."""
    installed_us: float
    volts_per_marker: float
    """Float voltage per unit of the float marker, V."""


def _record(columns: type) -> np.dtype[np.void]:
    return np.dtype([(name, np.float64) for name in columns.__annotations__])


STATE_DTYPE: Final = _record(TwinState)
PARAMETERS_DTYPE: Final = _record(TwinParameters)
N_STATE: Final = len(TwinState.__annotations__)
N_PARAMETERS: Final = len(TwinParameters.__annotations__)
STATE_LAYOUT: Final = "filter-state-1"
"""Name of this layout. A change of columns, units or meaning changes it."""


def state_records(state: NDArray[np.float64]) -> Rows:
    """The state as records, a view, shape `(n_twins,)`."""
    return state.view(STATE_DTYPE)[:, 0]


def parameter_records(values: NDArray[np.float64]) -> Rows:
    """The parameters as records, a view, shape `(n_twins,)`."""
    return values.view(PARAMETERS_DTYPE)[:, 0]
