"""The plant of a branch as its twins see it: visits of monitors, and readings on the canonical grid."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.branch import StringVisits
from batterytwin.inventory import Inventory
from batterytwin.telemetry import READING_DTYPE, Flag, Rows, pack_status, snap_to_grid
from simulator.faults import FaultEvent
from simulator.fitted_plant import FittedPlant
from simulator.gateway_faults import fates, gateway_faults
from simulator.plant_in_time import PlantInTime
from simulator.sampling import SiteSampler, live_plan, string_offsets_us
from simulator.scenario_course import Course
from simulator.sensor_faults import sensor_faults
from simulator.sensors import VisitReadings, measure
from simulator.visits import Visits, VisitTruth

_NO_COURSE: Final = Course()
_US: Final = 1_000_000


class MonitoredPlant:
    """A plant with its monitors; implements `batterytwin.branch.BranchPlant`.

    Args:
        inventory: locations, strings and blocks.
        plant: the truth.
        seed: draws the noise.
        period_s: usual time between visits to a string; None = as each location samples.
    """

    def __init__(self, inventory: Inventory, plant: PlantInTime, seed: int, period_s: float | None = None) -> None:
        self._inventory = inventory
        self._seed = seed
        self._plant = plant
        counts = [sum(1 for _ in location.strings()) for location in inventory.locations]
        self._samplers = []
        first = 0
        for location, count in zip(inventory.locations, counts, strict=True):
            period = period_s or location.sample_period_s
            offsets_us = string_offsets_us(counts, period)[first : first + count]
            self._samplers.append((SiteSampler(first, offsets_us), live_plan(period, count)))
            first += count
        self.set_faults(())

    def set_faults(self, faults: Sequence[FaultEvent]) -> None:
        """Faults of sensors and gateways from now on; others are the plant's and are passed over."""
        self._sensor_faults = sensor_faults(self._inventory, faults)
        self._gateway_faults = gateway_faults(self._inventory, faults)

    def visits(self, after_us: int, until_us: int) -> StringVisits:
        """Moves the plant on and reads it; see `BranchPlant`."""
        self._plant.cover(until_us / _US)
        loads = self._plant.fleet.world.discharges
        planned = [sampler.visits(plan, loads, after_us, until_us) for sampler, plan in self._samplers]
        string = np.concatenate([visits.string for visits in planned])
        time_us = np.concatenate([visits.time_us for visits in planned])
        order = np.argsort(time_us, kind="stable")
        visits = Visits(string[order], time_us[order])
        visits = _taken(visits, ~fates(self._gateway_faults, visits, self._seed).lost)
        truth = self._plant.visit(visits)
        return _as_readings(truth, measure(truth, self._seed, self._sensor_faults))


class ScenarioPlant(MonitoredPlant):
    """A plant fitted to twins, on which a course is played.

    Args:
        inventory: locations, strings and blocks.
        copies: `TWIN_COPY_DTYPE`, shape `(n_blocks,)`.
        seed: draws scatter, weather and noise.
        start_s: time of the first state, s since 1970 UTC.
        course: what happens.
        period_s: usual time between visits to a string; None = as each location samples.
        scatter: factor on the twins' sigmas.

    Attributes:
        plant: the truth.
    """

    def __init__(
        self,
        inventory: Inventory,
        copies: Rows,
        seed: int,
        start_s: float,
        course: Course = _NO_COURSE,
        *,
        period_s: float | None = None,
        scatter: float = 1.0,
    ) -> None:
        self.plant = FittedPlant(inventory, copies, seed, start_s, course, scatter=scatter)
        super().__init__(inventory, self.plant, seed, period_s)
        self.set_faults(course.faults)

    def change(self, course: Course) -> None:
        """Lets another course happen from now on.

        Raises:
            InvalidArgumentError: the course names something that is not here.
        """
        self.plant.change(course)
        self.set_faults(course.faults)


def _taken(visits: Visits, wanted: NDArray[np.bool_]) -> Visits:
    return Visits(visits.string[wanted], visits.time_us[wanted])


def _as_readings(truth: VisitTruth, readings: VisitReadings) -> StringVisits:
    counts = np.diff(truth.first_row)
    rows = np.empty(len(truth.block), READING_DTYPE)
    rows["twin"] = truth.block
    rows["sample_time_us"] = np.repeat(truth.visits.time_us, counts)
    rows["status"] = pack_status(np.int16(Flag.CURRENT_FROM_STRING), np.repeat(truth.mode.astype(np.int16), counts))
    rows["voltage_v"] = snap_to_grid("voltage_v", readings.voltage_v)
    rows["current_a"] = snap_to_grid("current_a", np.repeat(readings.current_a, counts))
    rows["temperature_c"] = snap_to_grid("temperature_c", readings.temperature_c)
    rows["internal_resistance_mohm"] = snap_to_grid("internal_resistance_mohm", readings.resistance_mohm)
    return StringVisits(
        string=truth.visits.string,
        time_us=truth.visits.time_us,
        first_row=truth.first_row,
        rows=rows,
        string_voltage_v=readings.string_voltage_v.astype(np.float64),
        current_a=readings.current_a.astype(np.float64),
        mode=truth.mode.astype(np.int16),
    )
