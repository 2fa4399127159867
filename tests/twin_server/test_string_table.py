"""The newest measurement of a string stays, in whatever order measurements come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.routing import FleetMap
from twin_server.string_samples import StringSamples
from twin_server.string_table import StringTable

INVENTORY = small_inventory()
FLEET_MAP = FleetMap(INVENTORY, [specs_of(INVENTORY)])

rows = st.tuples(st.integers(0, 3), st.integers(1, 20))


def samples(sent: list[tuple[int, int]]) -> StringSamples:
    times = np.array([time for _, time in sent], np.int64)
    return StringSamples(
        strings=np.array([string for string, _ in sent], np.int32),
        times_us=times,
        voltage_v=times.astype(np.float32),
        current_a=-times.astype(np.float32),
        modes=(times % 5).astype(np.int16),
    )


@given(st.lists(st.lists(rows, min_size=1, max_size=8), max_size=6))
def test_each_string_shows_its_newest_sample(batches: list[list[tuple[int, int]]]) -> None:
    table = StringTable(FLEET_MAP)
    for batch in batches:
        table.take(samples(batch))
    for string in range(4):
        newest = max((time for batch in batches for number, time in batch if number == string), default=0)
        present = table.present(string)
        assert present.as_of_us == newest
        if newest:
            assert (present.voltage_v, present.current_a, present.mode) == (newest, -newest, newest % 5)
        else:
            assert np.isnan(present.voltage_v)
