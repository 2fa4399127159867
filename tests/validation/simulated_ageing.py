"""Ageing: what ten degrees do to plant and twin, and how the twin's certainty of its health fades without evidence."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state, run_filter
from actors.filter_layout import state_records
from batterytwin.inventory import load_fleet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, StringMode, pack_status
from simulator.plant import Plant
from tests.validation.section import Context
from tests.validation.simulated_fleet import Floats, twin_specs

_SEED: Final = 20_265
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_WARMER_K: Final = 10.0
_BASES_C: Final = (20.0, 25.0, 30.0)
_HALF_YEARS: Final = 6
_HOUR_US: Final = 3_600_000_000


def measure(context: Context) -> Mapping[str, float]:
    """Relative change of life for ten degrees more, and growth of sigma."""
    figures = {f"ageing.twin_plus_10c_from_{base:.0f}c_percent": twin_life_effect(base) for base in _BASES_C}
    figures["ageing.plant_plus_10c_percent"] = plant_life_effect(5.0 if context.quick else 30.0)
    growth = sigma_growth()
    figures["ageing.sigma_soh_least_growth_points_per_half_year"] = float(growth.min())
    figures["ageing.sigma_soh_growth_points_per_year"] = 2.0 * float(growth.mean())
    return figures


def twin_life_effect(base_c: float) -> float:
    """Change of life for ten degrees more by the twin's own prior, percent: a year on float at each temperature."""
    used = [_float_for(365.0, temperature_c)[1] for temperature_c in (base_c, base_c + _WARMER_K)]
    return 100.0 * (used[0] / used[1] - 1.0)


def plant_life_effect(days: float) -> float:
    """Change of life for ten degrees more in every room of the plant, percent, the median over its blocks."""
    inventory = load_fleet()
    used = []
    for warmer_k in (0.0, _WARMER_K):
        plant = Plant(inventory, _SEED, _START)
        plant.fleet.world.rooms.set_point_c[:] += warmer_k
        # blocks need hours to follow their room; what they age meanwhile counts for neither
        plant.advance((_START + timedelta(days=2)).timestamp())
        before = plant.fleet.blocks.life.copy()
        plant.advance((_START + timedelta(days=2 + days)).timestamp())
        used.append(plant.fleet.blocks.life - before)
    return 100.0 * float(np.median(used[0] / used[1]) - 1.0)


def sigma_growth() -> Floats:
    """Growth of sigma of the capacity health in each half year on float, points, blocks of all ages."""
    sigma, _ = _float_for(182.5 * _HALF_YEARS, 26.0, rows=_HALF_YEARS)
    return 100.0 * np.diff(sigma, axis=0)


def _float_for(days: float, temperature_c: float, rows: int = 1) -> tuple[Floats, float]:
    """Hourly float readings of one block of each string.

    Returns:
        Sigma of the capacity health after the first month and after equal parts of the time, `(rows + 1, n_blocks)`,
        and the mean life used between the first month and the end.
    """
    specs = [blocks[0] for blocks in twin_specs(load_fleet())]
    parameters = FilterParameters.from_specs(specs)
    state = initial_state(parameters)
    begin_us = int(_START.timestamp() * 1e6)
    month = 30 * 24
    ends = np.linspace(month, days * 24, rows + 1).astype(int)
    sigma, life, first = [], [], 0
    for last in ends:
        hours = np.arange(first, last)
        estimates = _apply_hours(state, parameters, begin_us + hours * _HOUR_US, temperature_c)
        sigma.append(estimates[-len(specs) :, LIVE_ESTIMATE_COLUMNS.index("soh_capacity_sigma")])
        life.append(state_records(state)["life_fraction"].mean())
        first = last
    return np.array(sigma, dtype=np.float64), float(life[-1] - life[0])


def _apply_hours(
    state: Floats, parameters: FilterParameters, times_us: NDArray[np.int64], temperature_c: float
) -> NDArray[np.float32]:
    n_twins, n_hours = len(state), len(times_us)
    rng = np.random.default_rng(_SEED)
    twin = np.tile(np.arange(n_twins, dtype=np.int32), n_hours)
    n = len(twin)
    status = np.full(n, pack_status(0, int(StringMode.FLOAT)), np.int16)
    estimates = np.empty((n, len(LIVE_ESTIMATE_COLUMNS)), np.float32)
    set_point_v = 13.65 - 0.018 * (temperature_c - 25.0)
    # the instrument reads once a day, at an unchanged resistance
    daily = np.repeat(np.arange(n_hours) % 24 == 0, n_twins)
    run_filter(
        state,
        parameters,
        twin,
        twin,
        np.repeat(times_us, n_twins),
        (set_point_v + 0.004 * rng.standard_normal(n)).astype(np.float32),
        (0.02 + 0.03 * rng.standard_normal(n)).astype(np.float32),
        np.full(n, temperature_c, np.float32),
        np.where(daily, 3.5 * (1.0 + 0.008 * rng.standard_normal(n)), np.nan).astype(np.float32),
        status,
        estimates,
    )
    return estimates
