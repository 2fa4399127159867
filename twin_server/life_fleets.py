"""Fleets that run to failure in the simulator, followed by the twins of the product: where the two are put together."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context

from ml.follow_fleet import follow_fleet
from ml.life_table import LifeTable, joined
from simulator.failure_plan import failure_plan
from simulator.run_to_failure import RunToFailure

TRAINING_SEEDS = tuple(range(100, 112))
"""Plants that the shipped model is trained on."""

JUDGING_SEEDS = tuple(range(112, 116))
"""Plants that it has never seen."""

YEARS = 8.0


def follow_simulated(seed: int, years: float = YEARS, sites: int = 4) -> LifeTable:
    """Battery-months of one simulated plant.

    Args:
        seed: of the plant.
        years: how long it is followed.
        sites: locations of 48 blocks.
    """
    return follow_fleet(RunToFailure(failure_plan(seed, sites=sites, years=years)))


def follow_all(
    seeds: Sequence[int], years: float = YEARS, *, jobs: int | None = None, say: Callable[[str], None] = lambda _: None
) -> LifeTable:
    """Battery-months of several plants, in the order of the seeds.

    Args:
        seeds: of the plants.
        years: how long each is followed.
        jobs: processes side by side; None = as many as processors, at most two.
        say: is told what has been done.
    """
    tables = []
    with get_context("spawn").Pool(jobs or min(os.cpu_count() or 1, 2)) as processes:
        for seed, table in zip(seeds, processes.imap(partial(follow_simulated, years=years), seeds), strict=True):
            share = 100.0 * table.censored_share
            say(f"plant {seed}: {len(table)} battery-months, {share:.0f} % of its batteries were not seen to end")
            tables.append(table)
    return joined(tables)
