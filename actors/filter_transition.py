"""What changes at once when a battery goes from one regime to another."""

from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import resistance_and_slope
from actors.filter_covariance import reset_polarisation
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import LOAD_BIAS
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_SURFACE_CHARGE_V: Final = 0.35
_SURFACE_SIGMA_V: Final = 0.2
_FAST_SIGMA_V: Final = 0.02
_LOAD_SIGMA_V: Final = 0.06
_CHARGE_SIGMA_V: Final = 0.15
_FLOAT_TO_CHARGE_SIGMA_V: Final = 0.3
_RELATIVE_SIGMA: Final = 0.3


@compiled
def enter_regime(x: TwinState, p: TwinParameters, moment: Moment, polarisation_v: float) -> None:
    """Sets the polarisation that a regime other than float begins with.

    A load takes the surface charge away within the first minute; at rest it lasts for hours, while the gassing part of
    the polarisation goes with the fast branch (vrla facts, section 1.1 and 4.4).

    Args:
        x: state of the twin.
        p: its parameters.
        moment: the reading that begins the regime.
        polarisation_v: voltage above open circuit before the change, V.
    """
    scale = p.block_scale
    previous, regime = moment.previous, moment.regime
    charged = previous in (_FLOAT, _RECHARGE)
    if regime == _REST:
        if charged:
            surface_v = min(max(polarisation_v, 0.0), _SURFACE_CHARGE_V * scale)
            fast_v = polarisation_v - surface_v
            sigma1_v = _FAST_SIGMA_V * scale + _RELATIVE_SIGMA * abs(fast_v)
            reset_polarisation(x, fast_v, surface_v, sigma1_v, _SURFACE_SIGMA_V * scale)
        elif previous == _DISCHARGE:
            loaded_a = moment.current_a - moment.step_a
            drop_v = LOAD_BIAS * loaded_a * resistance_and_slope(x, p, loaded_a)[0]
            x.p22 += drop_v * drop_v
    elif regime == _DISCHARGE:
        if charged or previous == 0 or x.v2 > 0.0:
            reset_polarisation(x, 0.0, 0.0, _FAST_SIGMA_V * scale, _LOAD_SIGMA_V * scale)
    elif previous == _FLOAT:
        reset_polarisation(x, 0.0, polarisation_v, _FAST_SIGMA_V * scale, _FLOAT_TO_CHARGE_SIGMA_V * scale)
    else:
        start_v = p.r2_ohm * moment.current_a
        reset_polarisation(x, 0.0, start_v, _FAST_SIGMA_V * scale, _CHARGE_SIGMA_V * scale + 2.0 * abs(start_v))
