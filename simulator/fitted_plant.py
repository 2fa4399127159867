"""A plant fitted to twins: it begins where they say that their batteries are, and goes through what is wanted."""

from typing import Final

import numpy as np

from batterytwin.inventory import Inventory
from batterytwin.telemetry import Rows
from simulator.ageing import WATER_AT_END_OF_LIFE, follow_age
from simulator.block_laws import TEN_HOUR_SHARE
from simulator.climate import climate_of
from simulator.conditions import no_conditions, string_faults
from simulator.electrochemistry import EMPTIEST_ROOM, new_lines
from simulator.fault_labels import FaultTargets
from simulator.fitted_blocks import fit_blocks, fit_float
from simulator.initial_state import floating_state
from simulator.mains import wanted_mains
from simulator.maintenance import discharges, no_maintenance
from simulator.population import make_blocks, make_strings
from simulator.room import make_rooms, room_series_c
from simulator.room_changes import room_changes
from simulator.room_faults import room_faults
from simulator.scenario_course import Course
from simulator.visits import Visits, VisitTruth, read_truth
from simulator.world import Fleet, World, batteries_of

_ROOM_C: Final = 25.0
_NO_COURSE: Final = Course()


class FittedPlant:
    """A plant whose blocks are what twins estimate, each moved by a draw from the twin's own sigmas.

    The same arguments give the same plant. What no twin estimates (polarisation, heat, coup de fouet) has the spread of
    the blocks' kind. Between what the course wants, the mains never fail and nobody visits.

    Args:
        inventory: locations, strings and blocks.
        copies: `TWIN_COPY_DTYPE`, shape `(n_blocks,)`, in the inventory's order.
        seed: draws scatter and weather.
        start_s: time of the first state, s since 1970 UTC.
        course: what happens.
        scatter: factor on the twins' sigmas; 0 = every block is as its twin tells it.

    Attributes:
        fleet: world and hidden state.
    """

    def __init__(
        self,
        inventory: Inventory,
        copies: Rows,
        seed: int,
        start_s: float,
        course: Course = _NO_COURSE,
        *,
        scatter: float = 1.0,
    ) -> None:
        self._inventory = inventory
        rng = np.random.default_rng([seed, 21])
        strings, first_block, ocv_v = make_strings(inventory, seed)
        blocks = make_blocks(inventory, seed)
        fit_blocks(blocks, inventory, copies, rng, scatter)
        copies = _with_temperatures(copies)
        fit_float(blocks, strings, first_block, copies, rng=rng, scatter=scatter)
        n_sites = len(inventory.locations)
        self._targets = FaultTargets(inventory, ())
        first_fault, acting = string_faults(self._targets, len(strings))
        mains = wanted_mains(inventory, ())
        world = World(
            first_block=first_block,
            ocv_v=ocv_v,
            blocks=blocks,
            strings=strings,
            climate=climate_of([(site.latitude_deg, site.longitude_deg) for site in inventory.locations], seed),
            rooms=make_rooms(n_sites, seed),
            mains=mains,
            discharges=discharges(mains, strings.site),
            maintenance=no_maintenance(len(strings)),
            first_fault=first_fault,
            faults=acting,
        )
        _fit_rooms(world, copies, start_s)
        conditions = no_conditions(blocks.cells, len(strings))
        life = np.clip(copies["life_fraction"], 0.0, None)
        states = floating_state(world, start_s, life, WATER_AT_END_OF_LIFE * life)
        self.fleet = Fleet(world, *conditions, *states, new_lines(len(blocks)))
        self._place_blocks(copies, rng, scatter)
        self.change(course)

    def change(self, course: Course) -> None:
        """Lets another course happen from now on; what has happened to the blocks stays.

        Raises:
            InvalidArgumentError: the course names something that is not here.
        """
        world, inventory = self.fleet.world, self._inventory
        self._targets = FaultTargets(inventory, course.faults)
        first_fault, acting = string_faults(self._targets, len(world.strings))
        mains = wanted_mains(inventory, course.outages)
        rooms = world.rooms._replace(
            faults=room_faults(inventory, course.faults), changes=room_changes(inventory, course.rooms)
        )
        self.fleet = self.fleet._replace(
            world=world._replace(
                rooms=rooms,
                mains=mains,
                discharges=discharges(mains, world.strings.site),
                first_fault=first_fault,
                faults=acting,
            )
        )
        self.fleet.strings.fault_change_s[:] = -np.inf  # what is at work is looked up anew

    def visit(self, visits: Visits) -> VisitTruth:
        """Takes strings to the times at which they are visited, in order, and reads the truth there."""
        return read_truth(self.fleet, visits, self._targets)

    def cover(self, until_s: float) -> None:
        """Nothing to do: all that is scheduled is known."""

    def _place_blocks(self, copies: Rows, rng: np.random.Generator, scatter: float) -> None:
        state = self.fleet.blocks
        drawn = scatter * copies["soc_sigma"] * np.clip(rng.standard_normal(len(state)), -2.5, 2.5)
        charge = np.clip(copies["soc"] + drawn, 0.0, 1.0)
        full = 1.0 - EMPTIEST_ROOM
        on_float = copies["on_float"] == 1.0
        # on float all current gasses: a block that lacked charge would take some
        state.soc = np.where(on_float, full, np.minimum(1.0 - TEN_HOUR_SHARE * (1.0 - charge), full))
        state.weak_soc = state.discharged_from = state.soc.copy()
        state.v1 = np.where(on_float, 0.0, np.nan_to_num(copies["v1_v"]))
        state.v2 = np.where(on_float, 0.0, np.nan_to_num(copies["v2_v"]))
        state.well_gap = np.where(on_float, 0.0, np.nan_to_num(copies["charge_gap"]))
        state.core_c = state.post_c = copies["temperature_c"]
        for s in range(len(self.fleet.strings)):
            follow_age(batteries_of(self.fleet), s)


def _with_temperatures(copies: Rows) -> Rows:
    """The same copies with a temperature where none was measured."""
    known = copies.copy()
    temperature_c = known["temperature_c"]
    usual_c = float(np.nanmedian(temperature_c)) if np.isfinite(temperature_c).any() else _ROOM_C
    known["temperature_c"] = np.where(np.isnan(temperature_c), usual_c, temperature_c)
    return known


def _fit_rooms(world: World, copies: Rows, start_s: float) -> None:
    """Makes each room as warm at the start as the posts of its blocks, and each block's place as warm as its post."""
    counts = np.diff(world.first_block)
    site_of = np.repeat(world.strings.site, counts)
    now = np.array([start_s])
    for site in range(len(world.rooms.leak)):
        mine = site_of == site
        if not mine.any():
            continue
        middle_c = float(np.median(copies["temperature_c"][mine]))
        world.rooms.set_point_c[site] += middle_c - room_series_c(world.rooms, world.climate, world.mains, site, now)[0]
        world.blocks.position_k[mine] = copies["temperature_c"][mine] - middle_c
