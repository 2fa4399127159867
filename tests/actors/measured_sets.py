"""Measured data that lie beside the checkout, as columns; current > 0 charges, whatever the file's sign."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass
class Measured:
    """Columns of one file, shape (n_rows,); NaN = not measured at that time."""

    time_s: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]
    temperature_c: NDArray[np.float64]

    def every(self, period_s: float) -> "Measured":
        """Rows at least a period apart."""
        kept, last = [], -np.inf
        for k, time_s in enumerate(self.time_s):
            if time_s - last >= period_s - 1e-6:
                kept.append(k)
                last = time_s
        return Measured(*(c[kept] for c in (self.time_s, self.voltage_v, self.current_a, self.temperature_c)))


def _columns(path: Path, names: tuple[str, ...]) -> list[NDArray[np.float64]]:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [np.array([float(row[name]) if row.get(name) else np.nan for row in rows]) for name in names]


def charge_of_100_ah(data: Path) -> Measured:
    """12 V 100 Ah AGM: CC-CV charge from empty, then rest; 5 s."""
    path = data / "universal-ub121000-100ah" / "charge_and_rests.csv"
    return Measured(*_columns(path, ("t_s", "voltage_v", "current_a", "battery_temp_c")))


def discharge_of_17_ah(data: Path, amperes: int) -> Measured:
    """12 V 17 Ah VRLA: one discharge at constant current; the file counts discharge as positive."""
    path = data / "bboxx-17ah-cc-discharge" / f"discharge_{amperes}a.csv"
    with path.open(encoding="utf-8") as file:
        times = np.array([datetime.fromisoformat(row["time"]).timestamp() for row in csv.DictReader(file)])
    voltage_v, current_a, temperature_c = _columns(path, ("voltage", "current", "temperature"))
    _, rows = np.unique(times, return_index=True)
    return Measured((times - times.min())[rows], voltage_v[rows], -current_a[rows], temperature_c[rows])


def cycles_of_9_ah(data: Path, block: str) -> Measured:
    """12 V 9 Ah AGM: two loops of C/5 discharge, rest, CC-CV charge, rest, float hold; 30 s."""
    path = data / "uct-agm-soh" / "dod_s00" / f"{block}.csv"
    time_s, voltage_v, current_a = _columns(path, ("t_s", "voltage_v", "current_a"))
    return Measured(time_s, voltage_v, current_a, np.full(time_s.size, np.nan))
