"""Newest measurement of every string: total voltage, current and what the charger reports.

The current reaches the string's batteries and is stored with their readings. Total voltage is a check on the sum of the
blocks: the newest one of each string is kept here, for views of a string, and outlives a restart (`string_keeper.py`);
its past is not part of the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from twin_server.routing import FleetMap
from twin_server.string_samples import StringSamples


@dataclass(frozen=True, slots=True)
class StringPresent:
    """Newest measurement of one string.

    Attributes:
        as_of_us: sample time, us since 1970 UTC; 0 = never measured.
        voltage_v: voltage over the whole string, V; NaN = not measured.
        current_a: current, A, > 0 charges; NaN = not measured.
        mode: `StringMode` as reported.
    """

    as_of_us: int
    voltage_v: float
    current_a: float
    mode: int


class StringTable:
    """Newest measurements of all strings of a fleet map."""

    def __init__(self, fleet_map: FleetMap) -> None:
        self._map = fleet_map
        self._as_of_us = np.zeros(0, np.int64)
        self._voltage_v = self._current_a = np.zeros(0, np.float32)
        self._modes = np.zeros(0, np.int16)
        self._unsaved: set[int] = set()
        self.extend()

    def extend(self) -> None:
        """Makes room for the strings that the fleet map has gained."""
        added = len(self._map.strings) - len(self._as_of_us)
        self._as_of_us = np.append(self._as_of_us, np.zeros(added, np.int64))
        self._voltage_v = np.append(self._voltage_v, np.full(added, np.nan, np.float32))
        self._current_a = np.append(self._current_a, np.full(added, np.nan, np.float32))
        self._modes = np.append(self._modes, np.zeros(added, np.int16))

    def take(self, samples: StringSamples) -> None:
        """Takes samples over, for each string the newest; older ones than known change nothing."""
        order = np.argsort(samples.times_us, kind="stable")
        strings = samples.strings[order]
        last = len(strings) - 1 - np.unique(strings[::-1], return_index=True)[1]  # of each string, its newest row
        rows = order[last]
        rows = rows[samples.times_us[rows] >= self._as_of_us[samples.strings[rows]]]
        strings = samples.strings[rows]
        self._as_of_us[strings] = samples.times_us[rows]
        self._voltage_v[strings] = samples.voltage_v[rows]
        self._current_a[strings] = samples.current_a[rows]
        self._modes[strings] = samples.modes[rows]
        self._unsaved.update(strings.tolist())

    def take_unsaved(self) -> list[int]:
        """Numbers of the strings that have taken samples since the last call."""
        numbers = sorted(self._unsaved)
        self._unsaved.clear()
        return numbers

    def put_back_unsaved(self, numbers: Iterable[int]) -> None:
        """Names strings again whose samples could not be stored."""
        self._unsaved.update(numbers)

    def present(self, string: int) -> StringPresent:
        """Newest measurement of the string with this number in the fleet map."""
        return StringPresent(
            int(self._as_of_us[string]),
            float(self._voltage_v[string]),
            float(self._current_a[string]),
            int(self._modes[string]),
        )
