"""From visits to batches: what a site's gateway puts on the wire."""

from collections.abc import Sequence
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import Inventory
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from simulator.faults import FaultEvent
from simulator.gateway_faults import Fates, fates, gateway_faults
from simulator.plant import Plant
from simulator.sensor_faults import sensor_faults
from simulator.sensors import VisitReadings, measure
from simulator.visits import Visits, VisitTruth


class Observation(NamedTuple):
    """What monitors saw at visits.

    Attributes:
        truth: what was true there.
        readings: what was measured.
        fates: what becomes of the samples on their way.
        sample_time_us: sample times as the gateways stamp them, microseconds since 1970 UTC, `(n_visits,)`.
    """

    truth: VisitTruth
    readings: VisitReadings
    fates: Fates
    sample_time_us: NDArray[np.int64]


class Monitors:
    """The monitors of a fleet: they look at the plant and make batches of what they see.

    Args:
        inventory: the fleet.
        plant: its truth.
        seed: chooses the sensors' noise.
        faults: what goes wrong; faults of blocks, strings and rooms are the plant's and are passed over here.
    """

    def __init__(self, inventory: Inventory, plant: Plant, seed: int, faults: Sequence[FaultEvent] = ()) -> None:
        strings = [string for location in inventory.locations for string in location.strings()]
        self._string_ids = [string.string_id for string in strings]
        self._battery_ids = [[battery.battery_id for battery in string.batteries] for string in strings]
        self._plant = plant
        self._seed = seed
        self._sensor_faults = sensor_faults(inventory, faults)
        self._gateway_faults = gateway_faults(inventory, faults)

    def observe(self, visits: Visits) -> Observation:
        """Takes the visited strings to their visits and reads them."""
        truth = self._plant.visit(visits)
        becomes = fates(self._gateway_faults, visits, self._seed)
        readings = measure(truth, self._seed, self._sensor_faults)
        return Observation(truth, readings, becomes, visits.time_us + becomes.ahead_us)

    def batch(self, observation: Observation, wanted: NDArray[np.bool_]) -> ReadingBatch:
        """Some of the samples as a batch.

        Measured per battery: voltage, post temperature, once a day resistance. Per string: total voltage, the one
        current, what the charger reports.

        Args:
            observation: what was seen.
            wanted: visits to take, `(n_visits,)`.
        """
        truth, readings = observation.truth, observation.readings
        counts = np.diff(truth.first_row)
        rows = np.repeat(wanted, counts)
        sample_time_ns = observation.sample_time_us * 1_000
        resistance_mohm = readings.resistance_mohm[rows]
        strings = list(compress(truth.visits.string, wanted))
        return ReadingBatch(
            ReadingColumns(
                battery_ids=list(chain.from_iterable(self._battery_ids[s] for s in strings)),
                sample_time_unix_ns=np.repeat(sample_time_ns, counts)[rows],
                voltage_v=readings.voltage_v[rows],
                temperature_c=readings.temperature_c[rows],
                internal_resistance_mohm=None if np.isnan(resistance_mohm).all() else resistance_mohm,
            ),
            StringReadingColumns(
                string_ids=[self._string_ids[s] for s in strings],
                sample_time_unix_ns=sample_time_ns[wanted],
                voltage_v=readings.string_voltage_v[wanted],
                current_a=readings.current_a[wanted],
                modes=truth.mode[wanted],
            ),
        )
