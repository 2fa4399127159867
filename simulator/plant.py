"""The plant: hidden truth of a whole fleet that moves through time, string by string."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np

from batterytwin.inventory import Inventory
from simulator.ageing import follow_age
from simulator.block_laws import TEN_HOUR_SHARE
from simulator.climate import climate_of
from simulator.conditions import no_conditions, string_faults
from simulator.electrochemistry import new_lines
from simulator.evolution import evolve_string
from simulator.fault_labels import FaultTargets
from simulator.faults import FaultEvent
from simulator.initial_state import initial_state
from simulator.mains import MainsSchedule, mains_schedule
from simulator.maintenance import Discharges, Maintenance, schedules
from simulator.parameters import Floats
from simulator.population import make_blocks, make_strings
from simulator.room import make_rooms
from simulator.room_faults import room_faults
from simulator.variant import USUAL_PLANT, PlantVariant
from simulator.visits import Visits, VisitTruth, read_truth
from simulator.world import Fleet, World, batteries_of

_SPIN_UP = timedelta(days=4)  # the slowest recovery from an outage is over by then


class Plant:
    """A fleet of blocks in series strings, in rooms, on chargers and mains that fail.

    The same inventory and seed give the same truth at the same time, whenever the plant was started: age, weather and
    mains are functions of time, and what an outage leaves behind is lived through before the start.

    Args:
        inventory: the fleet.
        seed: chooses spread, weather and mains.
        start: time of the first state, with time zone.
        faults: what goes wrong in blocks, strings and rooms; faults of sensors and gateways leave the plant alone and
            only show in the labels of the truth.
        variant: how this plant differs from the usual one.

    Raises:
        InvalidArgumentError: a fault names something that is not in the fleet.

    Attributes:
        fleet: world and hidden state.
    """

    def __init__(
        self,
        inventory: Inventory,
        seed: int,
        start: datetime,
        faults: Sequence[FaultEvent] = (),
        variant: PlantVariant = USUAL_PLANT,
    ) -> None:
        begin = start.astimezone(UTC) - _SPIN_UP
        self._inventory = inventory
        self._seed = seed
        self._variant = variant
        self._targets = FaultTargets(inventory, faults)
        installed_on = [battery.installed_on for site in inventory.locations for battery in site.batteries()]
        # every discharge that a block has lived through has worn it
        self._first_year = min(begin.year - 1, *(day.year for day in installed_on))
        self._last_year = begin.year + 1
        mains, maintenance, discharges = self._schedules()
        strings, first_block, ocv_v = make_strings(inventory, seed, variant)
        first_fault, acting = string_faults(self._targets, len(strings))
        world = World(
            first_block=first_block,
            ocv_v=ocv_v,
            blocks=make_blocks(inventory, seed, variant),
            strings=strings,
            climate=climate_of([(site.latitude_deg, site.longitude_deg) for site in inventory.locations], seed),
            rooms=make_rooms(len(inventory.locations), seed, room_faults(inventory, faults), variant),
            mains=mains,
            discharges=discharges,
            maintenance=maintenance,
            first_fault=first_fault,
            faults=acting,
        )
        conditions = no_conditions(world.blocks.cells, len(strings))
        self.fleet = Fleet(world, *conditions, *initial_state(world, begin), new_lines(len(world.blocks)))
        for s in range(len(strings)):
            follow_age(batteries_of(self.fleet), s)
        self._rated_ah: Floats = np.repeat(strings.rated_ah, np.diff(first_block)) / TEN_HOUR_SHARE
        self.advance(start.timestamp())

    @property
    def soh_capacity(self) -> Floats:
        """True capacity over rated of every block, fraction, `(n_blocks,)`."""
        return np.asarray(self.fleet.blocks.capacity_ah / self._rated_ah, dtype=np.float64)

    def advance(self, until_s: float) -> None:
        """Takes the whole fleet to a time, s since 1970 UTC; strings that are there already stay.

        Strings run side by side: they share nothing that any of them changes.
        """
        self.cover(until_s)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(lambda s: evolve_string(self.fleet, s, until_s), range(len(self.fleet.strings))))

    def visit(self, visits: Visits) -> VisitTruth:
        """Takes strings to the times at which they are visited, in order, and reads the truth there."""
        self.cover(float(visits.time_us.max(initial=0)) * 1e-6)
        return read_truth(self.fleet, visits, self._targets)

    def cover(self, until_s: float) -> None:
        """Makes sure that what is scheduled reaches beyond a time, s since 1970 UTC."""
        year = datetime.fromtimestamp(until_s, UTC).year
        if year >= self._last_year:
            self._last_year = year + 1
            mains, maintenance, discharges = self._schedules()
            world = self.fleet.world._replace(mains=mains, maintenance=maintenance, discharges=discharges)
            self.fleet = self.fleet._replace(world=world)

    def _schedules(self) -> tuple[MainsSchedule, Maintenance, Discharges]:
        years = range(self._first_year, self._last_year + 1)
        mains = mains_schedule(
            [location.region for location in self._inventory.locations], self._seed, years, self._variant.outages
        )
        return mains, *schedules(self._inventory, self._seed, years, mains)
