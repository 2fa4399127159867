"""Running means and baselines: what each block and string has been like, now and for a month."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.string_limits import LIMITS
from actors.string_look import Flags, Look
from actors.string_robust import Floats, row_median
from batterytwin.diagnosis import FaultClass

_CURRENT_S: Final = 3_600.0
_WARMTH_S: Final = 600.0
_DAY_S: Final = 86_400.0
_NOISE_FRAMES: Final = 200.0
SLOPE_S: Final = 5 * 86_400.0
_SMOOTH_S: Final = 2 * 3_600.0
"""Longer than the ripple that cooling makes at a post, which no charger follows."""
_AFTER_LOAD_S: Final = 4 * 3_600.0
FIRST_WEEKS_S: Final = 14 * 86_400.0
_SHORTEST_S: Final = 1e-3
_NEAR_K: Final = 2.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed against the baselines; shape `(n_strings, n_blocks)` or `(n_strings, 1)`. NaN = not known.

    Attributes:
        raw_v: deviation of blocks from their median, now minus baseline, V.
        warm_k: the same of temperatures, K.
        corrected_v: the same of temperature-corrected deviations, V.
        residual_v: residual of the sum rule, V.
        residual_sigma_v: noise of it.
        current_a: float current, A.
        current_sigma_a: noise of it.
        charger_v: charger's voltage a block against its set point, V.
        noise_v: noise of one deviation in one frame, V.
        raw_step_v: deviation in this frame (the middle of three) minus baseline, V.
    """

    raw_v: Floats
    warm_k: Floats
    corrected_v: Floats
    residual_v: Floats
    residual_sigma_v: Floats
    current_a: Floats
    current_sigma_a: Floats
    charger_v: Floats
    noise_v: Floats
    raw_step_v: Floats


def middle(a: Floats, b: Floats, c: Floats) -> Floats:
    """Middle of three; where one or two are not known, the newest known of `c`, `b`, `a`."""
    known = ~(np.isnan(a) | np.isnan(b))
    found: Floats = np.where(known, np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)), c)
    return found


def take_in(look: Look) -> Changes:
    """Takes a frame into the running means and baselines, and says what has changed against them.

    Deviations enter as the middle of three frames, so that one wild sample does nothing. Baselines learn on settled
    float only, and not from a block or string with a fault.
    """
    s, found, settled = look.state, look.found, look.settled
    raw = middle(s["raw_2"], s["raw_1"], found.raw_v)
    warm = middle(s["warm_2"], s["warm_1"], found.warm_k)
    residual = middle(look.of("residual_2"), look.of("residual_1"), look.residual_v)
    _learn_noise(look)

    quick = _share(look.step_s, LIMITS.fast_s)
    _blend(s["raw_fast"], raw, quick, settled)
    _blend(s["warm_fast"], warm, quick, settled)
    calm = ~look.load & ~look.suppressed
    _blend(look.of("residual_fast"), residual, quick, calm)
    _weigh(look.of("residual_weight"), quick, calm & ~np.isnan(residual))
    hourly = _share(look.step_s, _CURRENT_S)
    _blend(look.of("current_fast"), look.current_a, hourly, settled)
    _weigh(look.of("current_weight"), hourly, settled)
    _blend(look.of("median_fast"), found.median_v, quick, settled)
    charger_v = mean_voltage(look) - look.sheets.set_point_v(found.median_c)
    _blend(look.of("charger_fast"), charger_v, quick, settled)
    _blend(look.of("warmth_fast"), found.median_c, _share(look.step_s, _WARMTH_S), np.ones_like(settled))
    after_load = (look.of("load_us") == 0.0) | (look.now_us - look.of("load_us") > _AFTER_LOAD_S * 1e6)
    # while the room is diagnosed, what is usual hardly follows, so that the diagnosis outlasts the day
    warm = s["active"][:, FaultClass.ROOM_COOLING, -1:]
    daily = np.where(warm, 0.1, 1.0) * _share(look.step_s, _DAY_S)
    _blend(look.of("warmth_day"), found.median_c, daily, after_load & ~look.load)
    _regress(look)
    _learn_baselines(look)

    raw_v, warm_k = s["raw_fast"] - s["raw_slow"], s["warm_fast"] - s["warm_slow"]
    known_k = np.where(np.isnan(warm_k), 0.0, warm_k)
    corrected_v = raw_v - look.sheets.share_v_k * known_k
    return Changes(
        raw_v=raw_v,
        warm_k=warm_k,
        corrected_v=corrected_v - row_median(corrected_v),
        residual_v=look.of("residual_fast") - look.of("residual_slow"),
        residual_sigma_v=np.sqrt(look.of("residual_noise") * look.of("residual_weight")),
        current_a=look.of("current_fast") - look.of("current_slow"),
        current_sigma_a=np.sqrt(look.of("current_noise") * look.of("current_weight")),
        charger_v=look.of("charger_fast") - look.of("charger_slow"),
        noise_v=np.sqrt(look.of("voltage_noise")),
        raw_step_v=raw - s["raw_slow"],
    )


def remember(look: Look) -> None:
    """Keeps of this frame what the next one is compared with."""
    s, found = look.state, look.found
    for name, value in (("raw", found.raw_v), ("warm", found.warm_k)):
        s[f"{name}_2"] = np.where(look.fresh, s[f"{name}_1"], np.nan)
        s[f"{name}_1"] = value
    s["residual_2"] = np.where(look.fresh, look.of("residual_1"), np.nan)[:, 0]
    s["residual_1"] = look.residual_v[:, 0]
    s["current_1"] = look.frame.current_a
    s["median_1"] = found.median_v[:, 0]
    s["was_load"] = look.load[:, 0]
    s["first_us"] = np.where(s["first_us"] > 0.0, s["first_us"], look.frame.time_us)
    s["last_us"] = look.frame.time_us


def mean_voltage(look: Look) -> Floats:
    """Voltage of the charger a block, V: measured over the string, or else the mean of its blocks."""
    over_string = look.frame.string_voltage_v[:, np.newaxis]
    total_v = np.where(np.isnan(over_string), look.found.block_sum_v[:, np.newaxis], over_string)
    mean_v: Floats = total_v / look.sheets.count
    return mean_v


def _share(step_s: Floats, time_constant_s: float) -> Floats:
    share: Floats = -np.expm1(-step_s / time_constant_s)
    return share


def _blend(mean: Floats, value: Floats, share: Floats, when: Flags) -> None:
    """Moves a mean towards a value by a share; the first value becomes the mean."""
    use = when & ~np.isnan(value)
    first = np.isnan(mean)
    moved = mean + share * (value - mean)
    mean[...] = np.where(use, np.where(first, value, moved), mean)


def _weigh(weight: Floats, share: Floats, when: Flags) -> None:
    """Share of one frame's variance that is left in a mean which `_blend` has just moved."""
    moved = share * share + (1.0 - share) ** 2 * weight
    weight[...] = np.where(when, np.where(np.isnan(weight), 1.0, np.minimum(moved, 1.0)), weight)


def _learn_noise(look: Look) -> None:
    """Noise of single frames, from differences of neighbouring ones on float: half their mean square."""
    s = look.state
    share = np.full_like(look.step_s, 1.0 / _NOISE_FRAMES)
    jump_v = look.found.raw_v - s["raw_1"]
    typical_v2 = row_median(jump_v * jump_v) / (2.0 * 0.455)  # the median of a squared normal number is 0.455
    for name, square in (
        ("voltage_noise", typical_v2),
        ("residual_noise", 0.5 * (look.residual_v - look.of("residual_1")) ** 2),
        ("current_noise", 0.5 * (look.frame.current_a[:, np.newaxis] - look.of("current_1")) ** 2),
    ):
        noise = look.of(name)
        # a jump is no noise
        usual = np.isnan(noise) | (square < 16.0 * noise + 1e-12)
        _blend(noise, square, share, look.settled & look.fresh & usual)


def _learn_baselines(look: Look) -> None:
    s = look.state
    faulty: Flags = np.any(s["active"] | (s["since_us"] > 0.0), axis=1)
    step_s = np.where(look.settled, look.step_s, 0.0)
    memory_s = np.minimum(look.of("learned_s") + step_s, LIMITS.slow_s)
    share = step_s / np.maximum(memory_s, _SHORTEST_S)
    sound = look.settled & (~faulty[:, :-1] | ~look.learned)
    string_sound = look.settled & (~np.any(faulty, axis=1, keepdims=True) | ~look.learned)
    _blend(s["raw_slow"], s["raw_fast"], share, sound)
    _blend(s["warm_slow"], s["warm_fast"], share, sound)
    _blend(look.of("residual_slow"), look.of("residual_fast"), share, string_sound)
    _blend(look.of("current_slow"), look.of("current_fast"), share, string_sound)
    _blend(look.of("charger_slow"), look.of("charger_fast"), share, string_sound)
    s["learned_s"] += step_s[:, 0]
    _follow_drift(look, step_s)


def _follow_drift(look: Look, step_s: Floats) -> None:
    """Means over a day, and those of the first weeks, which the drift of months and years is measured against."""
    s = look.state
    corrected_v = s["raw_fast"] - look.sheets.share_v_k * np.where(np.isnan(s["warm_fast"]), 0.0, s["warm_fast"])
    daily = _share(look.step_s, _DAY_S)
    residual_v = look.of("residual_fast")
    _blend(s["drift_day"], corrected_v, daily, look.settled)
    _blend(look.of("residual_day"), look.residual_v, daily, look.settled)
    _weigh(look.of("residual_day_weight"), daily, look.settled & ~np.isnan(look.residual_v))
    learning = look.settled & (s["drift_first_s"] < FIRST_WEEKS_S) & ~np.isnan(corrected_v)
    s["drift_first_s"] += np.where(learning, step_s, 0.0)
    share = step_s / np.maximum(s["drift_first_s"], _SHORTEST_S)
    _blend(s["drift_first"], corrected_v, share, learning)
    any_share = share.max(axis=1, keepdims=True)
    any_learns: Flags = np.any(learning, axis=1, keepdims=True)
    _blend(look.of("residual_first"), residual_v, any_share, any_learns)


def _regress(look: Look) -> None:
    """Second moments of the charger's voltage a block and the string's temperature over some days."""
    s = look.state
    # a charger follows the mean of the posts, and the mean has less noise; one wild sensor moves it by next to nothing
    near_k = np.clip(look.found.warm_k, -_NEAR_K, _NEAR_K)
    known = ~np.isnan(near_k)
    mean_k = np.where(known, near_k, 0.0).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    now_v, now_c = mean_voltage(look), look.found.median_c + mean_k
    use = look.settled & ~np.isnan(now_v) & ~np.isnan(now_c)
    smooth = _share(look.step_s, _SMOOTH_S)
    _blend(look.of("smooth_v"), now_v, smooth, use)
    _blend(look.of("smooth_c"), now_c, smooth, use)
    v, c = look.of("smooth_v"), look.of("smooth_c")
    share = _share(look.step_s, SLOPE_S)
    off_v, off_c = v - look.of("slope_v"), c - look.of("slope_c")
    _blend(look.of("slope_v"), v, share, use)
    _blend(look.of("slope_c"), c, share, use)
    for name, product in (("slope_cc", off_c * off_c), ("slope_cv", off_c * off_v), ("slope_vv", off_v * off_v)):
        known = np.where(np.isnan(product), 0.0, product)
        _blend(look.of(name), known, share, use)
    s["slope_s"] += np.where(use, look.step_s, 0.0)[:, 0]
