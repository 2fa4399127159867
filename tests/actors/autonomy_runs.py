"""Long discharges of a simulated fleet, and what the autonomy says at their begin."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from actors.autonomy import BlockEstimates, StringAutonomy, string_autonomy
from batterytwin.inventory import Inventory, load_fleet
from simulator.mains import MainsSchedule
from simulator.plant import Plant
from simulator.visits import Visits
from simulator.world import with_mains

START = datetime(2026, 3, 1, tzinfo=UTC)
LONGEST_S = 20 * 3_600.0
STEP_S = 20.0


@dataclass(frozen=True)
class Run:
    """One string's discharge: when its weakest block reached its end voltage, and what was foretold."""

    true_s: float
    told: StringAutonomy
    limiting: int


def run_discharges(seed: int, n_locations: int, load_factor: float) -> list[Run]:
    """Discharges every string of some sites until its first block is at its end voltage.

    The estimates are the truth with errors as large as their sigmas say; capacity and resistance are not known better
    than after years on float.
    """
    inventory = Inventory(load_fleet().locations[:n_locations])
    plant = Plant(inventory, seed, START)
    begin_s = START.timestamp()
    outages = np.full((n_locations, 2), 4.0e9)
    starts, ends, factors = outages.copy(), outages.copy(), np.full((n_locations, 2), load_factor)
    starts[:, 0], ends[:, 0] = begin_s + 60.0, begin_s + 60.0 + LONGEST_S
    plant.fleet = plant.fleet._replace(world=with_mains(plant.fleet.world, MainsSchedule(starts, ends, factors)))
    strings = [string for location in inventory.locations for string in location.strings()]
    first = np.concatenate([[0], np.cumsum([len(string.batteries) for string in strings])])
    rng = np.random.default_rng([seed, 7])
    runs = []
    for number, string in enumerate(strings):
        n = len(string.batteries)
        times_us = np.round((begin_s + 60.0 + np.arange(1.0, LONGEST_S, STEP_S)) * 1e6).astype(np.int64)
        truth = plant.visit(Visits(np.full(len(times_us), number, np.int64), times_us))
        voltage = truth.voltage_v.reshape(-1, n)
        ended = np.flatnonzero((voltage <= string.datasheet.end_v_cell * string.datasheet.cells).any(axis=1))
        if not len(ended):
            continue
        soh = truth.capacity_ah[:n] / string.datasheet.rated_capacity_ah
        r0 = truth.r0_ohm[:n]
        shared = rng.standard_normal()

        def known(value: np.ndarray, sigma: float, shared: float = shared, n: int = n) -> np.ndarray:
            return np.asarray(value + sigma * (0.77 * shared + 0.63 * rng.standard_normal(n)))

        # as an estimator would: measured with noise, drawn towards what the neighbours are
        spread, noise = float(soh.std()), 0.03
        trust = spread**2 / (spread**2 + noise**2)
        measured = soh + noise * rng.standard_normal(n)
        soh_told = measured.mean() + trust * (measured - measured.mean()) + 0.04 * shared
        soh_sigma = float(np.hypot(0.04, np.sqrt(trust) * noise))
        blocks = BlockEstimates(
            soc=np.clip(known(np.full(n, 0.99), 0.015), 0.0, 1.0),
            soc_sigma=np.full(n, 0.015),
            soh_capacity=soh_told,
            soh_sigma=np.full(n, soh_sigma),
            r0_ohm=known(r0, 3e-4),
            r0_sigma_ohm=np.full(n, 3e-4),
            temperature_c=truth.post_c[:n],
            cells_lost=np.zeros(n),
        )
        power_w = -float(truth.current_a[0] * truth.string_voltage_v[0])
        told = string_autonomy(blocks, string.datasheet, power_w)
        if told is not None:
            runs.append(Run(float(ended[0]) * STEP_S, told, int(voltage[ended[0]].argmin())))
        assert first[number + 1] - first[number] == n
    return runs
