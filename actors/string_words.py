"""Faults that stand on a string as diagnoses, with what speaks for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from actors.string_limits import LIMITS
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.diagnosis import Diagnosis, DiagnosisEvidence
from batterytwin.diagnosis import FaultClass as F
from batterytwin.telemetry import Rows

GRAVEST_FIRST: Final = (
    F.THERMAL_RUNAWAY,
    F.OPEN_CELL,
    F.REVERSAL,
    F.SHORTED_CELL,
    F.LOOSE_CONNECTION,
    F.CHARGER_VOLTAGE,
    F.ROOM_COOLING,
    F.WEAK_BLOCK,
    F.DRY_OUT,
    F.IMBALANCE,
    F.CURRENT_SIGN,
    F.CURRENT_OFFSET,
    F.VOLTAGE_SENSOR,
    F.TEMPERATURE_SENSOR,
    F.STUCK_SENSOR,
    F.NOISY_SENSOR,
)
"""Order in which faults of a string are told."""
_RANK: Final = {int(fault): rank for rank, fault in enumerate(GRAVEST_FIRST)}


@dataclass(frozen=True, slots=True)
class _Told:
    """What is remembered of one string, read by name; `place` is the block, or None for the whole string."""

    state: Any
    sheet: BatteryDatasheet
    place: int | None

    def string(self, name: str) -> float:
        return float(self.state[name])

    def block(self, name: str) -> float:
        return float("nan") if self.place is None else float(self.state[name][self.place])

    def change(self, name: str) -> float:
        if self.place is None:
            return self.string(f"{name}_fast") - self.string(f"{name}_slow")
        return self.block(f"{name}_fast") - self.block(f"{name}_slow")


def standing(state: Rows, sheet: BatteryDatasheet, n_blocks: int) -> tuple[Diagnosis, ...]:
    """Faults that stand on one string, gravest first.

    Args:
        state: what is remembered of it, shape `(1,)`.
        sheet: data sheet of its blocks.
        n_blocks: blocks that it has.
    """
    record: Any = state[0]
    found = []
    active = [(_RANK[fault], place) for fault, place in np.argwhere(record["active"]).tolist() if fault in _RANK]
    for rank, place in sorted(active):
        fault = GRAVEST_FIRST[rank]
        positions = (place,) if place < n_blocks else ()
        told = _Told(record, sheet, place if positions else None)
        evidence = tuple(item for item in _EVIDENCE[fault](told) if not np.isnan(item.value))
        found.append(Diagnosis(fault, positions, int(record["since_us"][fault, place]), evidence))
    return tuple(found)


def _item(observation: str, value: float, expected: float, unit: str) -> DiagnosisEvidence:
    return DiagnosisEvidence(observation, value, expected, unit)


def _deviation(told: _Told) -> DiagnosisEvidence:
    return _item(
        "Voltage of the block against its neighbours",
        told.block("raw_1"),
        float(np.nan_to_num(told.block("raw_slow"))),
        "V",
    )


def _sum_rule(told: _Told) -> DiagnosisEvidence:
    return _item("String voltage minus sum of its blocks", told.string("residual_1"), told.string("residual_slow"), "V")


def _current(told: _Told) -> DiagnosisEvidence:
    return _item("String current", told.string("current_1"), told.string("current_slow"), "A")


def _shorted(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Cells that are missing in the block's voltage", told.block("missing_1"), 0.0, "cells"),
        _deviation(told),
        _sum_rule(told),
    ]


def _open(told: _Told) -> list[DiagnosisEvidence]:
    if told.place is None:
        return [
            _current(told),
            _item(
                "Median block voltage, not under load any more",
                told.string("median_1"),
                told.sheet.end_v_cell * told.sheet.cells,
                "V",
            ),
        ]
    return [
        _deviation(told),
        _item("Median voltage of the others", told.string("median_1"), told.sheet.float_v, "V"),
        _current(told),
        _sum_rule(told),
    ]


def _reversal(told: _Told) -> list[DiagnosisEvidence]:
    return [_deviation(told), _current(told), _sum_rule(told)]


def _loose(told: _Told) -> list[DiagnosisEvidence]:
    largest = _item("Largest current of the discharge", told.string("event_current"), LIMITS.connection_a, "A")
    if told.place is None:
        ohm = told.string("outside_ohm")
        return [
            _item("Resistance between blocks, outside their sense leads", 1e3 * ohm, 0.0, "mOhm"),
            largest,
            _item("Sum rule on float, where no current flows", told.change("residual"), 0.0, "V"),
        ]
    rise = told.block("resistance_last") - told.block("resistance_first")
    return [
        _item("Resistance beyond the neighbours' under load", 1e3 * told.block("extra_ohm"), 0.0, "mOhm"),
        largest,
        _item("Rise of the instrument's reading", rise, 0.0, "mOhm"),
        _item("Deviation on float, where no current flows", told.change("raw"), 0.0, "V"),
    ]


def _dry(told: _Told) -> list[DiagnosisEvidence]:
    ratio = told.state["resistance_fast"] / told.state["resistance_first"]
    rise = told.block("resistance_fast") / told.block("resistance_first") / float(np.nanmedian(ratio)) - 1.0
    return [
        _item("Rise of resistance over the neighbours'", 100.0 * rise, 0.0, "%"),
        _item("Float voltage against its first weeks", told.block("raw_fast") - told.block("drift_first"), 0.0, "V"),
    ]


def _runaway(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Temperature over the neighbours, on float", told.change("warm"), 0.0, "K"),
        _item("Its voltage has followed", told.change("raw"), 0.0, "V"),
        _item("Float current", told.string("current_fast"), told.string("current_slow"), "A"),
        _item("Room against the last 24 h", told.string("warmth_fast") - told.string("warmth_day"), 0.0, "K"),
    ]


def _imbalance(told: _Told) -> list[DiagnosisEvidence]:
    if told.place is None:
        share = -told.sheet.cells * told.sheet.gas_ct_per_k / told.sheet.gas_cu_per_v
        corrected = told.state["raw_fast"] - share * np.nan_to_num(told.state["warm_fast"])
        return [_item("Spread of the blocks' float voltages", float(np.nanstd(corrected)), 0.16, "V"), _sum_rule(told)]
    return [
        _item("Change of the deviation against 30 days", told.change("raw"), 0.0, "V"),
        _item("Change of temperature against 30 days", told.change("warm"), 0.0, "K"),
        _sum_rule(told),
    ]


def _weak(told: _Told) -> list[DiagnosisEvidence]:
    depth = told.string("event_ah") / told.sheet.rated_capacity_ah
    return [
        _item("Voltage lost against the neighbours in the discharge", told.block("sag_v"), 0.0, "V"),
        _item("Charge taken out", 100.0 * depth, 100.0 * depth, "%"),
    ]


def _voltage_sensor(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Change of the block against its neighbours", told.change("raw"), 0.0, "V"),
        _item(
            "Change of string voltage minus sum of blocks",
            told.string("residual_fast") - told.string("residual_slow"),
            0.0,
            "V",
        ),
    ]


def _temperature_sensor(told: _Told) -> list[DiagnosisEvidence]:
    kelvin = told.change("warm")
    share = -told.sheet.cells * told.sheet.gas_ct_per_k / told.sheet.gas_cu_per_v
    return [
        _item("Change of temperature against the neighbours", kelvin, 0.0, "K"),
        _item("Voltage, which would follow a real warming", told.change("raw"), share * kelvin, "V"),
    ]


def _sign(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item(
            "Current when the voltage last fell or rose with a load",
            told.string("current_1"),
            -told.string("current_1"),
            "A",
        )
    ]


def _offset(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Float current", told.string("current_fast"), told.string("current_slow"), "A"),
        _item("Charger against its set point, a block", told.string("charger_fast"), told.string("charger_slow"), "V"),
    ]


def _stuck(told: _Told) -> list[DiagnosisEvidence]:
    if told.place is None:
        return [_item("Changes of the current that have not come", told.string("current_still"), 0.0, "frames")]
    name = "voltage" if told.block("voltage_still") > LIMITS.still else "temperature"
    unit = "V" if name == "voltage" else "degC"
    return [
        _item(
            f"Changes of the {name} that the neighbours show and the block does not",
            told.block(f"{name}_still"),
            0.0,
            "frames",
        ),
        _item(f"Repeated {name}", told.block(f"{name}_last"), float("nan"), unit),
    ]


def _noisy(told: _Told) -> list[DiagnosisEvidence]:
    name = "voltage" if told.block("voltage_spikes") >= told.block("temperature_spikes") else "temperature"
    return [_item(f"Single samples of {name} that jump", told.block(f"{name}_spikes"), 0.0, "frames")]


def _charger(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Charger against its compensated set point, a block", told.string("charger_fast"), 0.0, "V"),
        _item("The same over the last month", told.string("charger_slow"), 0.0, "V"),
        _item(
            "Change per K over the last days",
            1e3 * told.string("slope_cv") / max(told.string("slope_cc"), 1e-9),
            1e3 * told.sheet.compensation_v_k,
            "mV/K",
        ),
    ]


def _room(told: _Told) -> list[DiagnosisEvidence]:
    return [
        _item("Blocks against the last 24 h", told.string("warmth_fast") - told.string("warmth_day"), 0.0, "K"),
        _item("Median temperature", told.string("warmth_fast"), told.string("warmth_day"), "degC"),
    ]


_EVIDENCE: Final[dict[F, Callable[[_Told], list[DiagnosisEvidence]]]] = {
    F.SHORTED_CELL: _shorted,
    F.OPEN_CELL: _open,
    F.REVERSAL: _reversal,
    F.LOOSE_CONNECTION: _loose,
    F.DRY_OUT: _dry,
    F.THERMAL_RUNAWAY: _runaway,
    F.IMBALANCE: _imbalance,
    F.WEAK_BLOCK: _weak,
    F.VOLTAGE_SENSOR: _voltage_sensor,
    F.TEMPERATURE_SENSOR: _temperature_sensor,
    F.CURRENT_SIGN: _sign,
    F.CURRENT_OFFSET: _offset,
    F.STUCK_SENSOR: _stuck,
    F.NOISY_SENSOR: _noisy,
    F.CHARGER_VOLTAGE: _charger,
    F.ROOM_COOLING: _room,
}
