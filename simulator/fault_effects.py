"""What faults do to blocks and strings while they are at work."""

import math

from simulator.climate import SECONDS_PER_YEAR
from simulator.compiled import compiled
from simulator.faults import FaultKind
from simulator.world import Batteries

_SHORTED, _OPEN, _REVERSED = int(FaultKind.SHORTED_CELL), int(FaultKind.OPEN_CELL), int(FaultKind.REVERSED_BLOCK)
_INSIDE, _OUTSIDE = int(FaultKind.LOOSE_CONNECTION_INSIDE), int(FaultKind.LOOSE_CONNECTION_OUTSIDE)
_DRY_OUT, _RUNAWAY = int(FaultKind.DRY_OUT), int(FaultKind.THERMAL_RUNAWAY)
_AGEING, _RISE, _WEAK = int(FaultKind.ACCELERATED_AGEING), int(FaultKind.RESISTANCE_RISE), int(FaultKind.WEAK_BLOCK)
_CHARGER, _NO_COMPENSATION = int(FaultKind.CHARGER_VOLTAGE), int(FaultKind.CHARGER_NO_COMPENSATION)

_RISE_S = 86_400.0
# a cell that shorts gives a tenth of its charge as heat in the first hours; the rest leaks away unnoticed
_SHORT_HEAT_SHARE, _SHORT_TAU_S, _CELL_V = 0.1, 10_800.0, 2.1
_FEWEST_CELLS = 1.0


@compiled
def next_change_s(batteries: Batteries, s: int, now_s: float) -> float:
    """The next time after `now_s` at which a fault of string s begins or ends; infinite = none."""
    faults, change_s = batteries.faults, math.inf
    for k in range(batteries.first_fault[s], batteries.first_fault[s + 1]):
        if faults[k].start_s > now_s:
            change_s = min(change_s, faults[k].start_s)
        if faults[k].end_s > now_s:
            change_s = min(change_s, faults[k].end_s)
    return change_s


@compiled
def set_conditions(batteries: Batteries, s: int, time_s: float) -> None:
    """Writes the conditions of string s and its blocks at a time, from the faults that are at work then."""
    faults, now = batteries.faults, batteries.now
    batteries.string_now[s].set_point_v, batteries.string_now[s].compensation = 0.0, 1.0
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        cooked = math.floor(batteries.blocks[i].cooked_cells)
        now[i].cells = max(batteries.made[i].cells - cooked, _FEWEST_CELLS)
        now[i].inside_ohm = now[i].outside_ohm = now[i].ln_gas = now[i].water_per_s = now[i].heat_w = 0.0
        now[i].thermal = now[i].ageing = now[i].resistance = now[i].capacity = now[i].weak_share = 1.0
    for k in range(batteries.first_fault[s], batteries.first_fault[s + 1]):
        if faults[k].start_s <= time_s < faults[k].end_s:
            if faults[k].block < 0:
                _apply_to_charger(batteries, s, k)
            elif faults[k].kind in (_DRY_OUT, _RUNAWAY, _AGEING, _RISE, _WEAK):
                _apply_to_plates(batteries, k, time_s)
            else:
                _apply_to_cells(batteries, k, time_s)


@compiled
def _apply_to_charger(batteries: Batteries, s: int, k: int) -> None:
    faults, now, strings = batteries.faults, batteries.string_now, batteries.made_strings
    if faults[k].kind == _CHARGER:
        cells = strings[s].cells * (batteries.first_block[s + 1] - batteries.first_block[s])
        now[s].set_point_v += faults[k].magnitude * cells
    elif faults[k].kind == _NO_COMPENSATION:
        now[s].compensation = 0.0


@compiled
def _apply_to_cells(batteries: Batteries, k: int, time_s: float) -> None:
    faults, now = batteries.faults, batteries.now
    kind, i, magnitude = faults[k].kind, faults[k].block, faults[k].magnitude
    if kind == _SHORTED:
        shorted = min(math.floor(magnitude), now[i].cells - _FEWEST_CELLS)
        now[i].cells -= shorted
        energy_j = shorted * _CELL_V * 3_600.0 * batteries.blocks[i].capacity_ah * _SHORT_HEAT_SHARE
        now[i].heat_w += energy_j / _SHORT_TAU_S * math.exp(-(time_s - faults[k].start_s) / _SHORT_TAU_S)
    elif kind in (_OPEN, _INSIDE):
        now[i].inside_ohm += magnitude
    elif kind == _OUTSIDE:
        now[i].outside_ohm += magnitude
    elif kind == _REVERSED:
        now[i].weak_share = min(now[i].weak_share, 1.0 - magnitude)


@compiled
def _apply_to_plates(batteries: Batteries, k: int, time_s: float) -> None:
    faults, now = batteries.faults, batteries.now
    kind, i, magnitude = faults[k].kind, faults[k].block, faults[k].magnitude
    if kind == _DRY_OUT:
        now[i].water_per_s += magnitude / SECONDS_PER_YEAR
    elif kind == _RUNAWAY:
        now[i].ln_gas += math.log(magnitude)
        now[i].thermal *= magnitude
    elif kind == _AGEING:
        now[i].ageing *= magnitude
    elif kind == _RISE:
        now[i].resistance *= 1.0 + magnitude * min((time_s - faults[k].start_s) / _RISE_S, 1.0)
    elif kind == _WEAK:
        now[i].capacity *= 1.0 - magnitude
