"""What the analysis remembers of each string: running means, baselines, the last discharge, timers of faults."""

import hashlib
import zlib
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import Rows

STRING_VOLTAGE_WARNING: Final = max(FaultClass) + 1
STRING_VOLTAGE_CRITICAL: Final = max(FaultClass) + 2
N_CONDITIONS: Final = STRING_VOLTAGE_CRITICAL + 1
"""Conditions that are timed: faults by their number, and two limits of the string's voltage. 0 is not used."""

_UNIT_DTYPE: Final = np.dtype("<i2")

_STRING_FIELDS: Final = (
    "first_us",  # first frame, us; 0 = none yet
    "last_us",  # newest frame
    "learned_s",  # settled float time in the baselines
    # previous frames
    "was_load",
    "current_1",
    "median_1",
    "residual_1",
    "residual_2",
    # running means
    "residual_fast",
    "residual_slow",
    "residual_weight",  # share of a single frame's variance that is left in the fast mean
    "residual_noise",  # variance of one frame, V**2
    "residual_day",  # mean over a day
    "residual_day_weight",
    "residual_first",  # in the first weeks
    "current_fast",
    "current_slow",
    "current_weight",
    "current_noise",
    "voltage_noise",  # variance of one deviation, V**2
    "charger_fast",  # mean block voltage minus compensated set point, V
    "charger_slow",
    "median_fast",
    "warmth_fast",  # median temperature, degC
    "warmth_day",
    # voltage of the charger over temperature, for its compensation
    "smooth_v",
    "smooth_c",
    "slope_v",
    "slope_c",
    "slope_cc",
    "slope_cv",
    "slope_vv",
    "slope_s",
    # current sensor
    "current_still",
    "current_moves",
    "swapped",
    # discharges
    "load_us",  # newest frame under load
    "event_us",  # begin of the newest discharge
    "event_ah",
    "event_frames",
    "judged_us",  # begin of the newest discharge whose end has been judged
    "event_current",  # largest current of it
    "sag_from",  # depth at which the reference of the sag was taken
    "early_to",  # depth at which `early_sag` was taken
    "settle_ah",  # charge that was out when it ended
    "dead",
    "outside_xx",
    "outside_xy",
    "outside_ohm",
    "outside_sigma",
)
_BLOCK_FIELDS: Final = (
    "voltage_last",
    "temperature_last",
    "voltage_still",
    "temperature_still",
    "voltage_spikes",
    "temperature_spikes",
    "raw_1",
    "raw_2",
    "warm_1",
    "warm_2",
    "raw_fast",
    "raw_slow",
    "warm_fast",
    "warm_slow",
    "missing_1",  # cells that seemed to be missing in the frame before
    "dropped",  # they went from one frame to the next
    "emptied",  # a discharge has emptied the block, and it has not been charged yet
    "rose",  # its voltage rose from one frame to the next on float
    "early_raw",  # deviation at the begin of the newest discharge, V
    "early_count",
    "extra_ohm",  # resistance beyond that of the neighbours in the newest discharge, ohm
    "usual_early",  # the same in earlier discharges
    "sag_reference",  # deviation after the dip of the first minutes, V
    "collapse_depth",  # depth at which it began to fall away from its neighbours
    "sag_v",  # what the deviation has lost since then, V
    "early_sag",  # the same before any sound block nears its knee, V
    "resistance_first",  # instrument at 25 degC, mOhm
    "resistance_count",
    "resistance_fast",
    "resistance_last",
    "drift_day",  # corrected deviation, mean over a day, V
    "drift_first",  # the same in the first weeks, V
    "drift_first_s",
)


def state_dtype(n_blocks: int) -> np.dtype[np.void]:
    """Record of one string with places for `n_blocks` blocks."""
    timers = (N_CONDITIONS, n_blocks + 1)  # the last place stands for the whole string
    return np.dtype(
        [(name, "<f8") for name in _STRING_FIELDS]
        + [(name, "<f8", (n_blocks,)) for name in _BLOCK_FIELDS]
        + [
            ("active", "?", timers),
            ("since_us", "<f8", timers),  # begin of the condition that stands or waits; 0 = it does not hold
            ("held", "<f4", timers),  # frames for which it has held
            ("gone_us", "<f8", timers),  # since when an active one is gone; 0 = it is not
        ]
    )


_ZERO_AT_FIRST: Final = frozenset(
    {
        "first_us",
        "last_us",
        "learned_s",
        "was_load",
        "current_still",
        "swapped",
        "load_us",
        "event_us",
        "event_ah",
        "event_frames",
        "judged_us",
        "event_current",
        "settle_ah",
        "dead",
        "outside_xx",
        "outside_xy",
        "slope_s",
        "voltage_still",
        "temperature_still",
        "voltage_spikes",
        "temperature_spikes",
        "early_count",
        "dropped",
        "emptied",
        "rose",
        "sag_from",
        "resistance_count",
        "drift_first_s",
    }
)


def initial_states(n_strings: int, n_blocks: int) -> Rows:
    """States of strings that have never been looked at, shape `(n_strings,)`."""
    states = np.zeros(n_strings, state_dtype(n_blocks))
    for name in (*_STRING_FIELDS, *_BLOCK_FIELDS):
        if name not in _ZERO_AT_FIRST:
            states[name] = np.nan
    return states


def resized(states: Rows, n_blocks: int) -> Rows:
    """The same states with places for more (or fewer) blocks."""
    if states["raw_fast"].shape[1] == n_blocks:
        return states.copy()
    changed = initial_states(len(states), n_blocks)
    width = min(n_blocks, states["raw_fast"].shape[1])
    for name in _STRING_FIELDS:
        changed[name] = states[name]
    for name in _BLOCK_FIELDS:
        changed[name][:, :width] = states[name][:, :width]
    for name in ("active", "since_us", "held", "gone_us"):
        changed[name][..., :width] = states[name][..., :width]
        changed[name][..., -1] = states[name][..., -1]
    return changed


def forget_block(state: Rows, place: int) -> None:
    """Forgets one block of one string, as if it had never been looked at.

    Args:
        state: shape `(1,)`; changed.
        place: position of the block in its string, from 0.
    """
    fresh = initial_states(1, state["raw_fast"].shape[1])
    for name in _BLOCK_FIELDS:
        state[name][:, place] = fresh[name][:, place]
    for name in ("active", "since_us", "held", "gone_us"):
        state[name][..., place] = 0


LAYOUT: Final = hashlib.sha256(repr(state_dtype(1).descr).encode()).hexdigest()[:16]
"""Names this layout; a stored state of another one is not used."""


def pack_state(state: Rows, n_blocks: int, unit_seqs: ArrayLike = ()) -> bytes:
    """One state as bytes, without the places beyond the string's own blocks.

    Args:
        state: shape `(1,)`.
        n_blocks: blocks that the string has.
        unit_seqs: number of the block in its slot that each place has learnt of, shape `(n_blocks,)`; none = not said.
    """
    # behind the compressed record, where nobody looks who does not know of them
    return zlib.compress(resized(state, n_blocks).tobytes(), level=1) + np.asarray(unit_seqs, _UNIT_DTYPE).tobytes()


def unpack_state(content: bytes, n_blocks: int, width: int) -> Rows:
    """One state from its bytes, shape `(1,)`.

    Args:
        content: from `pack_state`.
        n_blocks: blocks that the string has.
        width: places to make.

    Raises:
        ValueError: the bytes are not the state of a string with so many blocks.
    """
    plain, _ = _opened(content)
    dtype = state_dtype(n_blocks)
    if len(plain) != dtype.itemsize:
        raise ValueError(f"a state of {n_blocks} blocks takes {dtype.itemsize} bytes, not {len(plain)}")
    return resized(np.frombuffer(plain, dtype), width)


def unpack_units(content: bytes, n_blocks: int) -> NDArray[np.int16] | None:
    """Numbers of the blocks that a packed state was learnt of, shape `(n_blocks,)`; None = it does not say.

    Raises:
        ValueError: the bytes are no state.
    """
    _, behind = _opened(content)
    return np.frombuffer(behind, _UNIT_DTYPE) if len(behind) == n_blocks * _UNIT_DTYPE.itemsize else None


def _opened(content: bytes) -> tuple[bytes, bytes]:
    """The record, and what stands behind it."""
    opener = zlib.decompressobj()
    try:
        return opener.decompress(content), opener.unused_data
    except zlib.error as error:
        raise ValueError(f"no state of a string: {error}") from error
