"""Compiles numeric kernels into their cache, so that the first start of a server need not: `twins` or `plant`.

A start without this works all the same; it takes half a minute longer.
"""

import importlib
import sys
from datetime import UTC, datetime, timedelta

import numpy as np

from batterytwin.inventory import Inventory, load_fleet
from simulator.minutes import summarise
from simulator.monitors import Monitors
from simulator.options import DEFAULT_SEED
from simulator.plant import Plant
from simulator.visits import Visits


def compile_twins() -> None:
    """Kernels of the twins are compiled when their modules are imported, the filter's when it is asked."""
    importlib.import_module("actors.shard")
    importlib.import_module("actors.filter").compile_kernels()


def compile_plant() -> None:
    """Kernels of the simulated plant are compiled when they are first called."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    site = Inventory(load_fleet().locations[:1])
    plant = Plant(site, DEFAULT_SEED, start)
    visit_us = round((start + timedelta(hours=1)).timestamp() * 1e6)
    plant.cover(visit_us * 1e-6)
    Monitors(site, plant, DEFAULT_SEED).observe(Visits(np.array([0]), np.array([visit_us])))
    summarise(Plant(site, DEFAULT_SEED, start), 60.0, 1)


if __name__ == "__main__":
    {"twins": compile_twins, "plant": compile_plant}[sys.argv[1]]()
