"""Bundles of what kernels work on: the unchanging world, and the arrays of a fleet in it."""

from typing import NamedTuple

from simulator.climate import Climate
from simulator.compiled import compiled
from simulator.mains import MainsSchedule
from simulator.maintenance import Discharges, Maintenance, discharges, no_maintenance
from simulator.parameters import Floats, Ints, Records
from simulator.room import Rooms


class World(NamedTuple):
    """Constants of blocks and strings, and their surroundings as functions of time.

    Attributes:
        first_block: first block of each string, and one past the last block of all, `(n_strings + 1,)`.
        ocv_v: open-circuit voltage of each model's block on an even grid of charge 0...1, `(n_models, n_grid)`.
        blocks: constants of the blocks, see `BlockParameters`.
        strings: constants of the strings, see `StringParameters`.
        climate: outdoor air.
        rooms: rooms of the sites.
        mains: failures of the mains.
        discharges: when strings carry their load.
        maintenance: visits of technicians.
        first_fault: first fault of each string, and one past the last of all, `(n_strings + 1,)`.
        faults: what goes wrong in blocks and strings, see `StringFaults`.
    """

    first_block: Ints
    ocv_v: Floats
    blocks: Records
    strings: Records
    climate: Climate
    rooms: Rooms
    mains: MainsSchedule
    discharges: Discharges
    maintenance: Maintenance
    first_fault: Ints
    faults: Records


def with_mains(world: World, mains: MainsSchedule) -> World:
    """The same world whose mains fail at given times, and in which nobody visits or tests strings."""
    return world._replace(
        mains=mains,
        discharges=discharges(mains, world.strings.site),
        maintenance=no_maintenance(len(world.strings.site)),
    )


class Fleet(NamedTuple):
    """A world, the hidden state of all that lives in it, and scratch for the laws of its blocks.

    Attributes:
        world: constants and surroundings.
        now: what faults do to blocks at present, see `BlockConditions`; changed in place by kernels, as all below.
        string_now: what they do to strings, see `StringConditions`.
        blocks: state of the blocks, see `BlockState`.
        strings: state of the strings, see `StringState`.
        lines: scratch, see `simulator.electrochemistry`.
    """

    world: World
    now: Records
    string_now: Records
    blocks: Records
    strings: Records
    lines: Floats


class Batteries(NamedTuple):
    """The part of a fleet that needs no surroundings, for kernels: fewer arrays make them quicker to compile and call.

    Attributes:
        first_block: as in `World`.
        ocv_v: as in `World`.
        made: constants of the blocks.
        made_strings: constants of the strings.
        first_fault: as in `World`.
        faults: as in `World`.
        now: as in `Fleet`, like all below.
        string_now: what faults do to strings.
        blocks: state of the blocks.
        strings: state of the strings.
        lines: scratch.
    """

    first_block: Ints
    ocv_v: Floats
    made: Records
    made_strings: Records
    first_fault: Ints
    faults: Records
    now: Records
    string_now: Records
    blocks: Records
    strings: Records
    lines: Floats


@compiled
def batteries_of(fleet: Fleet) -> Batteries:
    """The batteries of a fleet; they share its arrays."""
    return Batteries(
        fleet.world.first_block,
        fleet.world.ocv_v,
        fleet.world.blocks,
        fleet.world.strings,
        fleet.world.first_fault,
        fleet.world.faults,
        fleet.now,
        fleet.string_now,
        fleet.blocks,
        fleet.strings,
        fleet.lines,
    )


class Step(NamedTuple):
    """A time step of one string.

    Attributes:
        duration_s: length, s.
        keep1: what is left of the fast polarisation after it, 0...1.
        keep2: what is left of the slow polarisation.
        keep_gap: what is left of the gap between the wells.
        load_c: discharge current that the load is about to draw, multiples of rated capacity per hour; 0 = no load.
    """

    duration_s: float
    keep1: float
    keep2: float
    keep_gap: float
    load_c: float
