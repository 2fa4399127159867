"""The estimator of the twins: state, parameters and readings of many batteries in, estimates out.

Pure in (state, reading) of each battery: the result does not depend on batching, order among batteries or the machine.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numba import from_dtype, types
from numpy.typing import NDArray

from actors.compiled import kernel
from actors.filter_current import FIRST_OFFSET_PER_AH
from actors.filter_estimates import N_ESTIMATES
from actors.filter_evidence import apply_inputs
from actors.filter_float import MARKER_SIGMA
from actors.filter_forecast import forecast_rows
from actors.filter_kernel import apply_rows, tell_all
from actors.filter_layout import (
    N_STATE,
    PARAMETERS_DTYPE,
    STATE_DTYPE,
    STATE_LAYOUT,
    parameter_records,
    state_records,
)
from actors.filter_model_error import SENSOR_SIGMA_V
from actors.filter_parameters import FilterParameters
from batterytwin.events import TwinInput

__all__ = [
    "CIRCUIT_ESTIMATE_COLUMNS",
    "MODEL_VERSION",
    "N_STATE",
    "STATE_LAYOUT",
    "FilterParameters",
    "capacity_evidence_us",
    "circuit_estimates",
    "compile_kernels",
    "forecast",
    "initial_state",
    "live_estimates",
    "regimes",
    "run_evidence",
    "run_filter",
]

MODEL_VERSION: Final = "joint-ekf-7"
"""Changes with every change of the estimates."""

_FIRST_SOC: Final = 0.8
_FIRST_SOC_SIGMA: Final = 0.25
_FIRST_V1_SIGMA_V: Final = 0.02
_FIRST_V2_SIGMA_V: Final = 0.10


def initial_state(parameters: FilterParameters) -> NDArray[np.float64]:
    """State of twins without any reading, shape `(n_twins, N_STATE)`."""
    state = np.zeros((len(parameters.model_index), N_STATE), dtype=np.float64)
    x, p = state_records(state), parameters.of_twins
    x["installed_us"] = parameters.installed_us
    x["soc"] = _FIRST_SOC
    x["p00"] = _FIRST_SOC_SIGMA**2
    x["p11"] = (_FIRST_V1_SIGMA_V * p["block_scale"]) ** 2
    x["p22"] = (_FIRST_V2_SIGMA_V * p["block_scale"]) ** 2
    x["temperature_c"] = 25.0
    x["temperature_var"] = 100.0
    x["quiet_s"] = -1.0
    x["float_marker"] = (p["float_v"] - p["cells"] * p["gas_u0_v_cell"]) / p["volts_per_marker"]
    x["float_marker_var"] = MARKER_SIGMA**2
    x["r0_ohm"] = p["r0_ohm"]
    x["p33"] = (p["resistance_spread"] * p["r0_ohm"]) ** 2
    x["voltage_noise_var"] = (SENSOR_SIGMA_V * p["block_scale"]) ** 2
    x["current_sign"] = 1.0
    x["current_offset_var"] = (FIRST_OFFSET_PER_AH * p["capacity_ah"]) ** 2
    x["soh_capacity"] = 1.0
    x["p55"] = p["ocv_sigma_v"] ** 2
    return state


def run_filter(  # noqa: PLR0917  # one argument a column of a reading
    state: NDArray[np.float64],
    parameters: FilterParameters,
    slot: NDArray[np.int32],
    twin: NDArray[np.int32],
    sample_time_us: NDArray[np.int64],
    voltage_v: NDArray[np.float32],
    current_a: NDArray[np.float32],
    temperature_c: NDArray[np.float32],
    internal_resistance_mohm: NDArray[np.float32],
    status: NDArray[np.int16],
    estimates: NDArray[np.float32],
) -> None:
    """Applies readings in their order and writes what the twins say after each.

    Sample times must rise strictly within a twin. Any measured value may be NaN. A row marked SUSPECT is not applied:
    its estimates and regime are those of the unchanged twin.

    Args:
        state: rows of the twins concerned, changed in place, shape `(n_slots, N_STATE)`, C-contiguous.
        parameters: of all twins.
        slot: row of `state` of each reading, shape `(n_rows,)`, as all that follow.
        twin: place in `parameters` of each reading's twin.
        sample_time_us: microseconds UTC.
        voltage_v: of the block, V.
        current_a: > 0 charges, A.
        temperature_c: of the post, degC.
        internal_resistance_mohm: the instrument's, mOhm.
        status: packed flags and string mode; the regime is written into it. C-contiguous.
        estimates: receives `LIVE_ESTIMATE_COLUMNS`, shape `(n_rows, 10)`, C-contiguous.
    """
    _rows_kernel()(
        state_records(state),
        parameter_records(parameters.values),
        parameters.ocv_v,
        np.ascontiguousarray(slot, dtype=np.int32),
        parameters.model_index[twin],
        np.ascontiguousarray(sample_time_us, dtype=np.int64),
        np.ascontiguousarray(voltage_v, dtype=np.float32),
        np.ascontiguousarray(current_a, dtype=np.float32),
        np.ascontiguousarray(temperature_c, dtype=np.float32),
        np.ascontiguousarray(internal_resistance_mohm, dtype=np.float32),
        status,
        estimates,
    )


def run_evidence(
    state: NDArray[np.float64],
    parameters: FilterParameters,
    slot: NDArray[np.int32],
    twin: NDArray[np.int32],
    inputs: Sequence[TwinInput],
) -> None:
    """Applies evidence that is no reading, in its order.

    Args:
        state: rows of the twins concerned, changed in place, shape `(n_slots, N_STATE)`, C-contiguous.
        parameters: of all twins.
        slot: row of `state` of each input, shape `(n_inputs,)`.
        twin: place in `parameters` of each input's twin, shape `(n_inputs,)`.
        inputs: the evidence.
    """
    _evidence_kernel()(
        state_records(state),
        parameter_records(parameters.values),
        np.ascontiguousarray(slot, dtype=np.int32),
        parameters.model_index[twin],
        np.array([int(given.kind) for given in inputs], np.int32),
        np.array([given.time_us for given in inputs], np.float64),
        np.array([given.soh_capacity for given in inputs], np.float64),
        np.array([given.sigma for given in inputs], np.float64),
    )


def forecast(  # noqa: PLR0917  # one argument a column of a reading
    state: NDArray[np.float64],
    parameters: FilterParameters,
    slot: NDArray[np.int32],
    twin: NDArray[np.int32],
    sample_time_us: NDArray[np.int64],
    current_a: NDArray[np.float32],
    temperature_c: NDArray[np.float32],
    status: NDArray[np.int16],
) -> NDArray[np.float64]:
    """Voltages that twins expect at given currents, with nobody to tell them what became of it.

    Args:
        state: rows of the twins concerned, left as they are, shape `(n_slots, N_STATE)`.
        parameters: of all twins.
        slot: row of `state` of each future reading, shape `(n_rows,)`, as all that follow.
        twin: place in `parameters`.
        sample_time_us: microseconds UTC, rising strictly within a twin.
        current_a: > 0 charges, A.
        temperature_c: degC; NaN = as it was.
        status: packed string mode.

    Returns:
        Voltages, V, shape `(n_rows,)`.
    """
    voltage_v = np.empty(slot.size)
    _forecast_kernel()(
        state_records(state.copy()),
        parameter_records(parameters.values),
        parameters.ocv_v,
        np.ascontiguousarray(slot, dtype=np.int32),
        parameters.model_index[twin],
        np.ascontiguousarray(sample_time_us, dtype=np.int64),
        np.ascontiguousarray(current_a, dtype=np.float32),
        np.ascontiguousarray(temperature_c, dtype=np.float32),
        np.ascontiguousarray(status, dtype=np.int16),
        voltage_v,
    )
    return voltage_v


def live_estimates(state: NDArray[np.float64]) -> NDArray[np.float32]:
    """What the twins say, `LIVE_ESTIMATE_COLUMNS`, shape `(n_twins, 10)`; NaN = not known."""
    estimates = np.empty((state.shape[0], N_ESTIMATES), dtype=np.float32)
    _estimates_kernel()(state_records(state), estimates)
    return estimates


def capacity_evidence_us(state: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sample time of the last evidence of capacity, microseconds UTC, shape `(n_twins,)`; 0 = none."""
    return state_records(state)["capacity_evidence_us"].astype(np.int64)


CIRCUIT_ESTIMATE_COLUMNS: Final = (
    "v1_v",
    "v1_sigma_v",
    "v2_v",
    "v2_sigma_v",
    "float_marker",
    "float_marker_sigma",
    "current_sign",
    "current_offset_a",
    "current_offset_sigma_a",
)
"""What twins say of their circuit and of the current sensor beside the live estimates."""


def circuit_estimates(state: NDArray[np.float64]) -> NDArray[np.float32]:
    """`CIRCUIT_ESTIMATE_COLUMNS`, shape `(n_twins, 9)`."""
    x = state_records(state)
    columns = (
        x["v1"],
        np.sqrt(x["p11"]),
        x["v2"],
        np.sqrt(x["p22"]),
        x["float_marker"],
        np.sqrt(x["float_marker_var"]),
        x["current_sign"],
        x["current_offset_a"],
        np.sqrt(x["current_offset_var"]),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def regimes(state: NDArray[np.float64]) -> NDArray[np.int16]:
    """Regime numbers, shape `(n_twins,)`."""
    return state_records(state)["regime"].astype(np.int16)


def compile_kernels() -> None:
    """Compiles the kernels, or takes them from numba's disk cache: some ten seconds at first, then a fraction of one.

    Their signatures are for read-only inputs (Ray hands such over), which serve for writable ones too.
    """
    _rows_kernel()
    _estimates_kernel()
    _evidence_kernel()


def _array(dtype: Any, ndim: int = 1, *, readonly: bool = True) -> Any:
    return types.Array(dtype, ndim, "C", readonly=readonly)


@functools.cache
def _rows_kernel() -> Callable[..., None]:
    signature = types.void(
        _array(from_dtype(STATE_DTYPE), readonly=False),
        _array(from_dtype(PARAMETERS_DTYPE)),
        _array(types.float64, 2),
        _array(types.int32),
        _array(types.int32),
        _array(types.int64),
        _array(types.float32),
        _array(types.float32),
        _array(types.float32),
        _array(types.float32),
        _array(types.int16, readonly=False),
        _array(types.float32, 2, readonly=False),
    )
    return kernel(signature)(apply_rows)


@functools.cache
def _forecast_kernel() -> Callable[..., None]:
    signature = types.void(
        _array(from_dtype(STATE_DTYPE), readonly=False),
        _array(from_dtype(PARAMETERS_DTYPE)),
        _array(types.float64, 2),
        _array(types.int32),
        _array(types.int32),
        _array(types.int64),
        _array(types.float32),
        _array(types.float32),
        _array(types.int16),
        _array(types.float64, readonly=False),
    )
    return kernel(signature)(forecast_rows)


@functools.cache
def _estimates_kernel() -> Callable[..., None]:
    return kernel(types.void(_array(from_dtype(STATE_DTYPE)), _array(types.float32, 2, readonly=False)))(tell_all)


@functools.cache
def _evidence_kernel() -> Callable[..., None]:
    signature = types.void(
        _array(from_dtype(STATE_DTYPE), readonly=False),
        _array(from_dtype(PARAMETERS_DTYPE)),
        _array(types.int32),
        _array(types.int32),
        _array(types.int32),
        _array(types.float64),
        _array(types.float64),
        _array(types.float64),
    )
    return kernel(signature)(apply_inputs)
