"""A small live fleet, and branches of it with scenarios."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from actors.branch import Branch, BranchNews
from actors.branch_copy import describe
from actors.filter import FilterParameters
from actors.fleet import TwinSpec
from actors.twin_memory import TwinMemory
from batterytwin.branch import StringVisits
from batterytwin.inventory import Inventory
from batterytwin.telemetry import Rows
from simulator.branch_plant import MonitoredPlant, ScenarioPlant
from simulator.plant import Plant
from simulator.scenario_course import ScenarioPart, course_of
from simulator.scenario_library import find_scenario
from storage.shard_store import ShardCommit
from tests.fixtures.small_fleet import small_inventory, specs_of
from tests.simulator.small_fleet import START, START_S, with_outages

HOUR_US = 3_600_000_000
SEED = 3
BRK, STRING, BLOCK = "BRK", "BRK-U1-S01", "BRK-U1-S01-B02"
PLACE = 1
"""Position of `BLOCK`."""


@dataclass
class LiveWorld:
    """One string of 24 with its twins, long enough on float for all baselines.

    Attributes:
        inventory: the fleet.
        specs: its twins.
        memory: their states.
        strings: what is remembered of strings.
        now_us: the present.
        monitors: shows what the real batteries do after that.
    """

    inventory: Inventory
    specs: list[TwinSpec]
    memory: TwinMemory
    strings: dict[str, bytes]
    now_us: int
    monitors: MonitoredPlant

    @property
    def copies(self) -> Rows:
        return describe(self.specs, self.memory)

    def branch(self, *parts: ScenarioPart, seed: int = 1, period_s: float = 60.0) -> "BranchRun":
        course = course_of(self.inventory, parts, self.now_us * 1e-6)
        plant = ScenarioPlant(self.inventory, self.copies, seed, self.now_us * 1e-6, course, period_s=period_s)
        rows: list[ShardCommit] = []
        branch = Branch(self.specs, self.memory, plant, [0], self.now_us, string_states=self.strings, take=rows.append)
        return BranchRun(branch, plant, rows)


@dataclass
class BranchRun:
    """A branch, its truth, and all that it has stored."""

    branch: Branch
    plant: ScenarioPlant
    commits: list[ShardCommit]
    news: BranchNews = field(default_factory=lambda: BranchNews(0, (), ()))

    @property
    def truth(self) -> Any:
        return self.plant.plant.fleet

    def column(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """All stored values of a measured column, shape `(n_frames, 24)`."""
        return np.concatenate([commit.rows[name] for commit in self.commits]).reshape(-1, 24).astype(np.float64)


def live_world() -> LiveWorld:
    """30 hours of float."""
    inventory = small_inventory((BRK,), 1)
    specs = specs_of(inventory)
    plant = with_outages(Plant(inventory, SEED, START))
    monitors = MonitoredPlant(inventory, plant, SEED, 600.0)
    memory = TwinMemory.blank(FilterParameters.from_specs(specs))
    begin_us = round(START_S * 1e6)
    live = Branch(specs, memory, monitors, [0], begin_us)
    end_us = begin_us + 30 * HOUR_US
    live.advance(end_us)
    return LiveWorld(inventory, specs, live.copy(), live.strings.pack(), end_us, monitors)


def play(name: str, target: str, start_s: float = 600.0, **parameters: float) -> ScenarioPart:
    return ScenarioPart(find_scenario(name), (target,), parameters, start_s)


def voltages(visits: StringVisits) -> np.ndarray[Any, np.dtype[np.float64]]:
    return visits.rows["voltage_v"].reshape(len(visits), -1).astype(np.float64)
