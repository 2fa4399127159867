"""Named columns of the filter's state and parameters: one row a twin, float64.

The kernel sees a row as a record, so that its formulas read by name. Outside, state and parameters are plain arrays of
which a record array is a view.

Capacity and series resistance are two of six jointly estimated states: `soh_capacity` (over rated, 10-hour rate,
25 degC) with variance `p44`, `r0_ohm` with variance `p33`. Evidence from outside must therefore go through
`filter_life.learn_capacity`, which moves what is correlated with the capacity along with it; assigning either column
would break the covariance. Both are frozen on float; their variances grow with time in `filter_life.live_on`.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Rows


class TwinState(Protocol):
    """The state of one twin."""

    installed_us: float
    """When the present block of the slot came into service, microseconds UTC."""
    sample_time_us: float
    """Newest applied reading, microseconds UTC, exact in a float64 until the year 2255; 0 = none yet."""
    regime: float
    # equivalent circuit
    soc: float
    v1: float
    v2: float
    r0_ohm: float
    """At 25 degC, above 60 % SOC."""
    soh_capacity: float
    table_error_v: float
    """By how much the open-circuit voltage of this block lies above its table at the present charge, V."""
    p00: float
    """Covariance of (SOC, V1, V2, R0, capacity, table error), upper triangle, units 1, V and Ohm."""
    p01: float
    p02: float
    p03: float
    p04: float
    p11: float
    p12: float
    p13: float
    p14: float
    p22: float
    p23: float
    p24: float
    p33: float
    p34: float
    p44: float
    p05: float
    p15: float
    p25: float
    p35: float
    p45: float
    p55: float
    charge_gap: float
    """Charge level of the bound acid minus that of the acid at the plates, fraction; > 0 after discharge."""
    counted_soc: float
    """SOC counted from current since the last anchor; the error of the count grows with it."""
    # newest measurements
    temperature_c: float
    temperature_var: float
    current_a: float
    current_known: float
    reported_a: float
    """The newest current as the gateway reports it."""
    voltage_v: float
    """0 where the newest reading had none."""
    voltage_noise_var: float
    """White error of the voltage sensor, as its own innovations show it, V**2."""
    misfit_v: float
    """Voltage that the circuit does not explain under load and at rest: followed, but nothing is learnt from it."""
    misfit_var: float
    # durations
    quiet_s: float
    """How long it has looked like float."""
    float_s: float
    rest_s: float
    rest_low_v: float
    """Lowest voltage of the rest under way; 0 = none yet."""
    regime_s: float
    """How long the present regime has lasted."""
    edge_s: float
    """Time since the current last stepped."""
    charge_peak_a: float
    """Largest current of the recharge under way."""
    # float marker
    float_marker: float
    """ln(float current / own gassing current at the reference voltage and 25 degC)."""
    float_marker_var: float
    settling_v: float
    """How far the float voltage stands from the marker's while the string settles after a charge."""
    settling_var: float
    settling_cov: float
    """Covariance of marker and settling, V."""
    # current sensor
    current_sign: float
    """1, or -1 where edges have shown that the gateway counts discharge as positive."""
    sign_evidence: float
    """Held to +-8: what steps of the load have said for (> 0) and against the sign as reported; 0 = nothing seen."""
    current_offset_a: float
    """What the sensor reads without any current; subtracted from its readings."""
    current_offset_var: float
    # instrument resistance at 25 degC, mOhm
    resistance_first_us: float
    resistance_time_us: float
    resistance_count: float
    resistance_mean: float
    resistance_var: float
    resistance_base: float
    resistance_base_var: float
    # life and capacity
    aged_us: float
    """Time up to which life and certainty have been followed, microseconds UTC."""
    life_fraction: float
    faded_life_fraction: float
    """Life fraction up to which `soh_capacity` has been lowered."""
    capacity_evidence_us: float
    capacity_evidence_kind: float
    """`HealthEvidenceKind` of the newest evidence; 0 = none."""
    cycle_top_soc: float
    """SOC at which the discharge under way began; 0 = none."""
    fade_sigma: float
    """What the rate of ageing, which no block shares with its kind, makes uncertain of the fade since the anchor."""
    # what trends are measured from: the capacity when they began, or when it was last measured
    anchor_soh: float
    anchor_var: float
    anchor_ratio: float
    """Resistance over its baseline then; 0 = no resistance yet."""
    anchor_marker: float
    anchor_marker_us: float
    """0 = the marker has not settled since."""
    marker_us: float
    """Newest settled marker."""
    settled_marker: float
    # evidence, each kind by itself; times 0 = none
    test_us: float
    test_soh: float
    test_var: float
    deep_us: float
    deep_soh: float
    deep_var: float
    rank_us: float
    rank_soh: float
    rank_var: float
    # the discharge under way
    event_depth: float
    """SOC lost since the last charge."""
    event_soh: float
    """Capacity when it began."""
    event_var: float
    """Variance of the capacity when it began; 0 = not followed."""
    # newest innovation
    innovation_v: float
    innovation_var: float
    """0 where the newest reading had no voltage."""
    # health as told, with the evidence that is not fed back
    told_soh_capacity: float
    told_soh_capacity_var: float
    told_soh_resistance: float
    told_soh_resistance_var: float
    """0 before the first resistance reading."""


class TwinParameters(Protocol):
    """The parameters of one twin: whole block, 25 degC, unless the name says otherwise."""

    capacity_ah: float
    """Rated, at the 10-hour rate."""
    spare_charge: float
    """Charge that the 10-hour rate leaves in a block, in units of what it takes."""
    cells: float
    block_scale: float
    """Cells over six: voltage errors of a 12 V block are scaled with it."""
    r0_ohm: float
    r1_ohm: float
    per_tau1_s: float
    r2_ohm: float
    per_tau2_s: float
    per_tau2_recovery_s: float
    charge_ohm: float
    """Charge resistance: times SOC / (1.004 - SOC) while charging."""
    kinetic_v: float
    """Voltage of the plates' kinetics per factor e of the current, whole block."""
    per_exchange_a: float
    """One over the exchange current of a full block."""
    available_share: float
    """Share of the charge that the plates hold."""
    per_diffusion_s: float
    charge_limit_a: float
    ocv_sigma_v: float
    """Error of the open-circuit table that all readings share."""
    resistance_spread: float
    capacity_spread: float
    gain_per_fade: float
    """Rise of R0 that goes with a loss of capacity, relative to both."""
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
    volts_per_marker: float
    """Float voltage per unit of the float marker, V."""


def _record(columns: type) -> np.dtype[np.void]:
    return np.dtype([(name, np.float64) for name in columns.__annotations__])


STATE_DTYPE: Final = _record(TwinState)
PARAMETERS_DTYPE: Final = _record(TwinParameters)
N_STATE: Final = len(TwinState.__annotations__)
N_PARAMETERS: Final = len(TwinParameters.__annotations__)
STATE_LAYOUT: Final = "filter-state-6"
"""Name of this layout. A change of columns, units or meaning changes it."""


def state_records(state: NDArray[np.float64]) -> Rows:
    """The state as records, a view, shape `(n_twins,)`."""
    return state.view(STATE_DTYPE)[:, 0]


def parameter_records(values: NDArray[np.float64]) -> Rows:
    """The parameters as records, a view, shape `(n_twins,)`."""
    return values.view(PARAMETERS_DTYPE)[:, 0]
