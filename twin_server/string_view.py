"""One string as it is now: its newest whole frame, what its blocks say of each other, and how long it lasts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.autonomy import BlockEstimates, StringAutonomy, string_autonomy, usual_load_w
from actors.string_frame import Deviations, StringFrame, StringSheets, deviations, robust_current
from actors.string_robust import Floats, row_median
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.diagnosis import Diagnosis, FaultClass
from batterytwin.telemetry import Rows, mode_of
from twin_server.string_table import StringPresent

_LOAD_C: Final = 0.02
"""Discharge current that counts as a load, multiples of capacity per hour."""


@dataclass(frozen=True, slots=True)
class StringView:
    """One string; columns of blocks have shape `(n_blocks,)`. NaN = not known.

    Attributes:
        as_of_us: sample time of the newest whole frame, us; 0 = none yet.
        mode: `StringMode` as reported.
        current_a: robust string current, A.
        voltage_v: measured over the whole string, V.
        block_sum_v: sum of the blocks, V.
        set_point_v: compensated set point of the charger, V.
        voltage_deviation_v: from the median, corrected for temperature, V.
        temperature_deviation_k: from the median, K.
        resistance_ratio: instrument resistance over the median.
    """

    as_of_us: int
    mode: int
    current_a: float
    voltage_v: float
    block_sum_v: float
    set_point_v: float
    voltage_deviation_v: Floats
    temperature_deviation_k: Floats
    resistance_ratio: Floats

    @property
    def load_w(self) -> float:
        """Power that the string gives, W; NaN where that is not known."""
        return -self.current_a * self.block_sum_v


def view_string(rows: Rows, present: StringPresent, sheet: BatteryDatasheet) -> StringView:
    """Views a string by the newest rows of its blocks.

    Args:
        rows: newest values of its twins, `LIVE_DTYPE`, shape `(n_blocks,)`.
        present: what was measured over the whole string.
        sheet: data sheet of its blocks.
    """
    as_of_us = int(rows["as_of_us"].max(initial=0))
    at_once = rows["as_of_us"] == as_of_us
    whole = bool(at_once.all()) and as_of_us > 0
    frame = frame_of(rows, present, at_once)
    sheets = StringSheets.of([(sheet, len(rows))])
    found: Deviations = deviations(frame, sheets)
    resistance = rows["internal_resistance_mohm"].astype(np.float64)[np.newaxis]
    return StringView(
        as_of_us=as_of_us if whole else 0,
        mode=int(frame.mode[0]),
        current_a=float(frame.current_a[0]),
        voltage_v=float(frame.string_voltage_v[0]),
        block_sum_v=float(found.block_sum_v[0]),
        set_point_v=float((sheets.set_point_v(found.median_c) * sheets.count)[0, 0]),
        voltage_deviation_v=found.corrected_v[0],
        temperature_deviation_k=found.warm_k[0],
        resistance_ratio=(resistance / row_median(resistance))[0],
    )


def frame_of(rows: Rows, present: StringPresent, at_once: NDArray[np.bool_]) -> StringFrame:
    """The newest frame of one string; blocks that have not reported at its time are unknown in it."""
    as_of_us = int(rows["as_of_us"].max(initial=0))

    def column(name: str) -> Floats:
        return np.where(at_once, rows[name].astype(np.float64), np.nan)[np.newaxis]

    same = present.as_of_us == as_of_us and as_of_us > 0
    modes = mode_of(rows["status"][at_once])
    mode = present.mode if same else int(modes.max(initial=0))
    return StringFrame(
        time_us=np.array([as_of_us], np.int64),
        voltage_v=column("voltage_v"),
        temperature_c=column("temperature_c"),
        resistance_mohm=column("internal_resistance_mohm"),
        current_a=robust_current(column("current_a")),
        string_voltage_v=np.array([present.voltage_v if same else np.nan]),
        mode=np.array([mode], np.int16),
    )


def view_autonomy(
    view: StringView, rows: Rows, sheet: BatteryDatasheet, diagnoses: tuple[Diagnosis, ...], load_w: float | None
) -> tuple[StringAutonomy | None, bool]:
    """How long a string can carry a load, and whether it is the one that it carries now.

    Args:
        view: the string.
        rows: newest values of its twins with sigmas grown by age, `LIVE_DTYPE`, shape `(n_blocks,)`.
        sheet: data sheet of its blocks.
        diagnoses: what is wrong with it: a shorted cell's voltage is missing, an open string carries nothing.
        load_w: power asked for, W; None = the present one, or that of a discharge in one hour.
    """
    carries = view.current_a < -_LOAD_C * sheet.rated_capacity_ah and not np.isnan(view.load_w)
    present_load = load_w is None and carries
    power_w = load_w if load_w is not None else view.load_w if carries else usual_load_w(sheet, len(rows))
    open_blocks = [d.positions for d in diagnoses if d.fault == FaultClass.OPEN_CELL]
    if open_blocks:
        return StringAutonomy(power_w, 0.0, 0.0, 0.0, next(iter(open_blocks[0]), 0)), present_load
    cells_lost = np.zeros(len(rows))
    for diagnosis in diagnoses:
        if diagnosis.fault == FaultClass.SHORTED_CELL:
            for position in diagnosis.positions:
                deficit = -view.voltage_deviation_v[position] / (view.block_sum_v / len(rows) / sheet.cells)
                cells_lost[position] = np.clip(np.rint(np.nan_to_num(deficit, nan=1.0)), 1, sheet.cells - 1)

    def column(name: str) -> Floats:
        return rows[name].astype(np.float64)

    blocks = BlockEstimates(
        soc=column("soc"),
        soc_sigma=column("soc_sigma"),
        soh_capacity=column("soh_capacity"),
        soh_sigma=column("soh_capacity_sigma"),
        r0_ohm=column("r0_ohm"),
        r0_sigma_ohm=column("r0_sigma_ohm"),
        temperature_c=column("temperature_c"),
        cells_lost=cells_lost,
    )
    return string_autonomy(blocks, sheet, power_w), present_load
