"""Signs of faults of cells and connections: what a block shows at once, on float or under load."""

from typing import Final

import numpy as np

from actors.string_discharge import early_depth, instrument_rise_ohm, learn_usual
from actors.string_limits import LIMITS
from actors.string_look import Flags, Look
from actors.string_robust import Floats, row_spread, second_largest
from actors.string_signs import Sign, above, beside, nothing
from batterytwin.diagnosis import FaultClass

_WHOLE_TOLERANCE: Final = 0.25
_DROP: Final = 0.6
_WHOLE_BEFORE: Final = 0.3
_OPEN_V: Final = 1.2
_ROSE_V: Final = 0.7
_ALONE: Final = 0.3
_TAFEL: Final = 5.0
_LEAST_A: Final = 0.06
"""What noise and offset of a sound current sensor may hide, A for 120 Ah."""
_OPEN_V_CELL: Final = 2.40
_CONTRADICTED: Final = 0.4
_LEAST_V: Final = 0.1
_SHALLOWEST: Final = 0.05
_SAG_V: Final = 0.01
_SPREADS: Final = 5.0
_UNKNOWN_V: Final = 0.25
_OUTSIDE_SIGMAS: Final = 6.0
_LINKS_OHM: Final = 0.0018
"""What sound links may add up to in a string of 24 blocks: 23 of them, 0.08 mOhm each."""
_WHOLE_BLOCK_V: Final = 5.0
"""One reversed cell takes its own 2.0 V, up to 1.7 V the other way and some resistance; more is the whole block."""
_FRAMES: Final = 3
_VOLTAGE_FAULTS: Final = (FaultClass.VOLTAGE_SENSOR, FaultClass.STUCK_SENSOR, FaultClass.NOISY_SENSOR)


def block_signs(look: Look) -> dict[FaultClass, Sign]:
    """Signs of every fault that one frame or one discharge can show."""
    sensor = contradicted(look)
    return {
        FaultClass.OPEN_CELL: _open_cell(look, sensor),
        FaultClass.SHORTED_CELL: beside(_shorted_cell(look, sensor)),
        FaultClass.REVERSAL: beside(_reversal(look, sensor)),
        FaultClass.LOOSE_CONNECTION: _loose_connection(look, sensor),
        FaultClass.WEAK_BLOCK: beside(_weak_block(look, sensor)),
    }


def contradicted(look: Look) -> Flags:
    """Blocks whose deviation the sum rule does not confirm: their sensor says so, the string does not."""
    usual_v = look.of("residual_slow")
    change_v = look.residual_v - np.where(np.isnan(usual_v), 0.0, usual_v)
    raw = look.found.raw_v
    base_v = look.state["raw_slow"]
    own_v = np.where(look.load | look.sagging | np.isnan(base_v), raw, raw - base_v)
    with np.errstate(invalid="ignore"):
        matched: Flags = (np.abs(change_v + own_v) < _CONTRADICTED * np.abs(own_v)) & (
            np.abs(own_v) > _LEAST_V * look.volts
        )
    return matched


def missing_cells(look: Look) -> Floats:
    """Cells that seem to be missing from each block: its voltage against the share that its cells should have."""
    base_v = look.state["raw_slow"]
    own_v = np.where(look.load | look.sagging | np.isnan(base_v), 0.0, base_v)
    missing: Floats = look.sheets.cells * (1.0 - (look.frame.voltage_v - own_v) / look.found.median_v)
    return missing


def _shorted_cell(look: Look, sensor: Flags) -> Sign:
    """A whole number of cells is missing, on float and under load alike, and the sum rule agrees.

    Under load a weak block passes such voltages on its way down, so there it must have gone from one frame to the next.
    """
    s = look.state
    missing = missing_cells(look)
    with np.errstate(invalid="ignore"):
        drops = look.fresh & (missing - s["missing_1"] > _DROP) & (s["missing_1"] < _WHOLE_BEFORE)
        s["dropped"] = np.where(missing < 0.4, 0.0, np.where(drops, 1.0, s["dropped"]))
        whole = np.rint(missing)
        near = (whole >= 1.0) & (whole < look.sheets.cells) & (np.abs(missing - whole) < _WHOLE_TOLERANCE)
        steady = np.abs(missing - s["missing_1"]) < _WHOLE_TOLERANCE
        # what a discharge has emptied is low until it is charged; a reversed cell takes more than its own voltage
        s["emptied"] = np.where(look.settled, 0.0, np.where(np.isnan(s["collapse_depth"]), s["emptied"], 1.0))
        at_once = (s["dropped"] > 0.0) & (whole < 2.0)
        on = near & steady & ~sensor & np.where(look.load, at_once, s["emptied"] == 0.0)
        stay = (missing > 0.5) & ~sensor
    s["missing_1"] = np.where(np.isnan(missing), s["missing_1"], missing)
    return Sign(on, stay, ~np.isnan(missing) & ~look.suppressed)


def _open_cell(look: Look, sensor: Flags) -> Sign:
    """One block takes what the others leave of the charger's voltage; or the string stops in a discharge."""
    raw = look.found.raw_v
    s = look.state
    usual_v = np.where(np.isnan(s["raw_slow"]), 0.0, s["raw_slow"])
    with np.errstate(invalid="ignore"):
        # what changes the gassing moves many blocks; a break moves one
        step_v = raw - s["raw_1"]
        jumps = look.fresh & look.settled & (step_v > _ROSE_V * look.volts) & (second_largest(step_v) < _ALONE * step_v)
        s["rose"] = np.where(raw - usual_v < 0.5 * _ROSE_V * look.volts, 0.0, np.where(jumps, 1.0, s["rose"]))
        high = (raw > _OPEN_V * look.volts) & (look.frame.voltage_v > _OPEN_V_CELL * look.sheets.cells)
        # a block that is full before the others gasses with the whole current, and its voltage with it
        gassing_v = np.minimum(look.frame.voltage_v - usual_v - look.sheets.gas_u0_v, 30.0 * look.volts)
        gassing_a = look.sheets.gas_a * np.exp(-gassing_v / look.sheets.marker_v)
        high &= gassing_a > _TAFEL * (np.abs(look.current_a) + _LEAST_A * look.amperes)
        high |= (s["rose"] > 0.0) & (raw - usual_v > _ROSE_V * look.volts)
        quiet = ~(np.abs(look.current_a) > LIMITS.load_c * look.sheets.capacity_ah)
    on = high & quiet & ~sensor
    stay = high & ~sensor
    known = ~np.isnan(raw) & ~look.suppressed
    dead = (look.of("dead") > 0.0) & ~stay.any(axis=1, keepdims=True)
    return beside(Sign(on, stay, known), Sign(dead, dead, np.ones_like(dead)))


def _reversal(look: Look, sensor: Flags) -> Sign:
    """A cell is driven the other way under load: further down than a cell that shorts from one frame to the next."""
    raw = look.found.raw_v
    if not look.load.any():
        return nothing(raw.shape)
    missing = missing_cells(look)
    with np.errstate(invalid="ignore"):
        negative = look.frame.voltage_v < 0.0
        shorted = (look.state["dropped"] > 0.0) & (np.abs(missing - np.rint(missing)) < _WHOLE_TOLERANCE)
        depths = look.state["collapse_depth"]
        early = np.isnan(depths) | (depths < early_depth(look))
        on = (((raw < -LIMITS.reversal_v * look.volts) & ~shorted & early) | negative) & ~sensor
        stay = ((raw < -0.6 * LIMITS.reversal_v * look.volts) | negative) & ~sensor
    return Sign(on, stay, look.load & ~np.isnan(raw) & ~look.suppressed)


def _loose_connection(look: Look, sensor: Flags) -> Sign:
    """More resistance than the neighbours from the first ampere on, in a block's voltage or outside of all of them."""
    s = look.state
    strong = look.load & (np.abs(look.current_a) > LIMITS.connection_a * look.amperes)
    told = strong & (look.of("event_frames") >= _FRAMES)
    if not told.any():
        return beside(nothing(look.sheets.present.shape))
    excess, spread = s["extra_ohm"], row_spread(s["extra_ohm"])
    least = LIMITS.connection_ohm / look.amperes
    # a block of which no earlier discharge is known may start this much lower for good
    unknown_v = np.where(np.isnan(s["usual_early"]), _UNKNOWN_V * look.volts, 0.0)
    size_a = np.maximum(look.of("event_current"), 1.0)
    inside = above(excess, np.maximum(np.maximum(least, unknown_v / size_a), _SPREADS * spread), told)
    with np.errstate(invalid="ignore"):
        # the instrument sees the same resistance
        rise = instrument_rise_ohm(look)
        agrees = (excess > np.maximum(least, 1.5 * spread)) & (rise > least) & (excess > 0.3 * rise)
        agrees &= told & (excess < 3.0 * rise)
    inside = Sign((inside.on | agrees) & ~sensor, (inside.stay | agrees) & ~sensor, inside.known)
    outside_least = (LIMITS.connection_ohm + _LINKS_OHM) / look.amperes
    outside_limit = np.maximum(outside_least, _OUTSIDE_SIGMAS * look.of("outside_sigma"))
    # without all of the blocks' voltages nothing is known of what lies between them
    blind: Flags = np.any(s["active"][:, _VOLTAGE_FAULTS, :-1], axis=(1, 2))
    return beside(inside, above(look.of("outside_ohm"), outside_limit, told & ~blind[:, np.newaxis]))


def _weak_block(look: Look, sensor: Flags) -> Sign:
    """Fell behind its neighbours while charge was taken out: less capacity, whatever its resistance.

    Judged once, when the discharge is over. It is told by the depth at which it collapsed, or where it did not, by what
    it had lost when a sound block is still far from its knee: near that small differences show as large ones.
    A block with one reversed cell stays on that cell's plateau; if it has lost more, all of it is weak.
    """
    s = look.state
    over = ~look.load & (look.of("event_us") > look.of("judged_us"))
    if not over.any():
        return nothing(look.sheets.present.shape)
    s["judged_us"] = np.where(over[:, 0], s["event_us"], s["judged_us"])
    fell = look.of("early_to") - look.of("sag_from")
    deep = over & (fell > _SHALLOWEST) & (look.of("event_frames") >= 2 * _FRAMES)
    expected_v = LIMITS.weak * look.sheets.ocv_slope_v * fell + _SAG_V * look.volts
    limit_v = np.maximum(expected_v, _SPREADS * row_spread(s["early_sag"]))
    weak = above(-s["early_sag"], limit_v, deep)
    with np.errstate(invalid="ignore"):
        collapsed = s["collapse_depth"] < early_depth(look)
        one_cell = s["active"][:, FaultClass.REVERSAL, :-1] & (s["sag_v"] > -_WHOLE_BLOCK_V * look.volts)
    weak = Sign(weak.on | collapsed, weak.stay | collapsed, weak.known)
    learn_usual(look, over, ~np.any(s["active"][:, :, :-1] | (s["since_us"][:, :, :-1] > 0.0), axis=1))
    return Sign(weak.on & ~sensor & ~one_cell, weak.stay & ~sensor, weak.known)
