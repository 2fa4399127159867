"""One look at many strings: what was measured at one time on each, and what is known of them beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from actors.string_robust import Floats, row_median, row_sum
from batterytwin.datasheet import BatteryDatasheet


@dataclass(frozen=True, slots=True)
class StringSheets:
    """What the data sheets say of strings; every column has shape `(n_strings, 1)` unless stated.

    Attributes:
        present: places that hold a block, bool, shape `(n_strings, n_blocks)`; shorter strings are padded.
        count: blocks in the string.
        cells: cells of a block.
        capacity_ah: rated capacity, Ah.
        float_v: set point of a block at 25 degC, V.
        compensation_v_k: its change per K, V/K.
        end_v: voltage of a block at the end of a discharge, V.
        share_v_k: change of a block's share of the float voltage per K above its neighbours, V/K, < 0.
        marker_v: change of that share per unit of ln(gassing current), V, < 0.
        gas_u0_v: voltage of a block at which its gassing current is quoted, V.
        gas_a: that current at 25 degC, A.
        ocv_full_v: rested open-circuit voltage of a full block, V.
        ocv_slope_v: mean change of the open-circuit voltage over the upper half of the charge, V per unit.
        r_per_k: relative change of resistance per K.
        r0_ohm: series resistance of a new block, ohm.
    """

    present: NDArray[np.bool_]
    count: Floats
    cells: Floats
    capacity_ah: Floats
    float_v: Floats
    compensation_v_k: Floats
    end_v: Floats
    share_v_k: Floats
    marker_v: Floats
    gas_u0_v: Floats
    gas_a: Floats
    ocv_full_v: Floats
    ocv_slope_v: Floats
    r_per_k: Floats
    r0_ohm: Floats

    @classmethod
    def of(cls, strings: Sequence[tuple[BatteryDatasheet, int]], n_blocks: int | None = None) -> Self:
        """Sheets of strings.

        Args:
            strings: data sheet and number of blocks of each.
            n_blocks: places to make; None = as many as the longest string has.
        """
        counts = [count for _, count in strings]
        width = n_blocks or max(counts, default=1)
        sheets = [sheet for sheet, _ in strings]
        present = np.arange(width)[np.newaxis, :] < np.array(counts, np.int64).reshape(-1, 1)

        def column(values: Sequence[float]) -> Floats:
            return np.array(values, np.float64).reshape(-1, 1)

        half = [float(np.interp(0.5, sheet.ocv_soc, sheet.ocv_v)) for sheet in sheets]
        return cls(
            present=present,
            count=column(counts),
            cells=column([sheet.cells for sheet in sheets]),
            capacity_ah=column([sheet.rated_capacity_ah for sheet in sheets]),
            float_v=column([sheet.float_v for sheet in sheets]),
            compensation_v_k=column([sheet.compensation_v_k for sheet in sheets]),
            end_v=column([sheet.end_v_cell * sheet.cells for sheet in sheets]),
            share_v_k=column([-sheet.cells * sheet.gas_ct_per_k / sheet.gas_cu_per_v for sheet in sheets]),
            marker_v=column([-sheet.cells / sheet.gas_cu_per_v for sheet in sheets]),
            gas_u0_v=column([sheet.gas_u0_v_cell * sheet.cells for sheet in sheets]),
            gas_a=column([sheet.gas_i0_ma_per_100ah * 1e-5 * sheet.rated_capacity_ah for sheet in sheets]),
            ocv_full_v=column([sheet.ocv_v[-1] for sheet in sheets]),
            ocv_slope_v=column([2.0 * (sheet.ocv_v[-1] - v) for sheet, v in zip(sheets, half, strict=True)]),
            r_per_k=column([sheet.r_temperature_coefficient_per_k for sheet in sheets]),
            r0_ohm=column([sheet.r0_ohm for sheet in sheets]),
        )

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Sheets of some strings."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def set_point_v(self, temperature_c: Floats) -> Floats:
        """Set point of a block at a temperature, V; where that is not known, at 25 degC. Shapes `(n_strings, 1)`."""
        warmth = np.where(np.isnan(temperature_c), 0.0, temperature_c - 25.0)
        point: Floats = self.float_v + self.compensation_v_k * warmth
        return point


@dataclass(frozen=True, slots=True)
class StringFrame:
    """What was measured on strings, one sample time on each. NaN = not measured, or no block in this place.

    Attributes:
        time_us: sample time, us since 1970 UTC, int64, shape `(n_strings,)`.
        voltage_v: of the blocks, V, shape `(n_strings, n_blocks)`.
        temperature_c: of their posts, degC, same shape.
        resistance_mohm: instrument's, mOhm, same shape; NaN in most frames.
        current_a: robust string current, A, > 0 charges, shape `(n_strings,)`.
        string_voltage_v: measured over the whole string, V, shape `(n_strings,)`.
        mode: `StringMode` as reported, int16, shape `(n_strings,)`.
    """

    time_us: NDArray[np.int64]
    voltage_v: Floats
    temperature_c: Floats
    resistance_mohm: Floats
    current_a: Floats
    string_voltage_v: Floats
    mode: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.time_us)


def robust_current(block_current_a: Floats) -> Floats:
    """The one current of each string: the median of what is reported for its blocks, shape `(n_strings,)`.

    Where the blocks have sensors of their own, noise shrinks and a wrong one does no harm; where they carry the
    string's reading, it is that.
    """
    current: Floats = row_median(block_current_a)[:, 0]
    return current


@dataclass(frozen=True, slots=True)
class Deviations:
    """Blocks beside their neighbours; shape `(n_strings, n_blocks)` unless stated.

    Attributes:
        median_v: median voltage, V, shape `(n_strings, 1)`, as `median_c`.
        median_c: median temperature, degC.
        raw_v: voltage minus median, V.
        warm_k: temperature minus median, K.
        corrected_v: voltage minus median, both as they would be at the median temperature, V.
        block_sum_v: sum of the blocks, V, shape `(n_strings,)`; NaN where one is missing.
    """

    median_v: Floats
    median_c: Floats
    raw_v: Floats
    warm_k: Floats
    corrected_v: Floats
    block_sum_v: Floats


def deviations(frame: StringFrame, sheets: StringSheets) -> Deviations:
    """Compares blocks with their string's median.

    On float the blocks share the string's voltage by their gassing (Tafel): V_i = n (u0 + (ln I - ln q_i - cT (T_i -
    25)) / cU), so a block that is 1 K warmer shows 6 cT / cU = 38 mV less, which is added back. Under current the
    voltage does not depend on temperature like that; there `raw_v` is what counts.
    """
    median_v, median_c = row_median(frame.voltage_v), row_median(frame.temperature_c)
    raw_v, warm_k = frame.voltage_v - median_v, frame.temperature_c - median_c
    known_k = np.where(np.isnan(warm_k), 0.0, warm_k)
    corrected_v = frame.voltage_v - sheets.share_v_k * known_k
    return Deviations(
        median_v=median_v,
        median_c=median_c,
        raw_v=raw_v,
        warm_k=warm_k,
        corrected_v=corrected_v - row_median(corrected_v),
        block_sum_v=row_sum(frame.voltage_v, sheets.present),
    )
