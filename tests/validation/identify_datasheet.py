"""Finds a data sheet from discharges: open-circuit voltage, resistances and time constants, and how they age.

The model is the filter's own, run without being shown a voltage, so what is found is exactly what a user would write
into a data sheet file. Each quantity has a prior, that of the sheet given: what the discharges do not tell stays there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from actors.ocv import OCV_GRID_SIZE, resample_ocv
from batterytwin.datasheet import BatteryDatasheet
from tests.validation.open_loop import Floats, Record, expected_voltages

_SOC_KNOTS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_OCV_LEVEL_SIGMA_V_CELL: Final = 0.1 / 6
_OCV_STEP_SIGMA: Final = 0.5
"""Of the logarithm of the voltage between two knots."""
_CAPACITY_SIGMA: Final = 0.03
_LOG_SIGMA: Final[Mapping[str, float]] = {
    name: sigma
    for name, sigma in {
        "r0_ohm": 0.5,
        "r1_ohm": 0.7,
        "tau1_s": 0.7,
        "r2_ohm": 0.7,
        "tau2_s": 0.7,
        "kinetic_v_cell": 0.3,
        "exchange_current_c": 0.7,
        "available_share": 0.4,
        "diffusion_s": 0.7,
    }.items()
    if name in BatteryDatasheet.model_fields
}
_AGEING_SIGMA: Final = 0.7
_MODEL_SIGMA_V_CELL: Final = 0.02 / 6
_RESISTANCE_SPREAD: Final = 0.1
_STEP: Final = 0.02
"""Of a derivative, in prior sigmas: the filter answers in single precision."""
_ROBUST_ABOVE: Final = 0.5
"""Weighted misses over their sigma from which they count as absolute values."""
_ROWS: Final = 60
_INDEPENDENT_ROWS: Final = 20.0
"""Errors of a model last: the rows of one discharge count as no more than this."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A data sheet, and what it took.

    Attributes:
        sheet: of a block of the mean capacity.
        capacity_per_ah: rated capacity over what a block delivers in the discharges used.
        sigma: of each parameter over its prior sigma: 1 = the discharges told nothing of it.
        fit_mae_v: error on the discharges used, V.
    """

    sheet: BatteryDatasheet
    capacity_per_ah: float
    sigma: Mapping[str, float]
    fit_mae_v: float

    def of_block(self, delivered_ah: float) -> BatteryDatasheet:
        """The sheet of a block that delivers this much."""
        return aged(self.sheet, self.capacity_per_ah * delivered_ah)


def aged(sheet: BatteryDatasheet, capacity_ah: float) -> BatteryDatasheet:
    """The sheet of a block of the same model with another capacity, and the resistance that goes with it."""
    lost_share = (1.0 - capacity_ah / sheet.rated_capacity_ah) / (1.0 - sheet.end_of_life_soh)
    grown = max(1.0 + sheet.resistance_gain_at_end_of_life * lost_share, 0.2)
    return sheet.model_copy(
        update={
            "rated_capacity_ah": capacity_ah,
            "r0_ohm": sheet.r0_ohm * grown,
            "r1_ohm": sheet.r1_ohm * grown,
            "r2_ohm": sheet.r2_ohm * grown,
        }
    )


def identify(records: Sequence[Record], prior: BatteryDatasheet) -> Identified:
    """Finds the data sheet that explains discharges from full, each taken until the block was empty.

    Args:
        records: discharges at any constant currents. Those of one `block` share a capacity: the most it delivered.
        prior: cells, and the values from which the discharges may lead away. Its capacity does not matter.
    """
    thinned = [_thinned(record) for record in records]
    delivered: dict[str, float] = {}
    for record in records:
        delivered[record.block] = max(delivered.get(record.block, 0.0), float(record.taken_ah[-1]))
    mean_ah = float(np.mean(list(delivered.values())))
    names, sigma = _unknowns(prior, aged_blocks=len(delivered) > 1)
    start = _scaled_to(prior, mean_ah)
    noise_v = _MODEL_SIGMA_V_CELL * prior.cells
    weights = np.concatenate([np.full(r.time_s.size, np.sqrt(_INDEPENDENT_ROWS / r.time_s.size)) for r in thinned])

    def at(z: NDArray[np.float64]) -> _Point:
        return _point(dict(zip(names, z * sigma, strict=True)), start, mean_ah)

    def sheets_at(point: _Point) -> list[BatteryDatasheet]:
        return [aged(point.sheet, point.capacity_per_ah * delivered[record.block]) for record in thinned]

    def misses(*points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected less measured, V, one row a point; all in one pass through the filter."""
        sheets = [sheet for z in points for sheet in sheets_at(at(z))]
        expected = expected_voltages(sheets, thinned * len(points))
        measured = np.concatenate([record.voltage_v for record in thinned])
        return np.asarray(np.concatenate(expected).reshape(len(points), -1) - measured)

    def residuals(*points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([misses(*points) * weights / noise_v, np.array(points)], axis=1)

    def jacobian(z: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = residuals(z, *(z + _STEP * np.eye(z.size)))
        return np.asarray((rows[1:] - rows[0]).T / _STEP)

    found = least_squares(
        lambda z: residuals(z)[0],
        np.zeros(len(names)),
        jac=jacobian,
        loss=lambda squares: _loss(squares, weights.size),
        f_scale=_ROBUST_ABOVE,
        max_nfev=40,
        xtol=1e-4,
        ftol=1e-4,
    )
    best = at(found.x)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    return Identified(
        _with_spreads(best.sheet, thinned, misses(found.x)[0], list(delivered.values())),
        best.capacity_per_ah,
        dict(zip(names, np.sqrt(np.diag(covariance)).tolist(), strict=True)),
        float(np.abs(misses(found.x)).mean()),
    )


def _with_spreads(
    sheet: BatteryDatasheet, records: Sequence[Record], missed_v: NDArray[np.float64], delivered_ah: Sequence[float]
) -> BatteryDatasheet:
    """Adds how far one block may be from the sheet: by the mean miss of each discharge, and by their capacities.

    A constant current does not tell a resistance from a level, so the mean misses hold the spread of both; they are
    counted once, as one of the table, and resistances keep no more than blocks of one make commonly differ by.
    """
    ends = np.cumsum([record.time_s.size for record in records])
    offsets_v = [rows.mean() for rows in np.split(missed_v, ends[:-1])]
    spreads = {"ocv_spread_v_cell": max(float(np.sqrt(np.mean(np.square(offsets_v)))) / sheet.cells, 0.001)}
    if len(delivered_ah) > 1:
        spreads["resistance_spread"] = _RESISTANCE_SPREAD
        spreads["capacity_spread"] = float(np.std(delivered_ah, ddof=1) / np.mean(delivered_ah))
    return sheet.model_copy(update={k: v for k, v in spreads.items() if k in BatteryDatasheet.model_fields})


def _loss(squares: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
    """Square for small misses, absolute for large ones, as a block with a weak cell has; square for the prior."""
    loss = np.stack([squares, np.ones_like(squares), np.zeros_like(squares)])
    root = np.sqrt(1.0 + squares[:n_rows])
    loss[:, :n_rows] = 2.0 * (root - 1.0), 1.0 / root, -0.5 / root**3
    return loss


def _thinned(record: Record) -> Record:
    """Rows at even distances, the first and last among them."""
    return record.rows(np.unique(np.linspace(0, record.time_s.size - 1, _ROWS).astype(np.intp)))


def _unknowns(prior: BatteryDatasheet, *, aged_blocks: bool) -> tuple[list[str], Floats]:
    """Names and prior sigmas of what is looked for; all are deviations from the prior."""
    sigmas = {"capacity": _CAPACITY_SIGMA, "ocv_level": _OCV_LEVEL_SIGMA_V_CELL * prior.cells}
    sigmas |= {f"ocv_step_{k}": _OCV_STEP_SIGMA for k in range(1, len(_SOC_KNOTS))}
    sigmas |= _LOG_SIGMA
    if aged_blocks:
        sigmas["resistance_gain_at_end_of_life"] = _AGEING_SIGMA
    return list(sigmas), np.array(list(sigmas.values()))


class _Point(NamedTuple):
    """What one set of the unknowns means."""

    capacity_per_ah: float
    sheet: BatteryDatasheet


def _scaled_to(prior: BatteryDatasheet, capacity_ah: float) -> BatteryDatasheet:
    """The prior for another size: resistances go with one over the capacity."""
    scale = prior.rated_capacity_ah / capacity_ah
    resistances = {name: getattr(prior, name) * scale for name in ("r0_ohm", "r1_ohm", "r2_ohm")}
    return prior.model_copy(update={"rated_capacity_ah": capacity_ah} | resistances)


def _point(deviation: Mapping[str, float], prior: BatteryDatasheet, delivered_ah: float) -> _Point:
    capacity_per_ah = float(np.exp(deviation["capacity"]))
    grid = resample_ocv(prior.ocv_soc, prior.ocv_v)
    before = np.interp(_SOC_KNOTS, np.linspace(0.0, 1.0, OCV_GRID_SIZE), grid)
    steps = [deviation[f"ocv_step_{k}"] for k in range(1, len(_SOC_KNOTS))]
    ocv_v = before[0] + deviation["ocv_level"] + np.concatenate([[0.0], np.cumsum(np.diff(before) * np.exp(steps))])
    fields: dict[str, Any] = {name: getattr(prior, name) * float(np.exp(deviation[name])) for name in _LOG_SIGMA}
    if "available_share" in fields:
        fields["available_share"] = min(fields["available_share"], 1.0)
    gain = deviation.get("resistance_gain_at_end_of_life", 0.0)
    fields |= {
        "resistance_gain_at_end_of_life": max(prior.resistance_gain_at_end_of_life + gain, 0.01),
        "rated_capacity_ah": capacity_per_ah * delivered_ah,
        "ocv_soc": _SOC_KNOTS,
        "ocv_v": tuple(ocv_v.tolist()),
    }
    return _Point(capacity_per_ah, prior.model_copy(update=fields))
