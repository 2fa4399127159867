"""Writes data sets: what a fleet's monitors would have seen, with the hidden truth beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from batterytwin import __version__
from batterytwin.inventory import BatteryString, Inventory, Location
from simulator.dataset_folder import DatasetFolder, new_dataset_folder
from simulator.dataset_options import DatasetOptions
from simulator.dataset_tables import (
    UNITS,
    fault_rows,
    instants_or_null,
    reading_table,
    site_table,
    string_table,
    truth_table,
)
from simulator.fault_plan import load_fault_plan, random_fault_plan
from simulator.faults import FaultEvent, FaultKind
from simulator.monitors import Monitors
from simulator.parameters import Floats, Ints
from simulator.plant import Plant
from simulator.sampling import SamplingPlan, SiteSampler, string_offsets_us

_ROWS_AT_ONCE: Final = 200_000
_DAY_US: Final = 86_400_000_000
_SITE_PERIOD_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class DatasetProgress:
    """How far a data set has come: share 0...1 of the time of all strings, and rows of readings written."""

    share: float
    rows: int


class _Numbered(NamedTuple):
    number: int
    site: int
    location: Location
    system_id: str
    string: BatteryString


def write_dataset(
    options: DatasetOptions, folder: Path, progress: Callable[[DatasetProgress], None] = lambda _: None
) -> int:
    """Writes a data set; an existing folder is refused, and on any error (Ctrl-C too) nothing is left.

    Memory holds a few hundred thousand rows at a time, however large the data set. The same options give the same rows.

    Args:
        options: what to write.
        folder: where; its parent must exist.
        progress: told after each part.

    Returns:
        Rows of readings.

    Raises:
        InvalidArgumentError: the folder exists, or an option names something that is not in the fleet.
    """
    inventory = options.inventory()
    chosen = options.chosen(inventory)
    with new_dataset_folder(folder) as writer:
        return _Generator(options, inventory, chosen, writer, progress).run()


class _Generator:
    def __init__(
        self,
        options: DatasetOptions,
        inventory: Inventory,
        chosen: list[int],
        writer: DatasetFolder,
        progress: Callable[[DatasetProgress], None],
    ) -> None:
        self._options = options
        self._inventory = inventory
        self._writer = writer
        self._progress = progress
        numbered = _numbered(inventory)
        self._strings = [numbered[number] for number in chosen]
        per_site = [sum(1 for _ in location.strings()) for location in inventory.locations]
        self._offsets_us = string_offsets_us(per_site, options.period_s)
        self._begin_us, self._end_us = (round(moment.timestamp() * 1e6) for moment in (options.start, options.end))
        period_us = round(options.period_s * 1e6)
        loaded_us = round((options.discharge_period_s or options.period_s) * 1e6)
        self._plan = SamplingPlan((period_us,), loaded_us)
        self._rows = 0
        self._batteries: list[pa.Table] = []
        self._faults: list[tuple[int, str, FaultEvent]] = []

    def run(self) -> int:
        for fleet in range(self._options.fleets):
            self._write_fleet(fleet)
        self._writer.write("batteries", pa.concat_tables(self._batteries))
        self._writer.write("faults", fault_rows(self._faults))
        self._writer.describe(self._about())
        return self._rows

    def _write_fleet(self, fleet: int) -> None:
        options, seed = self._options, self._options.seed + fleet
        faults = self._plan_faults(seed)
        self._faults.extend((fleet, _name(fleet, fault.target_id), fault) for fault in faults)
        plant = Plant(self._inventory, seed, options.start, faults)
        plant.cover(self._end_us * 1e-6)
        monitors = Monitors(self._inventory, plant, seed, faults)
        for done, numbered in enumerate(self._strings):
            so_far = fleet * len(self._strings) + done
            self._write_string(fleet, numbered, plant, monitors, so_far)
        step_s = max(_SITE_PERIOD_S, options.period_s)
        times_s = np.arange(self._begin_us * 1e-6 + step_s, self._end_us * 1e-6 + 1e-3, step_s)
        for site in sorted({numbered.site for numbered in self._strings}):
            location_id = _name(fleet, self._inventory.locations[site].location_id)
            for part in np.array_split(times_s, len(times_s) // _ROWS_AT_ONCE + 1):
                self._writer.append("sites", site_table(plant.fleet.world, site, location_id, part))

    def _write_string(
        self, fleet: int, numbered: _Numbered, plant: Plant, monitors: Monitors, strings_before: int
    ) -> None:
        number, string = numbered.number, numbered.string
        battery_ids = [_name(fleet, battery.battery_id) for battery in string.batteries]
        sampler = SiteSampler(number, self._offsets_us[number : number + 1])
        window_us = max(_ROWS_AT_ONCE // len(battery_ids) * self._plan.period_us[0] // _DAY_US, 1) * _DAY_US
        total = self._options.fleets * len(self._strings)
        life = _Life(string)
        for after_us in range(self._begin_us, self._end_us, window_us):
            until_us = min(after_us + window_us, self._end_us)
            visits = sampler.visits(self._plan, plant.fleet.world.discharges, after_us, until_us)
            if len(visits.string):
                seen = monitors.observe(visits)
                life.see(visits.time_us, seen.truth.capacity_ah)
                self._writer.append("readings", reading_table(seen, battery_ids))
                self._writer.append("strings", string_table(seen, _name(fleet, string.string_id)))
                self._writer.append("truth", truth_table(seen, battery_ids))
                self._rows += len(battery_ids) * len(visits.string)
            share = (until_us - self._begin_us) / (self._end_us - self._begin_us)
            self._progress(DatasetProgress((strings_before + share) / total, self._rows))
        self._batteries.append(_battery_table(fleet, numbered, battery_ids, life))

    def _plan_faults(self, seed: int) -> tuple[FaultEvent, ...]:
        options = self._options
        planned = load_fault_plan(options.fault_plan, options.start) if options.fault_plan else ()
        string_ids = [numbered.string.string_id for numbered in self._strings]
        span = (options.start, options.end)
        return planned + random_fault_plan(
            self._inventory, string_ids, seed, span, options.faults_per_100_battery_months
        )

    def _about(self) -> dict[str, Any]:
        options = self._options
        return {
            "format": 1,
            "made_by": f"batterytwin {__version__}",
            "seed": options.seed,
            "fleets": options.fleets,
            "fleet_file": options.fleet_file.name if options.fleet_file else "the fleet that comes with the product",
            "start": options.start.isoformat(),
            "end": options.end.isoformat(),
            "period_s": options.period_s,
            "discharge_period_s": options.discharge_period_s or options.period_s,
            "new_blocks": options.new_blocks,
            "faults_per_100_battery_months": options.faults_per_100_battery_months,
            "strings": len(self._strings) * options.fleets,
            "batteries": sum(len(table) for table in self._batteries),
            "readings": self._rows,
            "faults": len(self._faults),
            "join": "readings and truth 1:1 on battery_id, sample_time",
            "units": UNITS,
            "fault_kinds": {str(int(kind)): kind.name for kind in FaultKind},
        }


class _Life:
    """When the blocks of a string come to the end of their lives."""

    def __init__(self, string: BatteryString) -> None:
        self._rated_ah = string.datasheet.rated_capacity_ah
        self._limit = string.datasheet.end_of_life_soh
        self.end_us: Ints = np.full(len(string.batteries), -1, dtype=np.int64)
        self.first: Floats = np.full(len(string.batteries), np.nan)
        self.last: Floats = np.full(len(string.batteries), np.nan)

    def see(self, time_us: Ints, capacity_ah: Floats) -> None:
        """Takes the true capacities of all blocks at some visits."""
        soh = capacity_ah.reshape(len(time_us), -1) / self._rated_ah
        self.first = np.where(np.isnan(self.first), soh[0], self.first)
        self.last = soh[-1]
        ended = soh < self._limit
        when = np.where(ended.any(axis=0), time_us[ended.argmax(axis=0)], -1)
        self.end_us = np.where(self.end_us < 0, when, self.end_us)


def _battery_table(fleet: int, numbered: _Numbered, battery_ids: list[str], life: _Life) -> pa.Table:
    n, sheet, batteries = len(battery_ids), numbered.string.datasheet, numbered.string.batteries
    return pa.table(
        {
            "battery_id": battery_ids,
            "fleet": pa.array([fleet] * n, pa.int32()),
            "location_id": [_name(fleet, numbered.location.location_id)] * n,
            "region": [numbered.location.region] * n,
            "system_id": [_name(fleet, numbered.system_id)] * n,
            "string_id": [_name(fleet, numbered.string.string_id)] * n,
            "position": pa.array([battery.position for battery in batteries], pa.int16()),
            "serial": [battery.serial for battery in batteries],
            "installed_on": [battery.installed_on for battery in batteries],
            "model": [sheet.model] * n,
            "rated_capacity_ah": [sheet.rated_capacity_ah] * n,
            "soh_capacity_first": pa.array(life.first, mask=np.isnan(life.first)),
            "soh_capacity_last": pa.array(life.last, mask=np.isnan(life.last)),
            "end_of_life": instants_or_null(life.end_us),
        }
    )


def _numbered(inventory: Inventory) -> list[_Numbered]:
    found: list[_Numbered] = []
    for site, location in enumerate(inventory.locations):
        for system in location.systems:
            for string in system.strings:
                found.append(_Numbered(len(found), site, location, system.system_id, string))
    return found


def _name(fleet: int, name: str) -> str:
    """Names of the first fleet are the inventory's; those of the others begin with their number."""
    return f"F{fleet + 1:02d}-{name}" if fleet else name
