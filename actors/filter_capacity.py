"""Capacity from a deep discharge: charge taken out over the fall of SOC between two anchors."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_charge import ANCHORED_REST_S, LONGEST_STEP_S, rated_at_temperature_ah
from actors.filter_circuit import soc_at_voltage
from actors.filter_inputs import Moment
from actors.filter_ladder import note_deep_discharge
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import learn_capacity
from actors.filter_model_error import systematic_sigma_v
from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_REST: Final = int(Regime.REST)
_DEEP_DISCHARGE: Final = int(HealthEvidenceKind.DEEP_DISCHARGE)

_ANCHOR_SIGMA: Final = 0.05
_SMALLEST_DEPTH: Final = 0.3
_SENSOR_GAIN_SIGMA: Final = 0.02
_RATE_SIGMA: Final = 0.1
"""Error of the capacity at another rate than that of 10 hours, for each multiple of the capacity per hour."""


@compiled
def follow_discharge(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment, charge_ah: float
) -> None:
    """Opens, follows and closes the discharge that may tell the capacity.

    It opens where SOC is known to 5 %, and ends as evidence at the end voltage under load or after 4 h of rest, if more
    than 30 % was discharged between the anchors. Charging, a gap or an unknown current ends it without.
    """
    regime = moment.regime
    if regime not in (_DISCHARGE, _REST) or not moment.has_current or moment.dt_s > LONGEST_STEP_S:
        x.event_soc_var = 0.0
        return
    if x.event_soc_var == 0.0:
        sure = x.p00 <= _ANCHOR_SIGMA * _ANCHOR_SIGMA
        if regime == _DISCHARGE and moment.previous != _DISCHARGE and sure:
            x.event_ah = 0.0
            x.event_soc = x.soc
            x.event_soc_var = x.p00
        return
    x.event_ah -= charge_ah
    ends_loaded = regime == _DISCHARGE and moment.voltage_v <= p.end_v
    ends_rested = regime == _REST and x.rest_s >= ANCHORED_REST_S
    if moment.has_voltage and (ends_loaded or ends_rested):
        _weigh(x, p, ocv_v, moment)
        x.event_soc_var = 0.0


@compiled
def _weigh(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Learns the capacity Q = Ah / fall of SOC, sigma_Q / Q = sigma of the fall / fall (vrla facts, section 4.5)."""
    end_soc, slope = soc_at_voltage(x, p, ocv_v, moment.voltage_v, moment.current_a)
    rate = abs(moment.current_a) / p.capacity_ah
    end_sigma = systematic_sigma_v(x, p, moment.regime, moment.current_a) / slope + _RATE_SIGMA * rate
    fall = x.event_soc - end_soc
    if fall < _SMALLEST_DEPTH:
        return
    measured = x.event_ah / (fall * rated_at_temperature_ah(x, p))
    relative_var = (x.event_soc_var + end_sigma * end_sigma) / (fall * fall) + _SENSOR_GAIN_SIGMA**2
    variance = measured * measured * relative_var
    note_deep_discharge(x, x.sample_time_us, measured, variance)
    learn_capacity(x, measured, variance, _DEEP_DISCHARGE, x.sample_time_us)
