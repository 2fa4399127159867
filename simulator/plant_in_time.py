"""What monitors and summaries need of a plant, whether it is the simulated fleet or one fitted to twins."""

from typing import Protocol

from simulator.visits import Visits, VisitTruth
from simulator.world import Fleet


class PlantInTime(Protocol):
    """A plant that can be moved on and looked at."""

    fleet: Fleet

    def visit(self, visits: Visits) -> VisitTruth:
        """Takes strings to the times at which they are visited, in order, and reads the truth there."""

    def cover(self, until_s: float) -> None:
        """Makes sure that what is scheduled reaches beyond a time, s since 1970 UTC."""
