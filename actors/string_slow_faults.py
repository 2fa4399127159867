"""Signs of faults that come over hours to years: heat, water loss, imbalance, charger and room."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_limits import LIMITS
from actors.string_look import Flags, Look
from actors.string_means import SLOPE_S, Changes, mean_voltage
from actors.string_robust import Floats, row_median
from actors.string_signs import Sign, above, beside, of_string
from actors.string_state import STRING_VOLTAGE_CRITICAL, STRING_VOLTAGE_WARNING
from batterytwin.diagnosis import FaultClass
from batterytwin.telemetry import StringMode

_FOLLOWS: Final = 0.45
_RESISTANCE_READINGS: Final = 5
_UNLIKE: Final = 0.15
_FEWEST: Final = 8
_MOST_RISE: Final = 3.0
_CHANGED_V: Final = 0.06
_FIXED_V: Final = 0.015
_SLOPE_LEARN_S: Final = 10 * 86_400.0
_SLOPE_SHARE: Final = 0.15
_SLOPE_STAYS: Final = 0.4
_SLOPE_SIGMAS: Final = 6.0
_LEAST_WARMTH_VAR: Final = 0.006
_SLOPE_FRAME_S: Final = 60.0
_ROOM_AFTER_LOAD_S: Final = 4 * 3_600.0


def slow_signs(look: Look, changes: Changes, site_rise_k: Floats) -> dict[int, Sign]:
    """Signs of slow faults of blocks, of the charger and of the room.

    Args:
        look: the frame.
        changes: what has changed against the baselines.
        site_rise_k: median over the strings of each string's site of how much warmer they are than over the last 24 h,
            K, shape `(n_strings, 1)`.
    """
    _follow_resistance(look)
    room = _room(look, site_rise_k)
    return {
        FaultClass.THERMAL_RUNAWAY: beside(_runaway(look, changes)),
        FaultClass.DRY_OUT: beside(_dry_out(look)),
        FaultClass.IMBALANCE: _imbalance(look, changes),
        FaultClass.CHARGER_VOLTAGE: of_string(_charger(look, changes), look),
        FaultClass.ROOM_COOLING: of_string(room, look),
        STRING_VOLTAGE_WARNING: of_string(_string_voltage(look, LIMITS.string_warning), look),
        STRING_VOLTAGE_CRITICAL: of_string(_string_voltage(look, LIMITS.string_critical), look),
    }


def site_rises_k(rise_k: Floats, site_of: NDArray[np.int32], sites: NDArray[np.int32]) -> Floats:
    """Median rise of the strings of each of `sites`, K, shape `(n_sites, 1)`; NaN where nothing is known.

    Args:
        rise_k: rise of every string of the fleet, K.
        site_of: site of every string.
        sites: sites asked for.
    """
    order = np.lexsort((rise_k, site_of))  # NaN goes last in each site
    begins = np.searchsorted(site_of[order], sites)
    known = np.bincount(site_of, ~np.isnan(rise_k))[sites].astype(np.intp)
    low, high = rise_k[order[begins + np.maximum(known - 1, 0) // 2]], rise_k[order[begins + known // 2]]
    middle = np.where(known > 0, 0.5 * (low + high), np.nan)
    return np.asarray(middle, np.float64).reshape(-1, 1)


def slope_v_k(look: Look) -> tuple[Floats, Floats]:
    """Change of the charger's voltage a block per K over the last days, V/K, and its sigma."""
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = look.of("slope_cv") / look.of("slope_cc")
        rest = np.maximum(look.of("slope_vv") - slope * look.of("slope_cv"), 1e-8)
        frames = np.maximum(np.minimum(look.of("slope_s"), SLOPE_S) / _SLOPE_FRAME_S / 30.0, 1.0)
        sigma = np.sqrt(rest / np.maximum(look.of("slope_cc"), 1e-9) / frames)
    return slope, sigma


def _follow_resistance(look: Look) -> None:
    """Instrument resistance at 25 degC: mean of the first readings, and what it is now."""
    s = look.state
    measured = look.frame.resistance_mohm
    warmth = np.where(np.isnan(look.frame.temperature_c), 25.0, look.frame.temperature_c) - 25.0
    at_25c = measured / np.maximum(1.0 + look.sheets.r_per_k * warmth, 0.2)
    use = ~np.isnan(at_25c) & (at_25c > 0.0) & ~look.sagging & ~look.load
    # the first readings are those before anything came loose
    with np.errstate(invalid="ignore"):
        like = ~(np.abs(at_25c / s["resistance_first"] - 1.0) > _UNLIKE)
    count = s["resistance_count"] + use
    for name, share in (
        ("resistance_first", np.where(like & (count <= _RESISTANCE_READINGS), 1.0 / np.maximum(count, 1.0), 0.0)),
        ("resistance_fast", np.maximum(1.0 / np.maximum(count, 1.0), 1.0 / _RESISTANCE_READINGS)),
    ):
        before = s[name]
        moved = np.where(np.isnan(before), at_25c, before + share * (at_25c - before))
        s[name] = np.where(use, moved, before)
    s["resistance_count"] = count
    s["resistance_last"] = np.where(use, at_25c, s["resistance_last"])


def resistance_rise(look: Look) -> Floats:
    """Rise of each block's resistance since its first readings over that of its neighbours, fraction."""
    ratio = look.state["resistance_fast"] / look.state["resistance_first"]
    rise: Floats = ratio / row_median(ratio) - 1.0
    return rise


def drift_v(look: Look) -> Floats:
    """Change of each block's corrected deviation since its first weeks, V."""
    s = look.state
    warm = np.where(np.isnan(s["warm_fast"]), 0.0, s["warm_fast"])
    change = s["raw_fast"] - look.sheets.share_v_k * warm - s["drift_first"]
    drift: Floats = change - row_median(change)
    return drift


def _runaway(look: Look, changes: Changes) -> Sign:
    """A block warms up on float and its voltage follows down, while the room does not warm: its own heat.

    A block that suddenly gasses more than twice as much is on that road as soon as it warms at all.
    """
    with np.errstate(invalid="ignore"):
        follows = changes.raw_v < _FOLLOWS * look.sheets.share_v_k * changes.warm_k
        gasses = changes.corrected_v < -LIMITS.gassing_v * look.volts
        warm = (changes.warm_k > LIMITS.runaway_k) & follows
        warm |= gasses & (changes.warm_k > LIMITS.gassing_k)
        still = (changes.warm_k > 0.7 * LIMITS.runaway_k) & follows
        still |= (changes.corrected_v < -0.7 * LIMITS.gassing_v * look.volts) & (changes.warm_k > 0.0)
    return Sign(warm, still, look.settled & look.learned & ~np.isnan(changes.warm_k))


def _imbalance(look: Look, changes: Changes) -> Sign:
    """A block's share has changed against its own month, or the blocks of the whole string spread too far."""
    s = look.state
    blocks = above(np.abs(changes.corrected_v), LIMITS.deviation_v * look.volts, look.settled & look.learned)
    warm = np.where(np.isnan(s["warm_fast"]), 0.0, s["warm_fast"])
    corrected = s["raw_fast"] - look.sheets.share_v_k * warm
    corrected = corrected - row_median(corrected)
    others = np.arange(s["active"].shape[1]) != FaultClass.IMBALANCE
    sound = ~np.any((s["active"] | (s["since_us"] > 0.0))[:, others, :-1], axis=1) & ~np.isnan(corrected)
    count = sound.sum(axis=1, keepdims=True)
    square = np.where(sound, corrected * corrected, 0.0).sum(axis=1, keepdims=True)
    spread_v = np.sqrt(square / np.maximum(count, 1))
    string = above(spread_v, LIMITS.spread_v * look.volts, look.settled & look.learned & (count > _FEWEST), band=0.85)
    return beside(Sign(blocks.on & ~string.on, blocks.stay, blocks.known), string)


def _dry_out(look: Look) -> Sign:
    """Resistance first and most, then the float voltage of a block that recombines more: over months."""
    rise, drift = resistance_rise(look), np.abs(drift_v(look))
    known = look.settled & look.learned & (look.state["resistance_count"] > 2 * _RESISTANCE_READINGS)
    known &= ~np.isnan(rise) & ~np.isnan(drift)
    with np.errstate(invalid="ignore"):
        # drier by the day; what jumps to a multiple is a connection
        on = (rise > LIMITS.dry_resistance) & (rise < _MOST_RISE) & (drift > LIMITS.dry_v * look.volts)
        stay = rise > 0.7 * LIMITS.dry_resistance
    return Sign(on, stay, known)


def _charger(look: Look, changes: Changes) -> Sign:
    """The charger holds another voltage than its compensated set point: a step, a large deviation, or a wrong slope."""
    off_v = look.of("charger_fast")
    limit_v = LIMITS.charger * look.sheets.float_v
    slope, sigma = slope_v_k(look)
    expected = look.sheets.compensation_v_k
    known = look.settled & ~np.isnan(off_v)
    with np.errstate(invalid="ignore"):
        told = (look.of("slope_s") > _SLOPE_LEARN_S) & (look.of("slope_cc") > _LEAST_WARMTH_VAR) & (expected < 0.0)
        flat = told & (slope > _SLOPE_SHARE * expected) & (slope - expected > _SLOPE_SIGMAS * sigma)
        still_flat = told & (slope > _SLOPE_STAYS * expected)
        changed = look.learned & (np.abs(changes.charger_v) > _CHANGED_V * look.volts)
        # the set point that no temperature moves
        fixed_v = -expected * (look.of("smooth_c") - 25.0)
        fixed = look.learned & (np.abs(changes.charger_v - fixed_v) < 0.4 * np.abs(changes.charger_v))
        changed |= fixed & (np.abs(changes.charger_v) > _FIXED_V * look.volts)
        still_flat |= fixed & (np.abs(changes.charger_v) > 0.5 * _FIXED_V * look.volts)
        still_changed = look.learned & (np.abs(changes.charger_v) > 0.6 * _CHANGED_V * look.volts)
        on = (np.abs(off_v) > limit_v) | changed | flat
        stay = (np.abs(off_v) > 0.9 * limit_v) | still_changed | still_flat
    rest, low = _charger_below_rest(look, limit_v)
    return Sign((on & known) | low, (stay & known) | low, known | rest)


def _charger_below_rest(look: Look, limit_v: Floats) -> tuple[Flags, Flags]:
    """Whether no current flows though a charger reports float, and whether it holds less than the blocks rest at."""
    ended_us = look.of("load_us")
    recharged = (ended_us == 0.0) | (look.now_us - ended_us > LIMITS.settle_s * 1e6)
    floats = look.frame.mode[:, np.newaxis] == StringMode.FLOAT
    rest = look.sagging & floats & ~look.load & ~look.charging & recharged & look.learned
    with np.errstate(invalid="ignore"):
        low = rest & (mean_voltage(look) - look.sheets.set_point_v(look.found.median_c) < -limit_v)
    return rest, low


def _room(look: Look, site_rise_k: Floats) -> Sign:
    """The whole site is warmer than it was over the last day, and no outage explains it."""
    since_us = look.of("load_us")
    known: Flags = (since_us == 0.0) | (look.now_us - since_us > _ROOM_AFTER_LOAD_S * 1e6)
    own_k = look.of("warmth_fast") - look.of("warmth_day")
    with np.errstate(invalid="ignore"):
        rise = above(site_rise_k, LIMITS.room_k, known & ~look.sagging)
        own = own_k > 0.5 * LIMITS.room_k
    return Sign(rise.on & own, rise.stay, rise.known)


def string_voltage_off(look: Look) -> Floats:
    """Voltage over each string against its compensated set point, fraction, shape `(n_strings, 1)`."""
    set_v = look.sheets.set_point_v(look.found.median_c)
    off: Floats = (mean_voltage(look) - set_v) / set_v
    return off


def _string_voltage(look: Look, share: float) -> Sign:
    """STRING_VOLTAGE: voltage over the string against its compensated set point, on float."""
    on_float = ~look.load & ~look.charging & ~look.suppressed & ~look.sagging
    settled_s = (look.now_us - look.of("load_us")) * 1e-6
    recharged = (look.of("load_us") == 0.0) | (settled_s > LIMITS.settle_s)
    return above(np.abs(string_voltage_off(look)), share, on_float & recharged, band=0.9)
