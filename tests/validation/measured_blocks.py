"""Measured blocks as records; current > 0 charges, whatever the file's sign."""

import csv
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.actors.measured_sets import discharge_of_17_ah
from tests.validation.open_loop import Floats, Record

AGM_9AH_BLOCKS: Final = ("C01", "C02", "C05", "C07", "C08", "C10", "C12")
HELD_9AH_BLOCKS: Final = ("C01", "C02", "C05")
DISCHARGED_9AH_BLOCKS: Final = ("A05", "A06", "A07", "A08", "A09", "A10")
AMPERES_OF_17_AH: Final = (1, 2, 3)
_ROOM_C: Final = 25.0
"""The 9 Ah sets were measured in a room of about this temperature, without a column of it."""
_LOADED_A: Final = -0.3
_LABEL_AH: Final = 9.0
"""By which the second set counts its states of charge."""
_FULL_AH: Final = 5.0
"""A discharge that gave less had begun part-charged."""

Opener = Callable[[Path, Sequence[str]], list[Floats]]


def columns(path: Path, names: Sequence[str]) -> list[Floats]:
    """Numeric columns of a CSV file, gzipped or not; NaN = empty or no number."""
    with gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as f:
        rows = list(csv.DictReader(f))
    return [np.array([_number(row.get(name)) for row in rows]) for name in names]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def full_discharges_of_9_ah(data: Path, block: str, open_columns: Opener = columns) -> list[Record]:
    """Discharges of one block at C/5 from full to 10.5 V; each begins a moment after the load came on.

    Args:
        data: folder of the measured data.
        block: one of `AGM_9AH_BLOCKS`.
        open_columns: reads a file; a test can thereby see which.
    """
    path = data / "uct-agm-soh" / "dod_s00" / f"{block}.csv"
    time_s, loop, voltage_v, current_a = open_columns(path, ("t_s", "loop", "voltage_v", "current_a"))
    loops = [np.flatnonzero((loop == number) & (current_a < _LOADED_A)) for number in (1.0, 2.0)]
    records = [
        _record(f"{block}/{number}", time_s, voltage_v, current_a, rows) for number, rows in enumerate(loops, start=1)
    ]
    return [record for record in records if record.taken_ah[-1] > _FULL_AH]


def float_hold_of_9_ah(data: Path, block: str) -> Record:
    """Five minutes of rest at 13.3 V, then an hour at 13.7 V."""
    path = data / "uct-agm-soh" / "float_s00" / f"{block}.csv"
    time_s, voltage_v, current_a = columns(path, ("t_s", "voltage_v", "current_a"))
    return _record(block, time_s, voltage_v, current_a, np.arange(time_s.size))


def cycles_of_9_ah(data: Path, block: str) -> Record:
    """Two loops of discharge, rest, charge, rest, float hold and rest."""
    path = data / "uct-agm-soh" / "dod_s00" / f"{block}.csv"
    time_s, voltage_v, current_a = columns(path, ("t_s", "voltage_v", "current_a"))
    return _record(block, time_s, voltage_v, current_a, np.arange(time_s.size))


def rested_voltages_of_9_ah(data: Path) -> tuple[Floats, Floats]:
    """Charge taken out of each of ten blocks, Ah, and their rested open-circuit voltages, V."""
    soc, ocv_v = columns(data / "uct-agm-soc" / "ocv_soc_batch_b.csv", ("estimated_soc", "ocv_v"))
    return (1.0 - soc) * _LABEL_AH, ocv_v


def partial_discharge_of_9_ah(data: Path, block: str) -> Record:
    """The discharge of C/10, one second apart, that ends a partial discharge of the second set of blocks."""
    path = data / "uct-agm-soc" / "varied_discharge" / f"UCT_AST9AH_{block}_X.csv.gz"
    time_s, voltage_v, current_a = columns(path, ("t_s", "voltage_v", "current_a"))
    return _record(block, time_s, voltage_v, current_a, np.flatnonzero(current_a < _LOADED_A)[::30])


def discharge_from_full_of_17_ah(data: Path, amperes: int) -> Record:
    """The 12 V 17 Ah block under its load, with the temperature in between filled in."""
    measured = discharge_of_17_ah(data, amperes)
    known = np.isfinite(measured.temperature_c)
    temperature_c = np.interp(measured.time_s, measured.time_s[known], measured.temperature_c[known])
    rows = np.flatnonzero(np.isfinite(measured.voltage_v) & (measured.current_a < _LOADED_A))
    # the first row averages over the moment at which the load came on
    return _record("17 Ah", measured.time_s, measured.voltage_v, measured.current_a, rows[1:], temperature_c)


def _record(  # noqa: PLR0917  # the columns of a file
    block: str,
    time_s: Floats,
    voltage_v: Floats,
    current_a: Floats,
    rows: NDArray[np.intp],
    temperature_c: Floats | None = None,
) -> Record:
    """Rows of a file as a record whose time counts from one step before its first row."""
    step_s = float(np.median(np.diff(time_s[rows])))
    room_c = np.full(time_s.size, _ROOM_C) if temperature_c is None else temperature_c
    return Record(block, time_s[rows] - time_s[rows[0]] + step_s, voltage_v[rows], current_a[rows], room_c[rows])
