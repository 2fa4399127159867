"""The filter of one battery as a pure function of (state, reading), and its loop over readings of many."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_anchor import anchor_full, anchor_tail
from actors.filter_capacity import follow_discharge, note_evidence
from actors.filter_charge import LONGEST_STEP_S
from actors.filter_circuit import polarisation
from actors.filter_covariance import hold_soc_in_range
from actors.filter_current import learn_offset
from actors.filter_estimates import tell_health, write_estimates
from actors.filter_float import age_marker, apply_float_voltage, begin_float, expected_float_current, float_polarisation
from actors.filter_inputs import Moment, Row, judge, read, track_temperature
from actors.filter_ladder import follow_marker
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import LARGEST_SOH, begin_life, live_on, wear_by_cycle
from actors.filter_predict import predict
from actors.filter_regime import next_regime
from actors.filter_resistance import track_instrument
from actors.filter_transition import enter_regime
from actors.filter_voltage import apply_voltage, start_from_voltage
from batterytwin.telemetry import MODE_MASK, MODE_SHIFT, REGIME_MASK, REGIME_SHIFT, Flag, Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)
_EDGE_PER_AH: Final = 10.0 / 120.0
"""Step of the current from which the resistance can learn."""
_LONGEST_EDGE_S: Final = 120.0
_OFFSET_FROM_S: Final = 6.0 * 3600.0
"""Time on float or at rest after which the current is known well enough to show the sensor's offset."""
_SUSPECT: Final = int(Flag.SUSPECT)


@compiled
def step(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], row: Row) -> None:
    """Applies one reading to one twin.

    Args:
        x: its state, changed in place.
        p: its parameters.
        ocv_v: open-circuit voltage of its model, shape `(OCV_GRID_SIZE,)`.
        row: the reading, later than the one before.
    """
    reading = read(x, p, row)
    warming_k = track_temperature(x, reading.dt_s, row.temperature_c)
    if x.sample_time_us == 0.0:
        begin_life(x, p, row.sample_time_us)
    else:
        live_on(x, p, row.sample_time_us)
        age_marker(x, reading.dt_s, warming_k)
    x.sample_time_us = row.sample_time_us
    moment = judge(x, p, reading, next_regime(x, p, reading))
    wear_by_cycle(x, moment.regime)
    _keep_time(x, p, moment)
    if moment.regime == _FLOAT:
        _on_float(x, p, ocv_v, moment)
    else:
        _on_circuit(x, p, ocv_v, moment)
    track_instrument(x, p, moment.regime, row.internal_resistance_mohm)
    tell_health(x, p)
    x.regime = moment.regime
    if moment.has_current:
        x.reported_a = row.current_a
        if moment.regime == _FLOAT and x.float_s >= _OFFSET_FROM_S:
            learn_offset(x, p, moment.dt_s, row.current_a, expected_float_current(x, p))
        elif moment.regime == _REST and x.rest_s >= _OFFSET_FROM_S:
            learn_offset(x, p, moment.dt_s, row.current_a, 0.0)
    x.current_a = moment.current_a
    x.current_known = 1.0 if moment.has_current else 0.0
    x.voltage_v = moment.voltage_v if moment.has_voltage else 0.0


@compiled
def _keep_time(x: TwinState, p: TwinParameters, moment: Moment) -> None:
    x.regime_s = x.regime_s + moment.dt_s if moment.regime == moment.previous else 0.0
    stepped = moment.has_current and x.current_known != 0.0 and abs(moment.step_a) >= _EDGE_PER_AH * p.capacity_ah
    x.edge_s = 0.0 if stepped and moment.dt_s <= _LONGEST_EDGE_S else x.edge_s + moment.dt_s


@compiled
def _on_float(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    if moment.previous != _FLOAT:
        begin_float(x, p, ocv_v)
    if moment.has_voltage:
        apply_float_voltage(x, p, moment)
    else:
        x.innovation_v = x.innovation_var = 0.0
    anchor_full(x, p, moment)
    follow_marker(x)
    x.event_depth = x.event_var = 0.0


@compiled
def _on_circuit(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    if moment.regime != moment.previous:
        x.misfit_v = 0.0
        float_v = float_polarisation(x, p, ocv_v)
        enter_regime(x, p, moment, float_v if moment.previous == _FLOAT else polarisation(x, p, ocv_v), float_v)
        x.rest_s = 0.0
    elif moment.regime == _REST:
        x.rest_s = x.rest_s + moment.dt_s if moment.dt_s <= LONGEST_STEP_S else 0.0
    prediction = predict(x, p, ocv_v, moment)
    gives = moment.regime == _DISCHARGE and moment.has_current and moment.has_voltage and moment.voltage_v > p.end_v
    hold_soc_in_range(x, LARGEST_SOH if gives else x.soh_capacity)
    follow_discharge(x, moment, prediction.soc_change)
    counted_soh, capacity_var = x.soh_capacity, x.p44
    if moment.has_voltage and moment.previous == 0 and moment.regime != _RECHARGE:
        start_from_voltage(x, p, ocv_v, moment)
    elif moment.has_voltage:
        apply_voltage(x, p, ocv_v, moment, prediction)
    else:
        x.innovation_v = x.innovation_var = 0.0
    if moment.regime == _RECHARGE:
        anchor_tail(x, p, ocv_v, moment)
    hold_soc_in_range(x, counted_soh)
    note_evidence(x, capacity_var)


def apply_rows(  # noqa: PLR0917  # one argument a column of a reading
    state: Sequence[TwinState],
    parameters: Sequence[TwinParameters],
    ocv_v: NDArray[np.float64],
    slot: NDArray[np.int32],
    model: NDArray[np.int32],
    sample_time_us: NDArray[np.int64],
    voltage_v: NDArray[np.float32],
    current_a: NDArray[np.float32],
    temperature_c: NDArray[np.float32],
    internal_resistance_mohm: NDArray[np.float32],
    status: NDArray[np.int16],
    estimates: NDArray[np.float32],
) -> None:
    """Applies rows in their order; the arguments are those of `filter.run_filter`."""
    for k in range(slot.size):
        x = state[slot[k]]
        if status[k] & _SUSPECT == 0:
            row = Row(
                float(sample_time_us[k]),
                float(voltage_v[k]),
                float(current_a[k]),
                float(temperature_c[k]),
                float(internal_resistance_mohm[k]),
                (status[k] & MODE_MASK) >> MODE_SHIFT,
            )
            step(x, parameters[model[k]], ocv_v[model[k]], row)
        status[k] = (status[k] & ~REGIME_MASK) | (int(x.regime) << REGIME_SHIFT)
        write_estimates(x, estimates[k])


def tell_all(state: Sequence[TwinState], estimates: NDArray[np.float32]) -> None:
    """Writes what each twin says, `LIVE_ESTIMATE_COLUMNS`, shape `(n_twins, N_ESTIMATES)`."""
    for k in range(len(state)):
        write_estimates(state[k], estimates[k])
