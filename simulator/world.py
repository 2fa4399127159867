"""Bundles of what kernels work on: the unchanging world, and the arrays of a fleet in it."""

from typing import NamedTuple

from simulator.climate import Climate
from simulator.mains import MainsSchedule
from simulator.maintenance import Discharges, Maintenance, discharges, no_maintenance
from simulator.parameters import BlockParameters, BlockState, Floats, StringParameters, StringState
from simulator.room import Rooms


class World(NamedTuple):
    """Constants of blocks and strings, and their surroundings as functions of time."""

    blocks: BlockParameters
    strings: StringParameters
    climate: Climate
    rooms: Rooms
    mains: MainsSchedule
    discharges: Discharges
    maintenance: Maintenance


def with_mains(world: World, mains: MainsSchedule) -> World:
    """The same world whose mains fail at given times, and in which nobody visits or tests strings."""
    return world._replace(
        mains=mains,
        discharges=discharges(mains, world.strings.site),
        maintenance=no_maintenance(len(world.strings.site)),
    )


class Fleet(NamedTuple):
    """A world, the hidden state of all that lives in it, and scratch for the laws of one string's blocks.

    Attributes:
        world: constants and surroundings.
        blocks: state of the blocks, changed in place by kernels.
        strings: state of the strings, changed in place by kernels.
        lines: scratch, see `simulator.electrochemistry`.
    """

    world: World
    blocks: BlockState
    strings: StringState
    lines: Floats


class Step(NamedTuple):
    """A time step of one string.

    Attributes:
        duration_s: length, s.
        keep1: what is left of the fast polarisation after it, 0...1.
        keep2: what is left of the slow polarisation.
        keep_gap: what is left of the gap between the wells.
    """

    duration_s: float
    keep1: float
    keep2: float
    keep_gap: float
