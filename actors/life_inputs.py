"""What is known of a battery's past and present when its remaining life is asked for: one row a twin, float64.

The only inputs of the physics of life and of the learned model. A shard computes the row from its accumulators and the
state of the filter; from history a batch function computes the same row. Every column is a time integral, a count or
an estimate of the filter, so that it does not depend on how densely a battery was sampled; nothing names the battery,
its string or its site.
"""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import Rows


class LifeInputs(Protocol):
    """Columns. NaN = not known."""

    as_of_us: float
    """Newest applied reading, microseconds UTC; 0 = none yet, and all that is measured is unknown."""
    installed_us: float
    # data sheet
    capacity_ah: float
    """Rated, at the 10-hour rate."""
    life_per_s_20c: float
    """Life fraction a second at 20 degC and the recommended voltage."""
    life_activation_k: float
    """Activation energy over the gas constant, K."""
    life_exponent: float
    fade_at_end: float
    """Loss of capacity at end of life, fraction of rated."""
    fade_per_resistance: float
    """Loss of capacity that goes with a doubled resistance, fraction of rated."""
    # the last 30 full days of UTC and the one under way
    temperature_mean_30d_c: float
    """Mean over time."""
    temperature_max_30d_c: float
    """Mean of the hottest hour, so that neither noise nor the number of readings raises it."""
    time_above_30c_30d_h: float
    covered_30d_h: float
    """Time that readings cover."""
    # since the block was installed; before its first reading 25 degC and the recommended voltage are assumed, in gaps
    # (more than 2 h without a temperature) what was usual until then
    observed_s: float
    """Time that readings cover."""
    thermal_age_s: float
    """Integral of the ageing factor of the temperature (1 at 20 degC) over time: age at 20 degC."""
    stress_age_s: float
    """The same, times the factor of the float voltage (1 at the compensated set point)."""
    temperature_cycles: float
    """Swings of more than 5 K, counted at their return."""
    discharges: float
    """Of 1 % of the charge or more."""
    depth_sum: float
    """Sum of the depths of discharges, fraction of the charge each."""
    depth_max: float
    cycle_wear: float
    """Life that discharges have used, fraction: sum of depth**1.6 / 230."""
    discharged_ah: float
    # climate of the battery's own site: mean ageing factor (1 at 20 degC) of each month of the year, recent years
    # counting more; NaN = never seen
    ageing_month_1: float
    ageing_month_2: float
    ageing_month_3: float
    ageing_month_4: float
    ageing_month_5: float
    ageing_month_6: float
    ageing_month_7: float
    ageing_month_8: float
    ageing_month_9: float
    ageing_month_10: float
    ageing_month_11: float
    ageing_month_12: float
    # instrument resistance at 25 degC
    resistance_drift: float
    """Over its baseline, minus 1."""
    resistance_drift_sigma: float
    resistance_rate_per_year: float
    """Slope of that drift over the last 36 calendar months, a year of age at 20 degC (least squares over months)."""
    resistance_rate_sigma: float
    resistance_trend_s: float
    """Time from the first to the last of the months that the slope rests on."""
    # float current marker
    marker_drift: float
    """Change of ln(own gassing current) since it first settled: the mean of the first week of float after two days."""
    # capacity
    told_soh_capacity: float
    """Capacity over rated as the twin tells it, with all evidence and the life law in it."""
    told_soh_capacity_sigma: float
    test_us: float
    """Newest capacity test; NaN = none, like the two below."""
    test_soh: float
    test_sigma: float
    deep_us: float
    """Newest deep discharge that told capacity."""
    deep_soh: float
    deep_sigma: float
    rank_us: float
    """Newest discharge in which the string's blocks could be ranked."""
    rank_soh: float
    rank_sigma: float


LIFE_INPUTS_DTYPE: Final = np.dtype([(name, np.float64) for name in LifeInputs.__annotations__])
N_LIFE_INPUTS: Final = len(LifeInputs.__annotations__)
LIFE_INPUTS_LAYOUT: Final = "life-inputs-1"
"""Name of this layout; a model is bound to the one it was trained on."""

AGEING_MONTHS: Final = tuple(f"ageing_month_{month}" for month in range(1, 13))


def life_records(values: NDArray[np.float64]) -> Rows:
    """Values as records, a view, shape `(n_batteries,)`."""
    return values.view(LIFE_INPUTS_DTYPE)[:, 0]
