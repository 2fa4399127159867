"""A frame beside what is remembered: what each string is doing, and what of its measurements can be compared."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_frame import Deviations, StringFrame, StringSheets, deviations
from actors.string_limits import LIMITS
from actors.string_robust import Floats
from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import Rows, StringMode

Flags = NDArray[np.bool_]

_REFERENCE_AH: Final = 120.0
_REFERENCE_CELLS: Final = 6.0
_LONGEST_STEP_S: Final = 7_200.0
"""A gap between frames counts as no more than this in the running means."""
_START_S: Final = 2 * 3_600.0
_TAIL_S: Final = 72 * 3_600.0
"""A current that flows so long after the blocks have settled is no recharge."""


@dataclass(frozen=True, slots=True)
class Look:
    """One frame of strings. Columns have shape `(n_strings, 1)` or `(n_strings, n_blocks)`.

    Attributes:
        frame: what was measured.
        sheets: data sheets of these strings.
        found: blocks beside their neighbours.
        state: what is remembered, from before this frame; changed in place as the frame is taken in.
        now_us: sample time.
        step_s: time since the frame before, at most two hours; 0 in a string's first frame.
        fresh: there was a frame shortly before, so that changes since then mean something.
        volts: cells over six: scales voltages.
        amperes: capacity over 120 Ah: scales currents, and resistances inversely.
        current_a: string current, the sign turned where it is known to be swapped.
        load: the string carries a load.
        charging: it is being recharged.
        sagging: its blocks are below what a charger would hold.
        suppressed: people work on it (boost, maintenance), so that voltages mean something else. A test is a discharge.
        settled: it has been on float so long that blocks can be compared.
        learned: its baselines can be believed.
        residual_v: voltage over the string minus the sum of its blocks; NaN = not known.
    """

    frame: StringFrame
    sheets: StringSheets
    found: Deviations
    state: Rows
    now_us: Floats
    step_s: Floats
    fresh: Flags
    volts: Floats
    amperes: Floats
    current_a: Floats
    load: Flags
    charging: Flags
    sagging: Flags
    suppressed: Flags
    settled: Flags
    learned: Flags
    residual_v: Floats

    def of(self, name: str) -> Floats:
        """A remembered value of the strings, shape `(n_strings, 1)`, a view."""
        return np.asarray(self.state[name][:, np.newaxis])


def look_at(frame: StringFrame, sheets: StringSheets, state: Rows) -> Look:
    """Judges what strings are doing. Voltage decides together with current, so that a wrong current sensor does not."""
    found = deviations(frame, sheets)
    volts, amperes = sheets.cells / _REFERENCE_CELLS, sheets.capacity_ah / _REFERENCE_AH
    now_us = frame.time_us[:, np.newaxis].astype(np.float64)
    last_us = state["last_us"][:, np.newaxis]
    gap_s = np.where(last_us > 0.0, (now_us - last_us) * 1e-6, 0.0)
    mode = frame.mode[:, np.newaxis]
    swapped = state["active"][:, FaultClass.CURRENT_SIGN, :1]
    current_a = np.where(swapped, -1.0, 1.0) * frame.current_a[:, np.newaxis]
    sagging = found.median_v < sheets.ocv_full_v + LIMITS.sagging_v * volts
    flows = np.abs(current_a) > LIMITS.load_c * sheets.capacity_ah
    drawn = (mode == StringMode.DISCHARGE) | (mode == StringMode.TEST)
    load = sagging & flows & ((current_a < 0.0) | drawn)
    charging = ~load & flows & (current_a > 0.0)
    suppressed = (mode == StringMode.BOOST) | (mode == StringMode.MAINTENANCE)
    # without a discharge in memory, the first frame may have come right after one
    depth = state["settle_ah"][:, np.newaxis] / sheets.capacity_ah
    settle_s = LIMITS.settle_s + LIMITS.settle_per_depth_s * depth
    fresh = (last_us > 0.0) & (gap_s <= _LONGEST_STEP_S)
    learned = state["learned_s"][:, np.newaxis] >= LIMITS.learn_s
    # a current that flows after a gap recharges what may have been taken out in it
    unseen = (last_us > 0.0) & ~fresh & flows
    state["load_us"] = np.where(unseen[:, 0], frame.time_us, state["load_us"])
    ended_us = state["load_us"][:, np.newaxis]
    first_us = np.where(state["first_us"] > 0.0, state["first_us"], frame.time_us)[:, np.newaxis]
    quiet_s = np.where(ended_us > 0.0, (now_us - ended_us) * 1e-6 - settle_s, (now_us - first_us) * 1e-6 - _START_S)
    settled = (quiet_s >= 0.0) & ~sagging & ~suppressed & ~load & ~drawn
    settled &= ~flows | learned | (quiet_s > _TAIL_S)
    return Look(
        frame=frame,
        sheets=sheets,
        found=found,
        state=state,
        now_us=now_us,
        step_s=np.minimum(gap_s, _LONGEST_STEP_S),
        fresh=fresh,
        volts=volts,
        amperes=amperes,
        current_a=current_a,
        load=load,
        charging=charging,
        sagging=sagging,
        suppressed=suppressed,
        settled=settled,
        learned=learned,
        residual_v=frame.string_voltage_v[:, np.newaxis] - found.block_sum_v[:, np.newaxis],
    )
