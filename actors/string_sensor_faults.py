"""Signs of faults of sensors: channels that stand still or jump, and values that the other blocks contradict."""

from typing import Final

import numpy as np

from actors.string_limits import LIMITS
from actors.string_look import Flags, Look
from actors.string_means import FIRST_WEEKS_S, Changes
from actors.string_robust import Floats, row_median, row_spread
from actors.string_signs import Sign, above, beside, nothing, of_string, when
from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import StringMode

_EDGE_A: Final = 6.0
_EDGE_V: Final = 0.15
_EDGE_S: Final = 120.0
_MATCH: Final = 0.30
_MOVING: Final = 3.0
_MATCH_V: Final = 0.03
_FOLLOWS: Final = 0.45
"""Share of what a real warming would do to the voltage; below it the temperature is not real."""
_IMPLAUSIBLE_A: Final = 0.5
_NEGATIVE_A: Final = -0.10
_MIRRORED_A: Final = 0.03
_MOVES_FRAMES: Final = 1_000.0
_SPREADS: Final = 3.0


def sensor_signs(look: Look, changes: Changes) -> dict[FaultClass, Sign]:
    """Signs of every fault of a sensor."""
    _follow_channels(look)
    _follow_edges(look)
    s = look.state
    always = np.ones_like(look.load)
    everywhere = look.sheets.present
    still = np.maximum(s["voltage_still"], s["temperature_still"])
    spikes = np.maximum(s["voltage_spikes"], s["temperature_spikes"])
    stuck_current = above(look.of("current_still"), LIMITS.still, always, band=0.1)
    return {
        FaultClass.STUCK_SENSOR: beside(above(still, LIMITS.still, everywhere, band=0.1), stuck_current),
        FaultClass.NOISY_SENSOR: beside(above(spikes, LIMITS.spikes, everywhere, band=0.3)),
        FaultClass.VOLTAGE_SENSOR: beside(_voltage(look, changes)),
        FaultClass.TEMPERATURE_SENSOR: beside(_temperature(look, changes)),
        FaultClass.CURRENT_SIGN: of_string(when(look.of("swapped") > 0.0, always), look),
        FaultClass.CURRENT_OFFSET: of_string(_offset(look, changes, stuck_current), look),
    }


def _follow_channels(look: Look) -> None:
    """Counts changes that did not come while the neighbours' did, and jumps of single samples."""
    s = look.state
    for name, value, limit, one, two in (
        ("voltage", look.frame.voltage_v, LIMITS.spike_v * look.volts, "raw_1", "raw_2"),
        ("temperature", look.frame.temperature_c, np.full_like(look.volts, LIMITS.spike_k), "warm_1", "warm_2"),
    ):
        last = s[f"{name}_last"]
        known = ~np.isnan(value)
        same = known & (value == last)
        changed = known & ~np.isnan(last) & ~same
        share = changed.sum(axis=1, keepdims=True) / np.maximum((changed | same).sum(axis=1, keepdims=True), 1)
        s[f"{name}_still"] = np.where(changed, 0.0, np.where(same, s[f"{name}_still"] + share, s[f"{name}_still"]))
        s[f"{name}_last"] = np.where(known, value, last)
        relative = look.found.raw_v if name == "voltage" else look.found.warm_k
        s[f"{name}_spikes"] *= np.where(look.load, 1.0, 1.0 - 1.0 / LIMITS.spike_frames)
        s[f"{name}_spikes"] += _jumped(look, relative, s[one], s[two], limit)
    current = look.frame.current_a[:, np.newaxis]
    same_a = current == look.of("current_1")
    moves = look.of("current_moves")
    moved = np.where(np.isnan(moves), 0.5, moves)
    still = np.where(same_a, look.of("current_still") + moved, 0.0)
    look.of("current_still")[...] = np.where(np.isnan(current), look.of("current_still"), still)
    look.of("current_moves")[...] = moved + (~same_a - moved) / _MOVES_FRAMES


def _jumped(look: Look, now: Floats, before: Floats, earlier: Floats, limit: Floats) -> Flags:
    """Whether the frame before stood out from those around it, which agree with each other."""
    around = np.minimum(np.abs(before - now), np.abs(before - earlier))
    calm = look.fresh & ~look.load & (look.of("was_load") == 0.0)
    jumped: Flags = calm & (around > limit) & (np.abs(now - earlier) < 0.4 * limit)
    return jumped


def _follow_edges(look: Look) -> None:
    """Voltage and current of a string go up and down together; an edge where they do not turns the sign."""
    s = look.state
    current = look.frame.current_a[:, np.newaxis]  # as the sensor says it
    step_a = current - look.of("current_1")
    step_v = look.found.median_v - look.of("median_1")
    # over longer steps a charger at its limit raises the voltage while its current falls
    edge = (
        look.fresh
        & (look.step_s <= _EDGE_S)
        & (np.abs(step_a) > _EDGE_A * look.amperes)
        & (np.abs(step_v) > _EDGE_V * look.volts)
    )
    wrong = step_a * step_v < 0.0
    s["swapped"] = np.where(edge, np.where(wrong, 1.0, 0.0), look.of("swapped"))[:, 0]
    mode = look.frame.mode[:, np.newaxis]
    carries = ((mode == StringMode.DISCHARGE) | (mode == StringMode.TEST)) & look.sagging
    positive = carries & (current > _EDGE_A * look.amperes)
    s["swapped"] = np.where(positive, 1.0, look.of("swapped"))[:, 0]


def _voltage(look: Look, changes: Changes) -> Sign:
    """The sum rule tells a sensor from a battery: the residual has moved against the block's deviation, by as much."""
    size_v = np.abs(changes.residual_v)
    limit_v = np.maximum(LIMITS.sensor_v * look.volts, 6.0 * changes.residual_sigma_v)
    mismatch_v = np.abs(changes.raw_v + changes.residual_v)
    best = mismatch_v <= np.nanmin(np.where(np.isnan(mismatch_v), np.inf, mismatch_v), axis=1, keepdims=True)
    tolerance_v = np.maximum(_MATCH * size_v, _MATCH_V * look.volts) + 3.0 * changes.residual_sigma_v
    matched = best & (mismatch_v < tolerance_v) & (np.abs(changes.raw_v) > 0.5 * size_v)
    known = look.learned & look.settled & ~np.isnan(size_v)
    with np.errstate(invalid="ignore"):
        # a channel that stands still is stuck, whatever it is off by
        on = (size_v > limit_v) & matched & (look.state["voltage_still"] < _MOVING)
        stay = (size_v > 0.6 * limit_v) & (np.abs(changes.raw_v) > 0.5 * limit_v)
    drift = _voltage_drift(look)
    known = known & ~np.isnan(changes.raw_v)
    return Sign((on & known) | drift.on, (stay & known) | drift.stay, known | drift.known)


def _voltage_drift(look: Look) -> Sign:
    """The same over months, against the first weeks: a baseline that follows would follow the sensor.

    Blocks drift as well, so that the sensor's block must have moved further than its neighbours have.
    """
    s = look.state
    long = look.settled & (s["drift_first_s"] >= FIRST_WEEKS_S)
    if not long.any():
        return nothing(long.shape)
    change_v = look.of("residual_day") - look.of("residual_first")
    sigma_v = np.sqrt(look.of("residual_noise") * look.of("residual_day_weight"))
    limit_v = np.maximum(LIMITS.sensor_v * look.volts, 6.0 * sigma_v)
    drift_v = s["drift_day"] - s["drift_first"]
    drift_v = drift_v - row_median(drift_v)
    size_v = np.abs(drift_v)
    mismatch_v = np.abs(drift_v + change_v)
    tolerance_v = np.maximum(_MATCH * np.abs(change_v), 3.0 * sigma_v)
    known = long & ~np.isnan(change_v) & ~np.isnan(drift_v)
    with np.errstate(invalid="ignore"):
        furthest = (size_v >= np.nanmax(np.where(known, size_v, 0.0), axis=1, keepdims=True)) & (
            size_v > _SPREADS * row_spread(drift_v)
        )
        on = (np.abs(change_v) > limit_v) & furthest & (mismatch_v < tolerance_v) & (s["voltage_still"] < _MOVING)
        stay = (np.abs(change_v) > 0.6 * limit_v) & (size_v > 0.5 * limit_v)
    return Sign(on & known, stay & known, known)


def _temperature(look: Look, changes: Changes) -> Sign:
    """A block that is really warmer takes less of the float voltage; a sensor that is off changes nothing else."""
    size_k = np.abs(changes.warm_k)
    expected_v = look.sheets.share_v_k * changes.warm_k
    with np.errstate(invalid="ignore"):
        followed = changes.raw_v * np.sign(expected_v) > _FOLLOWS * np.abs(expected_v)
    known = look.learned & look.settled & ~np.isnan(size_k)
    on = (size_k > LIMITS.sensor_k) & ~followed & (look.state["temperature_still"] < 2.0 * _MOVING)
    return Sign(on, (size_k > 0.6 * LIMITS.sensor_k) & ~followed, known)


def _offset(look: Look, changes: Changes, stuck: Sign) -> Sign:
    """A float current that no battery makes: changed although voltage and temperature have not, or negative."""
    noise_a = np.where(np.isnan(changes.current_sigma_a), 0.0, changes.current_sigma_a)
    limit_a = np.maximum(LIMITS.offset_a * look.amperes, 6.0 * noise_a)
    float_a = look.of("current_fast")
    usual_a = np.abs(look.of("current_slow"))
    limit_a = np.maximum(limit_a, 2.0 * np.where(np.isnan(usual_a), 0.0, usual_a))
    with np.errstate(invalid="ignore"):
        calm = ~(np.abs(changes.charger_v) > 0.05 * look.volts)
        calm &= ~(look.of("warmth_fast") - look.of("warmth_day") > LIMITS.room_k)
        # float current that has turned round is a sign
        mirrored = np.abs(float_a + look.of("current_slow")) < np.maximum(_MIRRORED_A * look.amperes, 3.0 * noise_a)
        changed = (np.abs(changes.current_a) > limit_a) & ~mirrored
        stays = np.abs(changes.current_a) > 0.6 * limit_a
        negative = (float_a < np.minimum(_NEGATIVE_A * look.amperes, -6.0 * noise_a)) & ~mirrored
        impossible = negative | (float_a > _IMPLAUSIBLE_A * look.amperes)
    known = look.settled & ~np.isnan(float_a) & ~stuck.on
    on = (changed & calm & look.learned) | impossible
    return Sign(on, (stays & look.learned) | impossible, known)
