"""How long a string can carry a constant power: until its weakest block reaches its end voltage, with an interval.

Every block is marched through the discharge with the twin's estimates; the current rises as the voltages fall. Usable
capacity depends on the rate (vrla facts 1.5: what a full block gives to 1.75 V per cell within 5 minutes ... 20 hours):
at a rate that yields the share f, the charge 1 - f stays inside, so a block is exhausted when its depth reaches f.
Uncertainty comes from sampling the estimates within their sigmas and the model within its own error.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.string_robust import Floats
from batterytwin.datasheet import BatteryDatasheet

_HOURS: Final = np.array([1 / 12, 1 / 6, 1 / 4, 1 / 2, 1.0, 2.0, 3.0, 4.0, 20.0])
_SHARE_OF_C20: Final = np.array([0.28, 0.40, 0.47, 0.61, 0.75, 0.88, 0.93, 0.97, 1.0])
_C10_OVER_C20: Final = 0.987
_SHARE: Final = _SHARE_OF_C20 / _C10_OVER_C20
_LN_RATE: Final = np.log(_SHARE / _HOURS)[::-1]  # rates in multiples of capacity per hour, rising
_SHARE_BY_RATE: Final = _SHARE[::-1]
ONE_HOUR_SHARE: Final = float(_SHARE[4])
"""Share of the 10-hour capacity that a discharge in one hour takes out: its current over capacity, 1/h."""

_CAPACITY_PER_K_COLD: Final = 0.006
_CAPACITY_PER_K_WARM: Final = 0.002
_R0_RISE: Final = 1.4
_KNEE_POWER: Final = 12
_SAMPLES: Final = 64
_STEPS: Final = 90
_STEPS_EXPECTED: Final = 60
_MODEL_SIGMA: Final = 0.075
_MODEL_SIGMA_FAST: Final = 0.05
"""Error of the rate table for another maker's block, as a factor on the usable charge (natural logarithm), and what it
grows by with every factor e of the rate above that of two hours: blocks made for high rates give more."""
_TWO_HOUR_RATE: Final = 0.44
_SHARED: Final = 0.6
"""Correlation of the errors of a string's blocks: one current, one age, one room."""
_LEAST_POWER_W: Final = 1e-3
_LONGEST_S: Final = 30 * 86_400.0
_DRAWS_SEED: Final = 20_260


@dataclass(frozen=True, slots=True)
class BlockEstimates:
    """What the twins of one string say; every column has shape `(n_blocks,)`.

    Attributes:
        soc: state of charge.
        soc_sigma: its sigma.
        soh_capacity: capacity over rated.
        soh_sigma: its sigma.
        r0_ohm: series resistance at 25 degC, full, ohm.
        r0_sigma_ohm: its sigma.
        temperature_c: degC; NaN counts as 25.
        cells_lost: cells that a diagnosis says are shorted.
    """

    soc: Floats
    soc_sigma: Floats
    soh_capacity: Floats
    soh_sigma: Floats
    r0_ohm: Floats
    r0_sigma_ohm: Floats
    temperature_c: Floats
    cells_lost: Floats

    @property
    def known(self) -> bool:
        """Whether an autonomy can be told."""
        columns = (self.soc, self.soc_sigma, self.soh_capacity, self.soh_sigma, self.r0_ohm, self.r0_sigma_ohm)
        return bool(len(self.soc)) and not any(np.isnan(column).any() for column in columns)


@dataclass(frozen=True, slots=True)
class StringAutonomy:
    """How long a string can carry a load.

    Attributes:
        load_w: power assumed, W, > 0 discharges.
        expected_s: median of the time, s.
        lower_s: the true time exceeds it with 95 % probability, s.
        upper_s: the true time stays under it with 95 % probability, s.
        limiting: index of the block that most often ends the discharge.
    """

    load_w: float
    expected_s: float
    lower_s: float
    upper_s: float
    limiting: int


def usual_load_w(sheet: BatteryDatasheet, n_blocks: int) -> float:
    """Power of a discharge that takes one hour, W."""
    return ONE_HOUR_SHARE * sheet.rated_capacity_ah * 1.95 * sheet.cells * n_blocks


def usable_share(rate_per_h: Floats) -> Floats:
    """Share of the 10-hour capacity that comes out of a full block at a rate (current over capacity, 1/h)."""
    ln_rate = np.log(np.maximum(rate_per_h, 1e-6))
    share: Floats = np.interp(ln_rate, _LN_RATE, _SHARE_BY_RATE)
    # beyond the table the last exponent (k = 2 at five minutes) goes on
    beyond: Floats = np.exp(-np.maximum(ln_rate - _LN_RATE[-1], 0.0))
    return share * beyond


def string_autonomy(blocks: BlockEstimates, sheet: BatteryDatasheet, load_w: float) -> StringAutonomy | None:
    """Time until the weakest block reaches its end voltage.

    The order of the blocks has no effect on the times.

    Args:
        blocks: estimates of the string's blocks.
        sheet: their data sheet.
        load_w: power of the whole string, W, > 0 discharges.

    Returns:
        None where an estimate is missing or nothing is drawn.
    """
    if not blocks.known or load_w <= _LEAST_POWER_W:
        return None
    order = np.lexsort((blocks.temperature_c, blocks.r0_ohm, blocks.soc, blocks.soh_capacity))
    times_s, first = _march(_Sampled(blocks, sheet, order), sheet, load_w)
    lower_s, expected_s, upper_s = np.quantile(times_s, (0.05, 0.5, 0.95))
    limiting = int(order[np.bincount(first, minlength=len(order)).argmax()])
    return StringAutonomy(load_w, float(expected_s), float(lower_s), float(upper_s), limiting)


def autonomy_draws_s(blocks: BlockEstimates, sheet: BatteryDatasheet, load_w: float) -> Floats:
    """Time until the weakest block reaches its end voltage in every draw, s, shape `(n_draws,)`.

    Draws of the same number share the error of the model, whatever the string. All estimates must be known.
    """
    order = np.lexsort((blocks.temperature_c, blocks.r0_ohm, blocks.soc, blocks.soh_capacity))
    return _march(_Sampled(blocks, sheet, order), sheet, load_w)[0]


class _Sampled:
    """Draws of the blocks' estimates, shape `(n_samples, n_blocks)`, blocks in a canonical order."""

    def __init__(self, blocks: BlockEstimates, sheet: BatteryDatasheet, order: NDArray[np.intp]) -> None:
        draws = np.random.default_rng(_DRAWS_SEED)
        shape = (_SAMPLES, len(order))

        def sampled(value: Floats, sigma: Floats) -> Floats:
            shared, own = draws.standard_normal((_SAMPLES, 1)), draws.standard_normal(shape)
            drawn: Floats = np.sqrt(_SHARED) * shared + np.sqrt(1.0 - _SHARED) * own
            return np.asarray(value[order] + sigma[order] * drawn, np.float64)

        known_c = np.where(np.isnan(blocks.temperature_c), 25.0, blocks.temperature_c)[order]
        warm_k = np.broadcast_to(known_c - 25.0, shape)
        self.whole = 1.0 - blocks.cells_lost[order] / sheet.cells
        self.soc = np.clip(sampled(blocks.soc, blocks.soc_sigma), 0.0, 1.0)
        soh = np.maximum(sampled(blocks.soh_capacity, blocks.soh_sigma), 0.02)
        self.r0_ohm = np.maximum(sampled(blocks.r0_ohm, blocks.r0_sigma_ohm), 0.2 * sheet.r0_ohm)
        self.r0_ohm = self.r0_ohm * np.maximum(1.0 + sheet.r_temperature_coefficient_per_k * warm_k, 0.3)
        per_k = np.where(warm_k < 0.0, _CAPACITY_PER_K_COLD, _CAPACITY_PER_K_WARM)
        self.capacity_ah = sheet.rated_capacity_ah * soh * np.maximum(1.0 + per_k * warm_k, 0.2)
        self.model = draws.standard_normal((_SAMPLES, 1))
        self.ocv_shift_v = sheet.docv_dt_v_k * warm_k


def _march(sampled: _Sampled, sheet: BatteryDatasheet, load_w: float) -> tuple[Floats, NDArray[np.intp]]:
    """Time of each sample, s, and the block that ended it, both of shape `(n_samples,)`."""
    end_v = sheet.end_v_cell * sheet.cells
    soc = sampled.soc.copy()
    rows = np.arange(len(soc))
    current_a = np.full((len(soc), 1), load_w / (sheet.ocv_v[-2] * sampled.whole.sum()))
    share = _share(sampled, current_a)
    left_s = (soc - 1.0 + share) * sampled.capacity_ah / current_a * 3_600.0
    step_s = np.clip(left_s.min(axis=1, keepdims=True), 1.0, _LONGEST_S) / _STEPS_EXPECTED
    taken_ah = np.zeros((len(soc), 1))
    ended_s = np.full(len(soc), np.nan)
    first = np.zeros(len(soc), np.intp)
    before_v = np.full(soc.shape, np.inf)
    for number in range(_STEPS):
        # what counts is the mean rate: the current of a constant power rises towards the end
        share = _share(sampled, current_a if number == 0 else taken_ah / (number * step_s / 3_600.0))
        polarisation_ohm = sheet.r1_ohm + sheet.r2_ohm * -np.expm1(-number * step_s / sheet.tau2_s)
        voltage_v = _voltage_v(sampled, sheet, soc, share, current_a, polarisation_ohm)
        below_v = voltage_v - end_v * sampled.whole
        lowest = below_v.argmin(axis=1)
        crossed = np.isnan(ended_s) & (below_v[rows, lowest] <= 0.0)
        if crossed.any():
            was_v, is_v = before_v[rows, lowest], below_v[rows, lowest]
            known = np.isfinite(was_v)
            part = np.where(known, was_v, 1.0) / np.where(known, np.maximum(was_v - is_v, 1e-9), 1.0)
            ended_s = np.where(crossed, np.maximum(number - 1 + part, 0.0) * step_s[:, 0], ended_s)
            first = np.where(crossed, lowest, first)
            if not np.isnan(ended_s).any():
                break
        before_v = below_v
        total_v = np.maximum(voltage_v, 0.5 * end_v * sampled.whole).sum(axis=1, keepdims=True)
        current_a = load_w / total_v
        taken_ah = taken_ah + current_a * step_s / 3_600.0
        soc = soc - current_a * step_s / (3_600.0 * sampled.capacity_ah)
    last = np.isnan(ended_s)
    return np.where(last, _STEPS * step_s[:, 0], ended_s), np.where(last, before_v.argmin(axis=1), first)


def _share(sampled: _Sampled, current_a: Floats) -> Floats:
    """Usable share of the blocks at a current, with the model's error."""
    rate = current_a / sampled.capacity_ah
    sigma = _MODEL_SIGMA + _MODEL_SIGMA_FAST * np.maximum(np.log(rate / _TWO_HOUR_RATE), 0.0)
    share: Floats = np.clip(usable_share(rate) * np.exp(sigma * sampled.model), 0.02, 1.05)
    return share


def _voltage_v(  # noqa: PLR0917  # the terms of one formula
    sampled: _Sampled,
    sheet: BatteryDatasheet,
    soc: Floats,
    share: Floats,
    current_a: Floats,
    polarisation_ohm: Floats,
) -> Floats:
    """Voltage of the blocks under a discharge current > 0, V.

    The knee makes a block of nominal resistance reach its end voltage when its depth reaches the usable share.
    """
    left = np.clip(1.0 - (1.0 - soc) / share, 0.0, 1.0)
    spent = (1.0 - left) ** 8
    # past its usable charge a block falls on, so that it is seen to cross
    beyond = np.maximum((1.0 - soc) / share - 1.0, 0.0)
    open_v = np.interp(soc, sheet.ocv_soc, sheet.ocv_v)
    nominal_end_v = np.interp(1.0 - share, sheet.ocv_soc, sheet.ocv_v) - current_a * (
        sheet.r0_ohm * (1.0 + _R0_RISE) + polarisation_ohm
    )
    knee_v = np.maximum(nominal_end_v - sheet.end_v_cell * sheet.cells, 0.0) * (1.0 - left) ** _KNEE_POWER
    drop_v = current_a * (sampled.r0_ohm * (1.0 + _R0_RISE * spent) + polarisation_ohm)
    voltage: Floats = (open_v + sampled.ocv_shift_v - knee_v - 20.0 * beyond) * sampled.whole - drop_v
    return voltage
