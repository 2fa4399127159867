"""What changes at once when a battery goes from one regime to another."""

from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import charge_resistance
from actors.filter_covariance import reset_polarisation
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_SURFACE_CHARGE_V: Final = 0.5
_SURFACE_SIGMA_V: Final = 0.2
_FAST_SIGMA_V: Final = 0.02
_RECOVERY_SIGMA_V: Final = 0.1
"""What a rest after a discharge may level out in another way than the model."""
_LOAD_SIGMA_V: Final = 0.02
_FLOAT_TO_CHARGE_SIGMA_V: Final = 0.3
_RELATIVE_SIGMA: Final = 0.3
_CHARGE_V: Final = 2.5
"""Slow polarisation of a charge that begins, over that of a discharge: kinetics which the circuit lacks."""
_CHARGE_SIGMA_V: Final = 0.1
_CHARGE_RELATIVE_SIGMA: Final = 0.6
_CHARGER_SIGMA_V: Final = 0.15


@compiled
def enter_regime(x: TwinState, p: TwinParameters, moment: Moment, polarisation_v: float, charger_v: float) -> None:
    """Sets the polarisation that a regime other than float begins with.

    A load takes the surface charge away within the first minute; at rest it lasts for hours, while the gassing part of
    the polarisation goes with the fast branch (vrla facts, section 1.1 and 4.4).

    Args:
        x: state of the twin.
        p: its parameters.
        moment: the reading that begins the regime.
        polarisation_v: voltage above open circuit before the change, V.
        charger_v: voltage above open circuit at which the charger is expected to hold the block, V.
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
        else:
            recovery_v = _RECOVERY_SIGMA_V * scale + _RELATIVE_SIGMA * abs(x.v2)
            x.p22 += recovery_v * recovery_v
    elif regime == _DISCHARGE:
        if charged or previous == 0 or x.v2 > 0.0:
            reset_polarisation(x, 0.0, 0.0, _FAST_SIGMA_V * scale, _LOAD_SIGMA_V * scale)
    elif previous == _FLOAT:
        reset_polarisation(x, 0.0, polarisation_v, _FAST_SIGMA_V * scale, _FLOAT_TO_CHARGE_SIGMA_V * scale)
    else:
        _begin_charge(x, p, moment.current_a, charger_v)


@compiled
def _begin_charge(x: TwinState, p: TwinParameters, current_a: float, charger_v: float) -> None:
    """Polarisation of a charge that begins, unless the charger's voltage is reached at once."""
    scale = p.block_scale
    ohmic_v = current_a * (x.r0_ohm + charge_resistance(p, x.soc)[0])
    start_v = _CHARGE_V * p.r2_ohm * current_a
    sigma_v = _CHARGE_SIGMA_V * scale + _CHARGE_RELATIVE_SIGMA * (start_v + ohmic_v)
    if ohmic_v + start_v > charger_v:
        start_v = charger_v - ohmic_v
        sigma_v = min(sigma_v, _CHARGER_SIGMA_V * scale)
    reset_polarisation(x, 0.0, start_v, _FAST_SIGMA_V * scale, sigma_v)
