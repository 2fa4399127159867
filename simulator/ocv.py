"""Open-circuit voltage of the plant: a smooth curve through the data sheet's points."""

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from simulator.parameters import Floats

GRID_POINTS = 513


def ocv_grid(datasheet: BatteryDatasheet) -> Floats:
    """Open-circuit voltage of the block at 25 degC on an even grid of charge 0...1, V, `(GRID_POINTS,)`.

    Cubic pieces with Steffen's slopes (1990): smooth, and rising wherever the points rise.
    """
    x, y = np.array(datasheet.ocv_soc), np.array(datasheet.ocv_v)
    step = np.diff(x)
    secant = np.diff(y) / step
    slopes = np.concatenate([secant[:1], np.empty(len(x) - 2), secant[-1:]])
    parabola = (secant[:-1] * step[1:] + secant[1:] * step[:-1]) / (step[:-1] + step[1:])
    slopes[1:-1] = np.minimum(2.0 * np.minimum(secant[:-1], secant[1:]), parabola)
    grid = np.linspace(0.0, 1.0, GRID_POINTS)
    piece = np.clip(np.searchsorted(x, grid, side="right") - 1, 0, len(step) - 1)
    t, h = (grid - x[piece]), step[piece]
    curve = (slopes[piece] + slopes[piece + 1] - 2.0 * secant[piece]) / h**2
    bend = (3.0 * secant[piece] - 2.0 * slopes[piece] - slopes[piece + 1]) / h
    values: Floats = y[piece] + t * (slopes[piece] + t * (bend + t * curve))
    return values
