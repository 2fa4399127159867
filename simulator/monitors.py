"""From visits to batches: what a site's gateway puts on the wire."""

from itertools import chain

import numpy as np

from batterytwin.inventory import Inventory
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from simulator.plant import Plant
from simulator.sensors import measure
from simulator.visits import Visits


class Monitors:
    """The monitors of a fleet: they look at the plant and make batches of what they see.

    Args:
        inventory: the fleet.
        plant: its truth.
        seed: chooses the sensors' noise.
    """

    def __init__(self, inventory: Inventory, plant: Plant, seed: int) -> None:
        strings = [string for location in inventory.locations for string in location.strings()]
        self._string_ids = [string.string_id for string in strings]
        self._battery_ids = [[battery.battery_id for battery in string.batteries] for string in strings]
        self._plant = plant
        self._seed = seed

    def batch(self, visits: Visits) -> ReadingBatch:
        """Takes the visited strings to their visits and reads them.

        Measured per battery: voltage, post temperature, once a day resistance. Per string: total voltage, the one
        current, what the charger reports.
        """
        truth = self._plant.visit(visits)
        readings = measure(truth, self._seed)
        sample_time_ns = visits.time_us * 1_000
        return ReadingBatch(
            ReadingColumns(
                battery_ids=list(chain.from_iterable(self._battery_ids[s] for s in visits.string)),
                sample_time_unix_ns=np.repeat(sample_time_ns, np.diff(truth.first_row)),
                voltage_v=readings.voltage_v,
                temperature_c=readings.temperature_c,
                internal_resistance_mohm=(
                    None if np.isnan(readings.resistance_mohm).all() else readings.resistance_mohm
                ),
            ),
            StringReadingColumns(
                string_ids=[self._string_ids[s] for s in visits.string],
                sample_time_unix_ns=sample_time_ns,
                voltage_v=readings.string_voltage_v,
                current_a=readings.current_a,
                modes=truth.mode,
            ),
        )
