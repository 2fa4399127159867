"""How wrong readings and model may be, and what to do with a reading that is more wrong than that."""

from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import resistance_and_slope
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)

SENSOR_SIGMA_V: Final = 0.01
"""White error of one voltage reading of a 12 V block."""
_OCV_BIAS_V: Final = 0.04
LOAD_BIAS: Final = 0.4
"""Of the drop across the resistances of the model."""
_FRESH_REST_BIAS_V: Final = 0.15
GATE_NIS: Final = 9.0
"""Squared innovation over its variance above which a reading is trusted less."""
_REOPENING_S: Final = 600.0
"""Time over which innovations beyond the gate must last to be believed."""
_REOPENING_SHARE: Final = 0.1


@compiled
def systematic_sigma_v(x: TwinState, p: TwinParameters, regime: int, current_a: float) -> float:
    """Error of the predicted voltage that no averaging removes, V.

    The table of the data sheet is no better than 40 mV. Under load add a share of the drop, because resistances are
    the model's, not the block's; at rest what an hour or two have not yet levelled out.
    """
    scale = p.block_scale
    if regime == _DISCHARGE:
        drop_v = abs(current_a) * (resistance_and_slope(x, p, current_a)[0] + p.r1_ohm + p.r2_ohm)
        return float(_OCV_BIAS_V * scale + LOAD_BIAS * drop_v)
    rest_h = x.rest_s / 3600.0
    fresh = 1.0 / ((1.0 + rest_h) * (1.0 + rest_h))
    return (_OCV_BIAS_V + _FRESH_REST_BIAS_V * fresh) * scale


@compiled
def gated(innovation: float, innovation_var: float, noise_var: float) -> float:
    """Measurement variance, inflated so that the innovation stays at the gate; a reading is never dropped."""
    return noise_var + max(innovation * innovation / GATE_NIS - innovation_var, 0.0)


@compiled
def reopening(innovation: float, innovation_var: float, dt_s: float) -> float:
    """Variance to give back to a slow voltage state while innovations stay beyond the gate, V**2.

    Without it a filter that has settled would need days to follow a step.
    """
    square = innovation * innovation
    if square <= GATE_NIS * innovation_var:
        return 0.0
    return _REOPENING_SHARE * square * min(dt_s / _REOPENING_S, 1.0)
