"""What a shard remembers of the life of a battery: integrals, counts and the last 30 days.

Whole numbers, so that no sum depends on its order. A row rounds once; hour and day round once more, when they are over.
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from actors.filter_layout import PARAMETERS_DTYPE
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows

RING_DAYS: Final = 30
"""Full days of UTC before the one under way."""
RING_MONTHS: Final = 36
"""Calendar months of the instrument's resistance, the one under way among them."""
YEAR_MONTHS: Final = 12
DAY_HOURS: Final = 24
HOUR_US: Final = 3_600_000_000
MINUTE_US: Final = 60_000_000
LONGEST_STEP_US: Final = 7_200_000_000
"""Readings further apart say nothing of what was between them: a gap."""
UNKNOWN: Final = -(2**31)
"""In place of a temperature or a charge that is not known."""

LIFE_LAYOUT: Final = "life2"
"""Name of the layout below; a change of fields, units or meaning changes it."""

LIFE_DTYPE: Final = np.dtype(
    [
        # where the log stands
        ("installed_us", "<i8"),
        ("first_us", "<i8"),
        ("as_of_us", "<i8"),
        ("temperature_us", "<i8"),
        # hour and day of the newest temperature
        ("hour_mc_us", "<i8"),
        ("hour_covered_us", "<i8"),
        ("day_mc_us", "<i8"),
        ("day_covered_us", "<i8"),
        ("day_above_us", "<i8"),
        # since the block was installed
        ("observed_us", "<i8"),
        ("thermal_age_us", "<i8"),
        ("stress_age_us", "<i8"),
        ("assumed_age_us", "<i8"),
        ("assumed_stress_us", "<i8"),
        ("depth_ppm", "<i8"),
        ("cycle_wear_ppt", "<i8"),
        ("discharged_mas", "<i8"),
        # float marker of the first days on settled float
        ("float_since_us", "<i8"),
        ("marker_row_us", "<i8"),
        ("marker_us", "<i8"),
        ("marker_covered_us", "<i8"),
        # newest row
        ("ageing", "<f8"),
        ("stressed", "<f8"),
        ("marker", "<f8"),
        ("hour", "<i4"),
        ("month", "<i4"),
        ("resistance_month", "<i4"),
        ("temperature_dc", "<i4"),
        ("discharge_ma", "<i4"),
        ("soc_ppm", "<i4"),
        ("top_soc_ppm", "<i4"),
        ("swing_low_dc", "<i4"),
        ("swing_high_dc", "<i4"),
        ("temperature_cycles", "<i4"),
        ("discharges", "<i4"),
        ("depth_max_ppm", "<i4"),
        ("day_hottest_cc", "<i4"),
        ("regime", "<i2"),
        ("risen", "<i2"),
        ("begun_late", "u1"),
        ("unused", "u1", (7,)),
        # climate by month of the year, and resistance by calendar month
        ("month_age_us", "<i8", (YEAR_MONTHS,)),
        ("month_covered_us", "<i8", (YEAR_MONTHS,)),
        ("resistance_uohm", "<i8", (RING_MONTHS,)),
        ("resistance_age_s", "<i8", (RING_MONTHS,)),
        ("resistance_count", "<i4", (RING_MONTHS,)),
        ("month_year", "<i2", (YEAR_MONTHS,)),
        # the last 30 days, each at its number modulo 30
        ("ring_mean_cc", "<i2", (RING_DAYS,)),
        ("ring_hottest_cc", "<i2", (RING_DAYS,)),
        ("ring_covered_min", "<i2", (RING_DAYS,)),
        ("ring_above_min", "<i2", (RING_DAYS,)),
    ]
)
"""One battery's accumulators; what every row needs comes first, in four cache lines.

`first_us`, `as_of_us`: first and newest applied row, 0 = none. `temperature_us`: time up to which temperatures are
accounted for. `hour`: its hour since 1970, `month` that hour's month since year 0; `hottest` is the highest mean of a
full hour. Temperatures are in m, c or d degC (1/1000, 1/100, 1/10). Ages are microseconds at 20 degC; `assumed_*` those
of times that no readings cover. `depth_ppm` sums depths of discharges, `cycle_wear_ppt` the life they used (1e-12),
`discharged_mas` their charge, mA s. `marker_us` is the integral of the float marker over `marker_covered_us`; it was
followed up to `marker_row_us`, 0 = it is not followed now. `resistance_*` sum what was measured in a calendar month at
25 degC, and the age at 20 degC then; `resistance_month` is the newest of them, at its number modulo 36. `month_year` is
the year up to which a month of the climate has come. `ageing`, `stressed`: ageing factor at the newest temperature,
without and with that of the voltage. `top_soc_ppm` is the charge at which the discharge under way began. `risen`: the
temperature has risen by a swing and not yet come back. `begun_late`: they began in the midst of a life, so that they
are not those of the whole log.
"""

LIFE: Final = numba.from_dtype(LIFE_DTYPE)[::1]
"""Numba types of arrays of accumulators, of parameters and of rows that may be read only."""
LIFE_PARAMETERS: Final = numba.types.Array(numba.from_dtype(PARAMETERS_DTYPE), 1, "C", readonly=True)
LIFE_ROWS: Final = numba.types.Array(numba.from_dtype(TELEMETRY_DTYPE), 1, "C", readonly=True)


def empty_life(installed_us: NDArray[np.float64]) -> Rows:
    """Accumulators of batteries that have seen nothing.

    Args:
        installed_us: when each block came into service, microseconds UTC, shape `(n_twins,)`.

    Returns:
        `LIFE_DTYPE`, shape `(n_twins,)`.
    """
    life = np.zeros(len(installed_us), LIFE_DTYPE)
    life["installed_us"] = installed_us
    for name in ("temperature_dc", "day_hottest_cc", "soc_ppm", "top_soc_ppm"):
        life[name] = UNKNOWN
    return life
