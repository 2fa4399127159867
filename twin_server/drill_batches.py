"""What the monitors of a drill's plant have seen, as batches of a gateway."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from batterytwin.branch import StringVisits
from batterytwin.inventory import Inventory
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns

_NS_PER_US = 1_000


class DrillBatches:
    """Makes batches of visits.

    Args:
        inventory: what is visited, in the plant's order.

    Attributes:
        battery_ids: names of batteries, `(n_batteries,)`.
        string_ids: names of strings, `(n_strings,)`.
    """

    def __init__(self, inventory: Inventory) -> None:
        strings = [string for location in inventory.locations for string in location.strings()]
        self.string_ids = np.array([string.string_id for string in strings], object)
        self.battery_ids = np.array([one.battery_id for string in strings for one in string.batteries], object)

    def batch(self, visits: StringVisits) -> ReadingBatch:
        """All of these visits; the current is measured once per string."""
        rows = visits.rows
        readings = ReadingColumns(
            battery_ids=self.battery_ids[rows["twin"]].tolist(),
            sample_time_unix_ns=rows["sample_time_us"] * _NS_PER_US,
            voltage_v=np.ascontiguousarray(rows["voltage_v"]),
            temperature_c=np.ascontiguousarray(rows["temperature_c"]),
            internal_resistance_mohm=np.ascontiguousarray(rows["internal_resistance_mohm"]),
        )
        strings = StringReadingColumns(
            string_ids=self.string_ids[visits.string].tolist(),
            sample_time_unix_ns=visits.time_us * _NS_PER_US,
            voltage_v=visits.string_voltage_v.astype(np.float32),
            current_a=visits.current_a.astype(np.float32),
            modes=visits.mode.astype(np.int32),
        )
        return ReadingBatch(readings, strings)


def split_visits(visits: StringVisits, most: int) -> Iterator[StringVisits]:
    """Parts of visits, in order of time, none with more than `most` of one string."""
    begin = 0
    while begin < len(visits):
        over = np.flatnonzero(_turns(visits.string[begin:]) >= most)
        end = begin + int(over[0]) if len(over) else len(visits)
        yield _cut(visits, begin, end)
        begin = end


def _cut(visits: StringVisits, begin: int, end: int) -> StringVisits:
    if (begin, end) == (0, len(visits)):
        return visits
    first, last = visits.first_row[begin], visits.first_row[end]
    return StringVisits(
        string=visits.string[begin:end],
        time_us=visits.time_us[begin:end],
        first_row=visits.first_row[begin : end + 1] - first,
        rows=visits.rows[first:last],
        string_voltage_v=visits.string_voltage_v[begin:end],
        current_a=visits.current_a[begin:end],
        mode=visits.mode[begin:end],
    )


def _turns(strings: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many earlier visits of the same string there are, for each visit."""
    order = np.argsort(strings, kind="stable")
    ordered = strings[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    turns = np.empty(len(strings), np.int64)
    turns[order] = np.arange(len(strings)) - np.repeat(begins, np.diff(np.append(begins, len(strings))))
    return turns
