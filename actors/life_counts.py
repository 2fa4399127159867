"""What is counted of a battery's life: temperature swings, discharges, and what the instrument and float told."""

from typing import Any, Final

from actors.compiled import compiled
from actors.filter_circuit import warmth_at
from actors.filter_layout import TwinParameters
from actors.filter_life import cycle_wear
from actors.life_calendar import month_of_hour
from actors.life_hours import rounded
from actors.life_layout import HOUR_US, LONGEST_STEP_US, RING_MONTHS, UNKNOWN
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_SWING_DC: Final = 50
"""Swing of the temperature from which it counts: 5 K."""
_SMALLEST_DEPTH_PPM: Final = 10_000
"""What uses less than 1 % of the charge is no discharge: the noise of a current sensor looks like it."""
_LARGEST_CURRENT_C: Final = 20.0
_LONGEST_EDGE_US: Final = 120_000_000
"""Beginning and end of a discharge are seen where readings are no further apart."""
_SMALLEST_MOHM: Final = 1e-3
_LARGEST_MOHM: Final = 1e4
_SETTLED_US: Final = 2 * 86_400_000_000
_MARKER_LASTS_US: Final = 7 * 86_400_000_000


@compiled
def count_swing(life: Any, temperature_dc: int) -> None:
    """Counts a rise of more than 5 K when as much has come back."""
    if life.temperature_dc == UNKNOWN:
        life.swing_low_dc = life.swing_high_dc = temperature_dc
    elif life.risen:
        life.swing_high_dc = max(life.swing_high_dc, temperature_dc)
        if life.swing_high_dc - temperature_dc > _SWING_DC:
            life.temperature_cycles += 1
            life.risen = 0
            life.swing_low_dc = temperature_dc
    else:
        life.swing_low_dc = min(life.swing_low_dc, temperature_dc)
        if temperature_dc - life.swing_low_dc > _SWING_DC:
            life.risen = 1
            life.swing_high_dc = temperature_dc


@compiled
def count_charge(life: Any, p: TwinParameters, now: int, regime: int, current_a: float) -> None:
    """Adds the charge that a discharge has taken since the row before. Its sign may be the wrong way round.

    What a current sensor reads on float is its own error and does not count.
    """
    before_ma, now_ma = life.discharge_ma, 0
    if regime == _DISCHARGE:
        known = abs(current_a) < _LARGEST_CURRENT_C * p.capacity_ah
        now_ma = rounded(1e3 * abs(current_a)) if known else before_ma
    longest_us = LONGEST_STEP_US if regime == life.regime else _LONGEST_EDGE_US
    if before_ma + now_ma > 0 and now - life.as_of_us <= longest_us:
        life.discharged_mas += rounded(0.5e-6 * (before_ma + now_ma) * (now - life.as_of_us))
    life.discharge_ma = now_ma


@compiled
def count_discharge(life: Any, regime: int, soc_ppm: int) -> None:
    """Counts a discharge and its wear when the battery is charged again, like `filter_life.wear_by_cycle`."""
    if regime == _DISCHARGE:
        if life.top_soc_ppm == UNKNOWN:
            life.top_soc_ppm = soc_ppm if life.soc_ppm == UNKNOWN else life.soc_ppm
    elif life.top_soc_ppm != UNKNOWN and regime in (_FLOAT, _RECHARGE):
        depth_ppm = min(life.top_soc_ppm - life.soc_ppm, 1_000_000)
        life.top_soc_ppm = UNKNOWN
        if depth_ppm >= _SMALLEST_DEPTH_PPM:
            life.discharges += 1
            life.depth_ppm += depth_ppm
            life.depth_max_ppm = max(life.depth_max_ppm, depth_ppm)
            life.cycle_wear_ppt += rounded(1e12 * cycle_wear(1e-6 * depth_ppm))
    life.soc_ppm = soc_ppm


@compiled
def note_resistance(life: Any, p: TwinParameters, now: int, regime: int, resistance_mohm: float) -> None:
    """Adds a reading of the instrument to its month, at 25 degC, with the age at 20 degC. Not while current flows."""
    if regime not in (_FLOAT, _REST) or not _SMALLEST_MOHM < resistance_mohm < _LARGEST_MOHM:
        return
    if life.temperature_dc == UNKNOWN or now - life.temperature_us > LONGEST_STEP_US:
        return
    month = month_of_hour(now // HOUR_US)
    if month != life.resistance_month:
        for opened in range(max(life.resistance_month + 1, month - RING_MONTHS + 1), month + 1):
            place = opened % RING_MONTHS
            life.resistance_count[place] = life.resistance_uohm[place] = life.resistance_age_s[place] = 0
        life.resistance_month = month
    place = month % RING_MONTHS
    life.resistance_count[place] += 1
    life.resistance_uohm[place] += rounded(1e3 * resistance_mohm / warmth_at(p, life.temperature_dc / 10.0))
    life.resistance_age_s[place] += (life.assumed_age_us + life.thermal_age_us) // 1_000_000


@compiled
def note_marker(life: Any, p: TwinParameters, now: int, voltage_v: float, temperature_c: float) -> None:
    """Follows the float marker of a settled float until a week of it has been seen; see `filter_float`."""
    if life.marker_covered_us >= _MARKER_LASTS_US or now - life.float_since_us < _SETTLED_US:
        life.marker_row_us = 0
        return
    at_25c = voltage_v - p.compensation_v_k * (temperature_c - 25.0)
    marker = (at_25c - p.cells * p.gas_u0_v_cell) / p.volts_per_marker
    lasts_us = now - life.marker_row_us
    if life.marker_row_us > 0 and lasts_us <= LONGEST_STEP_US:
        life.marker_us += rounded(0.5 * (life.marker + marker) * lasts_us)
        life.marker_covered_us += lasts_us
    life.marker = marker
    life.marker_row_us = now
