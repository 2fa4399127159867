"""Small fleets with mains failures where a test wants them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from batterytwin.inventory import Inventory, load_fleet
from simulator.mains import NEVER_S, MainsSchedule
from simulator.plant import Plant
from simulator.visits import Visits, VisitTruth
from simulator.world import with_mains

START = datetime(2026, 6, 15, tzinfo=UTC)
START_S = START.timestamp()

_ONE_SITE = """
grid = "test"
model = "HX12-120"
blocks_per_string = {blocks}
sample_period_s = 60.0
"""

_SITE = """
[[location]]
id = "{id}"
name = "Test"
region = "central"
latitude_deg = 13.7
longitude_deg = 100.5
systems = [{{ id = "U1", kind = "ups", strings = {strings}, installed_on = "{installed_on}" }}]
"""


def write_fleet(
    path: Path,
    *,
    sites: tuple[str, ...] = ("BRK",),
    strings: int = 1,
    blocks: int = 24,
    installed_on: str = "2023-06-15",
) -> Path:
    path.write_text(
        _ONE_SITE.format(blocks=blocks)
        + "".join(_SITE.format(id=site, strings=strings, installed_on=installed_on) for site in sites)
    )
    return path


def one_string(path: Path, *, blocks: int = 24, installed_on: str = "2023-06-15") -> Inventory:
    return load_fleet(write_fleet(path, blocks=blocks, installed_on=installed_on))


def with_outages(plant: Plant, *outages_s: tuple[float, float]) -> Plant:
    """Puts the given failures (begin and end, s after START) in the place of all that the plant has scheduled."""
    n_sites = len(plant.fleet.world.rooms.leak)
    spans = np.array([(START_S + begin, START_S + end) for begin, end in outages_s] + [(NEVER_S, NEVER_S)])
    mains = MainsSchedule(
        np.tile(spans[:, 0], (n_sites, 1)), np.tile(spans[:, 1], (n_sites, 1)), np.ones((n_sites, len(spans)))
    )
    plant.fleet = plant.fleet._replace(world=with_mains(plant.fleet.world, mains))
    return plant


def look(plant: Plant, seconds: float, string: int = 0) -> VisitTruth:
    """Truth of one string at a time, s after START."""
    return plant.visit(Visits(np.array([string]), np.array([round((START_S + seconds) * 1e6)])))
