"""Seven 9 Ah AGM blocks, each judged with a data sheet found from the other six."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from tests.validation.capacity_limit import bound_percent, regression_error_percent
from tests.validation.closed_loop import Twin
from tests.validation.identify_datasheet import Identified, identify
from tests.validation.measured_blocks import AGM_9AH_BLOCKS, full_discharges_of_9_ah
from tests.validation.open_loop import Floats, Record, expected_voltages
from tests.validation.scoring import mean_absolute, root_mean_square
from tests.validation.section import Context
from tests.validation.simple_curve import best_single_curve_error_v, curve_error_v, mean_curve

_GENERIC = BatteryDatasheet(model="GENERIC-9", rated_capacity_ah=9.0, cells=6)
_WRONG_START = 0.2
_JUDGED_AFTER = 0.1
_SEEN = 0.3


@dataclass(frozen=True, slots=True)
class Fold:
    """A block to judge and what is known from the others.

    Attributes:
        judged: discharges of the block, none of which was used.
        others: discharges of the other blocks.
        known: found with the capacity of each of the others known.
        typical: the one sheet that explains all the others best, whatever their capacities.
    """

    block: str
    judged: Sequence[Record]
    others: Sequence[Record]
    known: Identified
    typical: Identified

    @property
    def capacities_ah(self) -> Floats:
        """Mean capacity delivered by each of the other blocks."""
        blocks = sorted({block_of(record) for record in self.others})
        return np.array([np.mean([r.taken_ah[-1] for r in self.others if block_of(r) == b]) for b in blocks])


def block_of(record: Record) -> str:
    """The block that a discharge belongs to."""
    return record.block.split("/", maxsplit=1)[0]


def fold(discharges: Mapping[str, Sequence[Record]], block: str) -> Fold:
    """Leaves one block out."""
    others = [record for other, records in discharges.items() if other != block for record in records]
    alike = [replace(record, block="any") for record in others]
    return Fold(block, discharges[block], others, identify(others, _GENERIC), identify(alike, _GENERIC))


def measure(context: Context) -> Mapping[str, float]:
    """All figures; each is the mean over blocks of the mean over a block's discharges."""
    blocks = AGM_9AH_BLOCKS[::3] if context.quick else AGM_9AH_BLOCKS
    discharges = {block: full_discharges_of_9_ah(context.data, block) for block in AGM_9AH_BLOCKS}
    figures: list[Mapping[str, float]] = []
    for block in blocks:
        left_out = fold(discharges, block)
        found = _voltage(left_out) | _soc(left_out) | _capacity(left_out)
        known_mv, unknown_mv = found["voltage_known_capacity_mv"], found["voltage_unknown_capacity_mv"]
        context.say(f"{block}: {known_mv:.0f} mV with its capacity, {unknown_mv:.0f} mV without")
        figures.append(found)
    values = {f"9ah.{name}": mean_absolute([f[name] for f in figures]) for name in figures[0]}
    values["9ah.voltage_known_capacity_worst_block_mv"] = max(f["voltage_known_capacity_mv"] for f in figures)
    values["9ah.voltage_unknown_capacity_worst_block_mv"] = max(f["voltage_unknown_capacity_mv"] for f in figures)
    last = [records[-1] for records in discharges.values()]
    values["9ah.limit_one_curve_known_capacity_mv"] = 1e3 * best_single_curve_error_v(last, by_share=True)
    values["9ah.limit_one_curve_unknown_capacity_mv"] = 1e3 * best_single_curve_error_v(last, by_share=False)
    return values


def _voltage(fold: Fold) -> dict[str, float]:
    """Open loop, from full: V expected with its capacity known and not, and what a simple curve would expect."""
    curve = mean_curve(fold.others)
    sheets = [fold.known.of_block(float(record.taken_ah[-1])) for record in fold.judged]
    mean_ah = float(fold.capacities_ah.mean())
    return {
        "voltage_known_capacity_mv": 1e3 * _error_v(sheets, fold.judged),
        "voltage_unknown_capacity_mv": 1e3 * _error_v([fold.typical.sheet] * len(fold.judged), fold.judged),
        "voltage_generic_sheet_known_capacity_mv": 1e3
        * _error_v([_generic(float(record.taken_ah[-1])) for record in fold.judged], fold.judged),
        "simple_curve_known_capacity_mv": 1e3
        * mean_absolute([curve_error_v(curve, r, float(r.taken_ah[-1])) for r in fold.judged]),
        "simple_curve_mean_capacity_mv": 1e3 * mean_absolute([curve_error_v(curve, r, mean_ah) for r in fold.judged]),
    }


def _generic(capacity_ah: float) -> BatteryDatasheet:
    return BatteryDatasheet(model="GENERIC", rated_capacity_ah=capacity_ah, cells=6)


def _error_v(sheets: Sequence[BatteryDatasheet], records: Sequence[Record]) -> float:
    expected = expected_voltages(sheets, records)
    return mean_absolute([np.abs(v - record.voltage_v).mean() for v, record in zip(expected, records, strict=True)])


def _true_soc(fold: Fold, record: Record) -> Floats:
    """1 - charge taken over the capacity, which is that delivered times the others' ratio of the two."""
    return np.asarray(1.0 - record.taken_ah / (fold.known.capacity_per_ah * record.taken_ah[-1]))


def _soc(fold: Fold) -> dict[str, float]:
    """Closed loop from a full battery that the twin takes for 20 points emptier; its capacity is not known either."""
    mean_ah = float(fold.capacities_ah.mean())
    errors: dict[str, list[Floats]] = {"unknown": [], "known": []}
    within = []
    for record in fold.judged:
        for kind, capacity_ah in (("unknown", mean_ah), ("known", float(record.taken_ah[-1]))):
            twin = Twin(fold.known.of_block(capacity_ah), full=True)
            twin.believe(1.0 - _WRONG_START, _WRONG_START)
            if kind == "unknown":
                twin.believe_capacity(_spread(fold))
            told = twin.see(record)
            judged = record.taken_ah > _JUDGED_AFTER * record.taken_ah[-1]
            error = (told["soc"] - _true_soc(fold, record))[judged]
            errors[kind].append(error)
            if kind == "unknown":
                within.append(np.mean(np.abs(error) < 2.0 * told["soc_sigma"][judged]))
    return {
        "soc_rmse_points": 100.0 * root_mean_square(np.concatenate(errors["unknown"])),
        "soc_rmse_known_capacity_points": 100.0 * root_mean_square(np.concatenate(errors["known"])),
        "soc_within_2_sigma_percent": 100.0 * float(np.mean(within)),
    }


def _spread(fold: Fold) -> float:
    return float(fold.capacities_ah.std(ddof=1) / fold.capacities_ah.mean())


def _capacity(fold: Fold) -> dict[str, float]:
    """Capacity believed after the first 30 % of a discharge from full, and what the others alone would have said."""
    mean_ah = float(fold.capacities_ah.mean())
    errors, before, within = [], [], []
    for record in fold.judged:
        true_ah = float(record.taken_ah[-1])
        twin = Twin(fold.known.of_block(mean_ah), full=True)
        twin.believe_capacity(_spread(fold))
        told = twin.see(record.rows(record.taken_ah <= _SEEN * true_ah))
        ratio = told["soh_capacity"][-1] * mean_ah / true_ah
        errors.append(ratio - 1.0)
        before.append(mean_ah / true_ah - 1.0)
        within.append(abs(ratio - 1.0) < 2.0 * told["soh_capacity_sigma"][-1])
    return {
        "capacity_after_30_percent_mae_percent": 100.0 * mean_absolute(errors),
        "capacity_before_mae_percent": 100.0 * mean_absolute(before),
        "capacity_within_2_sigma_percent": 100.0 * float(np.mean(within)),
        "limit_capacity_cramer_rao_percent": bound_percent(fold.known, fold.others, _spread(fold), _SEEN),
        "simple_line_capacity_mae_percent": regression_error_percent(fold.others, fold.judged, _SEEN),
    }
