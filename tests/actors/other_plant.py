"""A little battery plant that is not the filter's model: for testing its estimates against a truth.

Acid in two wells (plates and bulk) gives rate dependence; the overpotential is a hyperbolic arcsine of the current; the
charger is a caricature of constant current, constant voltage and a tail that falls with the charge still missing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONGEST_STEP_S = 15.0


@dataclass
class Record:
    """What sensors saw of some batteries and what was true, shape (n_rows, n_batteries)."""

    time_s: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    current_a: NDArray[np.float64]
    temperature_c: NDArray[np.float64]
    soc: NDArray[np.float64]
    mode: NDArray[np.str_]
    """Of the plant: float, discharge, recharge or rest, shape (n_rows,)."""


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`np.clip` between 0 and 1, in a fifth of its time: this plant takes ten thousands of small steps."""
    shares: NDArray[np.float64] = np.minimum(np.maximum(values, 0.0), 1.0)
    return shares


def record(
    plan: list[tuple[str, float, float]],
    *,
    n: int = 24,
    capacity_ah: float = 120.0,
    cells: int = 6,
    period_s: float = 60.0,
    seed: int = 1,
    first_soc: float = 1.0,
) -> Record:
    """Runs a plan of (mode, hours, current): current_a < 0 discharges, > 0 limits the recharge."""
    rng = np.random.default_rng(seed)
    scale = cells / 6
    capacity = capacity_ah * rng.normal(1.0, 0.04, n)
    ocv_shift_v = rng.normal(0.0, 0.02, n) * scale
    ohm = 0.0040 * scale * 120.0 / capacity_ah * rng.lognormal(0.0, 0.15, n)
    float_v = 13.65 * scale + rng.normal(0.0, 0.145, n) * scale
    bulk, plates, surface_v = np.full(n, first_soc), np.full(n, first_soc), np.zeros(n)
    rows: list[tuple[NDArray[np.float64], ...]] = []
    modes: list[str] = []
    clock, due = 0.0, 0.0
    step_s = min(period_s, _LONGEST_STEP_S)
    for mode, hours, limit_a in plan:
        for _ in range(round(hours * 3600 / step_s)):
            soc = 0.85 * bulk + 0.15 * plates
            if mode == "recharge":
                tail_a = capacity_ah * (1.0 - soc) / 2.5 + 0.00017 * capacity_ah
                current = np.full(n, min(limit_a, tail_a.mean()))
            else:
                current = np.full(n, {"discharge": limit_a, "float": 0.00017 * capacity_ah, "rest": 0.0}[mode])
            stored = np.where(current > 0, current * _share((1.0 - soc) / 0.02), current)
            flow = (bulk - plates) * step_s / 1000.0
            bulk = bulk - flow * 0.15
            plates = plates + flow * 0.85 + stored * step_s / 3600 / capacity / 0.15 * 0.5
            bulk = bulk + stored * step_s / 3600 / capacity / 0.85 * 0.5
            bulk, plates = _share(bulk), _share(plates)
            open_v = scale * (11.55 + 1.62 * plates - 0.28 * plates**2 - 0.35 * np.exp(-plates / 0.04)) + ocv_shift_v
            kinetic_v = 0.020 * scale * np.arcsinh(current / (0.05 * capacity_ah))
            charging = mode in ("recharge", "float")
            target_v = 0.35 * scale if charging else 0.0
            tau_s = {"recharge": 900.0, "float": 900.0, "rest": 9000.0, "discharge": 30.0}[mode]
            surface_v = surface_v + (target_v - surface_v) * (1.0 - np.exp(-step_s / tau_s))
            voltage = open_v + current * ohm + kinetic_v + surface_v
            if mode == "float":
                voltage = float_v
            elif mode == "recharge":
                voltage = np.minimum(voltage + 0.4 * scale * soc**4, 13.65 * scale)
            clock += step_s
            if clock >= due:
                due = clock + period_s
                rows.append((np.array(clock), voltage, current, 0.85 * bulk + 0.15 * plates))
                modes.append(mode)
    time_s, voltage_v, current_a, soc_true = (np.array(c) for c in zip(*rows, strict=True))
    return Record(
        time_s=time_s,
        voltage_v=voltage_v + rng.normal(0.0, 0.01 * scale, voltage_v.shape),
        current_a=current_a + rng.normal(0.0, 0.0005 * capacity_ah, current_a.shape),
        temperature_c=26.0 + rng.normal(0.0, 0.3, voltage_v.shape),
        soc=soc_true,
        mode=np.array(modes),
    )
