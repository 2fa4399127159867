"""The misfit: voltage that the circuit does not explain, followed so that only what is new surprises."""

import math
from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import Circuit
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import WHIPLASH_S, WHIPLASH_V
from batterytwin.telemetry import Regime

_RECHARGE: Final = int(Regime.RECHARGE)

_LIMIT: Final = 3.0
"""Innovation over its sigma beyond which a single reading is not followed further."""
_DRIFT_V: Final = 0.003
"""Drift of the misfit in a minute."""
_BENT: Final = 0.5
"""Relative error of how fast the acid at the plates moves the voltage."""


@compiled
def expect_misfit(  # noqa: PLR0917  # the terms of one sum
    x: TwinState,
    p: TwinParameters,
    moment: Moment,
    circuit: Circuit,
    predicted_var: float,
    soc_change: float,
    dip: float,
) -> None:
    """Lets the misfit drift; a regime begins with none, and with the error of all that is estimated.

    On recharge there is none: V2 takes all.

    Args:
        x: state of the twin.
        p: its parameters.
        moment: the reading.
        circuit: of the model.
        predicted_var: of the circuit's voltage by what is estimated, V**2.
        soc_change: of the step.
        dip: share of the dip at the begin of a discharge that may still be there.
    """
    if moment.regime != moment.previous or moment.regime == _RECHARGE:
        x.misfit_v = 0.0
        x.misfit_var = predicted_var + circuit.acid_v * circuit.acid_v
        return
    drift_v = _DRIFT_V * p.block_scale
    per_s = drift_v * drift_v / 60.0
    if dip > 0.0:
        dip_v = WHIPLASH_V * p.block_scale - _BENT * circuit.acid_v
        per_s += dip_v * dip_v / WHIPLASH_S * dip
    edge_v = moment.step_a * x.r0_ohm * p.resistance_spread
    bend_v = _BENT * circuit.acid_by_level * soc_change
    x.misfit_var += per_s * moment.dt_s + edge_v * edge_v + bend_v * bend_v


@compiled
def follow_misfit(x: TwinState, noise_var: float, learnt_v: float) -> None:
    """Follows the voltage with what the circuit, which has moved by `learnt_v`, does not explain."""
    innovation, innovation_var = x.innovation_v, x.innovation_var
    limit_v = _LIMIT * math.sqrt(innovation_var)
    beyond_v = max(abs(innovation) - limit_v, 0.0)
    gain = x.misfit_var / (x.misfit_var + noise_var)
    x.misfit_v += gain * min(max(innovation, -limit_v), limit_v) - learnt_v
    # what lasts beyond the limit is followed at the next reading, a spike is not
    x.misfit_var = (1.0 - gain) * x.misfit_var + _BENT * _BENT * beyond_v * beyond_v
