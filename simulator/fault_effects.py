"""What faults do to blocks and strings while they are at work."""

import math

from simulator.climate import SECONDS_PER_YEAR
from simulator.compiled import compiled
from simulator.faults import FaultKind
from simulator.world import Fleet

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
def next_change_s(fleet: Fleet, s: int, now_s: float) -> float:
    """The next time after `now_s` at which a fault of string s begins or ends; infinite = none."""
    faults, change_s = fleet.world.faults, math.inf
    for k in range(faults.first[s], faults.first[s + 1]):
        if faults.start_s[k] > now_s:
            change_s = min(change_s, faults.start_s[k])
        if faults.end_s[k] > now_s:
            change_s = min(change_s, faults.end_s[k])
    return change_s


@compiled
def set_conditions(fleet: Fleet, s: int, time_s: float) -> None:
    """Writes the conditions of string s and its blocks at a time, from the faults that are at work then."""
    faults, now = fleet.world.faults, fleet.now
    fleet.string_now[s].set_point_v, fleet.string_now[s].compensation = 0.0, 1.0
    for i in range(fleet.world.first_block[s], fleet.world.first_block[s + 1]):
        cooked = math.floor(fleet.blocks[i].cooked_cells)
        now[i].cells = max(fleet.world.blocks[i].cells - cooked, _FEWEST_CELLS)
        now[i].inside_ohm = now[i].outside_ohm = now[i].ln_gas = now[i].water_per_s = now[i].heat_w = 0.0
        now[i].thermal = now[i].ageing = now[i].resistance = now[i].capacity = now[i].weak_share = 1.0
    for k in range(faults.first[s], faults.first[s + 1]):
        if faults.start_s[k] <= time_s < faults.end_s[k]:
            if faults.block[k] < 0:
                _apply_to_charger(fleet, s, k)
            elif faults.kind[k] in (_DRY_OUT, _RUNAWAY, _AGEING, _RISE, _WEAK):
                _apply_to_plates(fleet, k, time_s)
            else:
                _apply_to_cells(fleet, k, time_s)


@compiled
def _apply_to_charger(fleet: Fleet, s: int, k: int) -> None:
    faults, now, strings = fleet.world.faults, fleet.string_now, fleet.world.strings
    if faults.kind[k] == _CHARGER:
        cells = strings[s].cells * (fleet.world.first_block[s + 1] - fleet.world.first_block[s])
        now[s].set_point_v += faults.magnitude[k] * cells
    elif faults.kind[k] == _NO_COMPENSATION:
        now[s].compensation = 0.0


@compiled
def _apply_to_cells(fleet: Fleet, k: int, time_s: float) -> None:
    faults, now = fleet.world.faults, fleet.now
    kind, i, magnitude = faults.kind[k], faults.block[k], faults.magnitude[k]
    if kind == _SHORTED:
        shorted = min(math.floor(magnitude), now[i].cells - _FEWEST_CELLS)
        now[i].cells -= shorted
        energy_j = shorted * _CELL_V * 3_600.0 * fleet.blocks[i].capacity_ah * _SHORT_HEAT_SHARE
        now[i].heat_w += energy_j / _SHORT_TAU_S * math.exp(-(time_s - faults.start_s[k]) / _SHORT_TAU_S)
    elif kind in (_OPEN, _INSIDE):
        now[i].inside_ohm += magnitude
    elif kind == _OUTSIDE:
        now[i].outside_ohm += magnitude
    elif kind == _REVERSED:
        now[i].weak_share = min(now[i].weak_share, 1.0 - magnitude)


@compiled
def _apply_to_plates(fleet: Fleet, k: int, time_s: float) -> None:
    faults, now = fleet.world.faults, fleet.now
    kind, i, magnitude = faults.kind[k], faults.block[k], faults.magnitude[k]
    if kind == _DRY_OUT:
        now[i].water_per_s += magnitude / SECONDS_PER_YEAR
    elif kind == _RUNAWAY:
        now[i].ln_gas += math.log(magnitude)
        now[i].thermal *= magnitude
    elif kind == _AGEING:
        now[i].ageing *= magnitude
    elif kind == _RISE:
        now[i].resistance *= 1.0 + magnitude * min((time_s - faults.start_s[k]) / _RISE_S, 1.0)
    elif kind == _WEAK:
        now[i].capacity *= 1.0 - magnitude
