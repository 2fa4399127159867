"""What a discharge tells of a string: its charge, each block's resistance and capacity against its neighbours'."""

from typing import Final

import numpy as np

from actors.autonomy import usable_share
from actors.string_limits import LIMITS
from actors.string_look import Flags, Look
from actors.string_means import middle
from actors.string_robust import Floats, row_median
from batterytwin.telemetry import StringMode

_NEW_EVENT_S: Final = 600.0
_EARLY_DEPTH: Final = 0.012
_EARLY_FRAMES: Final = 12
_DIP_DEPTH: Final = 0.02
_REFERENCE_DEPTH: Final = 0.03
_COLLAPSE_V: Final = 0.3
_EARLY_SHARE: Final = 0.52
_CUT_OFF_MARGIN_V: Final = 0.9
"""A string that stops above its end voltage by so much a block has not been cut off."""


def follow_discharge(look: Look) -> None:
    """Takes a frame under load into the record of the newest discharge. Outside load nothing of it changes."""
    if not look.load.any():
        _dead(look)
        return
    s = look.state
    load = look.load[:, 0]
    ended_s = (look.now_us[:, 0] - s["load_us"]) * 1e-6
    begins = load & (s["was_load"] == 0.0) & ((s["load_us"] == 0.0) | (ended_s > _NEW_EVENT_S))
    _begin(look, begins)
    size_a = np.abs(look.current_a)
    taken_ah = np.where(look.load & (s["was_load"][:, np.newaxis] > 0.0), size_a * look.step_s / 3_600.0, 0.0)
    s["event_ah"] += taken_ah[:, 0]
    s["settle_ah"] = np.where(load, np.maximum(s["settle_ah"], s["event_ah"]), s["settle_ah"])
    s["event_frames"] += load
    s["event_current"] = np.where(load, np.fmax(s["event_current"], size_a[:, 0]), s["event_current"])
    s["load_us"] = np.where(load, look.frame.time_us, s["load_us"])
    _blocks(look, size_a)
    _outside(look)
    _dead(look)


def depth(look: Look) -> Floats:
    """Depth of the newest discharge so far, fraction of rated capacity, shape `(n_strings, 1)`."""
    taken: Floats = look.of("event_ah") / look.sheets.capacity_ah
    return taken


def whole_depth(look: Look) -> Floats:
    """Depth that a discharge at the present (or last) rate would have in a healthy string, shape `(n_strings, 1)`."""
    return usable_share(look.of("event_current") / look.sheets.capacity_ah)


def early_depth(look: Look) -> Floats:
    """Depth up to which no sound block is near its knee, shape `(n_strings, 1)`.

    A block of 0.8 of the capacity collapses at 0.65 of the whole depth, one of 0.7 at 0.42: its own rate is higher.
    """
    early: Floats = _EARLY_SHARE * whole_depth(look)
    return early


def instrument_rise_ohm(look: Look) -> Floats:
    """What the instrument's newest reading lies above its first ones, beyond the neighbours, ohm."""
    s = look.state
    rise = s["resistance_last"] - s["resistance_first"]
    beyond: Floats = (rise - row_median(rise)) * 1e-3
    return beyond


def learn_usual(look: Look, over: Flags, sound: Flags) -> None:
    """Keeps how blocks begin a discharge when nothing is wrong, for the next one.

    Acid density and plates make healthy blocks differ by some 40 mV from the first ampere on, every time alike.

    Args:
        look: the frame.
        over: strings whose discharge is over, `(n_strings, 1)`.
        sound: blocks that may be learnt from, `(n_strings, n_blocks)`.
    """
    s = look.state
    use = over & sound & (look.of("event_current") > LIMITS.connection_a * look.amperes) & ~np.isnan(s["early_raw"])
    before = s["usual_early"]
    s["usual_early"] = np.where(
        use, np.where(np.isnan(before), s["early_raw"], 0.5 * (before + s["early_raw"])), before
    )


def _begin(look: Look, begins: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
    s = look.state
    if not begins.any():
        return
    s["event_us"] = np.where(begins, look.frame.time_us, s["event_us"])
    s["settle_ah"] = np.where(begins, 0.0, s["settle_ah"])
    for name in ("event_ah", "event_frames", "event_current", "outside_xx", "outside_xy"):
        s[name] = np.where(begins, 0.0, s[name])
    for name in ("outside_ohm", "outside_sigma", "early_to"):
        s[name] = np.where(begins, np.nan, s[name])
    for name, value in (
        ("early_raw", np.nan),
        ("early_count", 0.0),
        ("extra_ohm", np.nan),
        ("sag_v", np.nan),
        ("early_sag", np.nan),
        ("sag_reference", np.nan),
        ("collapse_depth", np.nan),
    ):
        s[name] = np.where(begins[:, np.newaxis], value, s[name])


def _blocks(look: Look, size_a: Floats) -> None:
    """Deviation early in the discharge is resistance; what it loses from there on is capacity."""
    s, raw = look.state, look.found.raw_v
    under = look.load & ~np.isnan(raw)
    early = under & (depth(look) < _EARLY_DEPTH) & (s["early_count"] < _EARLY_FRAMES)
    early |= under & (s["early_count"] == 0.0)
    count = s["early_count"] + early
    before = np.where(np.isnan(s["early_raw"]), 0.0, s["early_raw"])
    s["early_raw"] = np.where(early, before + (raw - before) / np.maximum(count, 1.0), s["early_raw"])
    s["early_count"] = count
    judged = under & (size_a > LIMITS.connection_a * look.amperes)
    usual_v = np.where(np.isnan(s["usual_early"]), 0.0, s["usual_early"])
    mean_ohm = (usual_v - s["early_raw"]) / np.maximum(size_a, 1e-3)
    s["extra_ohm"] = np.where(early & judged, mean_ohm, s["extra_ohm"])
    # the dip of the first minutes is no capacity
    taken = depth(look)
    reference = s["sag_reference"]
    before_dip = under & (taken < _REFERENCE_DEPTH)
    first = before_dip & ((taken < _DIP_DEPTH) | np.isnan(reference))
    s["sag_reference"] = np.where(first, raw, np.where(before_dip, reference + 0.2 * (raw - reference), reference))
    s["sag_from"] = np.where((look.load & (taken < _REFERENCE_DEPTH))[:, 0], taken[:, 0], s["sag_from"])
    sag = middle(s["raw_2"], s["raw_1"], raw) - s["sag_reference"]
    smooth = np.where(np.isnan(s["sag_v"]), sag, s["sag_v"] + 0.3 * (sag - s["sag_v"]))
    past_dip = under & (taken >= _REFERENCE_DEPTH)
    s["sag_v"] = np.where(past_dip, smooth, s["sag_v"])
    falls = past_dip & (smooth < -_COLLAPSE_V * look.volts) & np.isnan(s["collapse_depth"])
    s["collapse_depth"] = np.where(falls, taken, s["collapse_depth"])
    early = past_dip & (taken < early_depth(look))
    s["early_sag"] = np.where(early, s["sag_v"], s["early_sag"])
    s["early_to"] = np.where(early.any(axis=1), taken[:, 0], s["early_to"])


def _outside(look: Look) -> None:
    """Regresses the change of the sum rule's residual on current: what lies between the blocks' sense leads.

    Only the part that comes with current counts; a wrong sensor has its share on float as well.
    """
    s = look.state
    change_v = look.residual_v - look.of("residual_fast")
    # a block's sensor that is off or stuck shows the same in its block's deviation
    largest = np.nan_to_num(np.abs(look.found.raw_v)).argmax(axis=1)
    block_v = look.found.raw_v[np.arange(len(largest)), largest][:, np.newaxis]
    sensor = (np.abs(block_v) > 0.1 * look.volts) & (np.abs(change_v + block_v) < 0.4 * np.abs(change_v))
    use = look.load & ~np.isnan(change_v) & ~sensor
    current = np.where(use, look.current_a, 0.0)
    s["outside_xx"] += (current * current)[:, 0]
    s["outside_xy"] += np.where(use, look.current_a * change_v, 0.0)[:, 0]
    enough = use[:, 0] & (s["event_frames"] >= 2)
    xx = np.maximum(s["outside_xx"], 1e-6)
    s["outside_ohm"] = np.where(enough, s["outside_xy"] / xx, s["outside_ohm"])
    noise_v = np.sqrt(np.where(np.isnan(s["residual_noise"]), 2.5e-3, s["residual_noise"]))
    s["outside_sigma"] = np.where(enough, noise_v / np.sqrt(xx), s["outside_sigma"])


def _dead(look: Look) -> None:
    """Notes strings that stop in the middle of a discharge although nothing was empty, while their system goes on.

    Without the report of a discharge it may be a charger that has not come back yet.
    """
    s = look.state
    mode = look.frame.mode[:, np.newaxis]
    goes_on = (mode == StringMode.DISCHARGE) | (mode == StringMode.TEST)
    stopped = look.sagging & (np.abs(look.current_a) < LIMITS.load_c * look.sheets.capacity_ah) & ~look.load & goes_on
    far = look.of("median_1") > look.sheets.end_v + _CUT_OFF_MARGIN_V * look.volts
    rebound = look.found.median_v > look.of("median_1")
    begins = stopped & (look.of("was_load") > 0.0) & far & rebound & look.fresh
    s["dead"] = np.where(begins[:, 0], 1.0, np.where(stopped[:, 0], s["dead"], 0.0))
