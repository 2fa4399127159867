"""Columns of a data set: what was seen, what was true beside it, and what is around."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batterytwin.telemetry import StringMode
from simulator.climate import outdoor_series
from simulator.faults import FaultEvent
from simulator.mains import NEVER_S
from simulator.monitors import Observation
from simulator.parameters import Floats
from simulator.room import room_series_c
from simulator.visits import VisitTruth
from simulator.world import World

_INSTANT: Final = pa.timestamp("us", tz="UTC")
_MODES: Final = pa.array([mode.name for mode in StringMode])
_OF_VISITS: Final = {"string_voltage_v", "current_a", "string_faults"}
_HIDDEN: Final = {"visits", "first_row", "block", "mode", "since_us"}

UNITS: Final = {
    "sample_time": "UTC, as the gateway's clock says",
    "time": "UTC, true",
    "voltage_v": "V",
    "current_a": "A, > 0 charges",
    "temperature_c": "degC, at the negative post",
    "internal_resistance_mohm": "mOhm, of the instrument; null = not measured",
    "copies": "how often the sample arrived; 0 = lost, its values are null",
    "delay_s": "s from sample to arrival",
    "mode": "what the charger reports",
    "soc": "fraction of the present ten-hour capacity",
    "capacity_ah": "Ah, ten-hour capacity at 25 degC",
    "life": "fraction of life used up, 1 = end of life",
    "*_ohm": "Ohm",
    "*_c": "degC",
    "block_faults, string_faults": "bit n is set while a fault of kind n is at work, see fault_kinds",
    "outdoor_humidity": "fraction",
}
"""Meaning of columns."""


def reading_table(seen: Observation, battery_ids: Sequence[str]) -> pa.Table:
    """Readings of the blocks of one string, block by block in time order.

    Args:
        seen: visits to this string alone.
        battery_ids: its blocks.
    """
    readings, n_visits, n_blocks = seen.readings, len(seen.sample_time_us), len(battery_ids)
    lost = np.tile(seen.fates.lost, n_blocks)
    resistance_mohm = _by_block(readings.resistance_mohm, n_blocks)
    return pa.table(
        {
            "battery_id": _repeated(battery_ids, n_visits),
            "sample_time": _instants(np.tile(seen.sample_time_us, n_blocks)),
            "voltage_v": pa.array(_by_block(readings.voltage_v, n_blocks), mask=lost),
            "current_a": pa.array(np.tile(readings.current_a, n_blocks), mask=lost),
            "temperature_c": pa.array(_by_block(readings.temperature_c, n_blocks), mask=lost),
            "internal_resistance_mohm": pa.array(resistance_mohm, mask=lost | np.isnan(resistance_mohm)),
            "copies": pa.array(np.tile(_copies(seen), n_blocks)),
            "delay_s": pa.array(np.tile(_delay_s(seen), n_blocks)),
        }
    )


def string_table(seen: Observation, string_id: str) -> pa.Table:
    """What was measured and reported once for a string."""
    lost, n_visits = seen.fates.lost, len(seen.sample_time_us)
    return pa.table(
        {
            "string_id": _repeated([string_id], n_visits),
            "sample_time": _instants(seen.sample_time_us),
            "voltage_v": pa.array(seen.readings.string_voltage_v, mask=lost),
            "current_a": pa.array(seen.readings.current_a, mask=lost),
            "mode": pa.DictionaryArray.from_arrays(pa.array(seen.truth.mode, mask=lost), _MODES),
            "copies": pa.array(_copies(seen)),
            "delay_s": pa.array(_delay_s(seen)),
        }
    )


def truth_table(seen: Observation, battery_ids: Sequence[str]) -> pa.Table:
    """The hidden truth of the blocks of one string: a row for each row of `reading_table`, in its order."""
    n_visits, n_blocks = len(seen.sample_time_us), len(battery_ids)
    columns: dict[str, Any] = {
        "battery_id": _repeated(battery_ids, n_visits),
        "sample_time": _instants(np.tile(seen.sample_time_us, n_blocks)),
        "time": _instants(np.tile(seen.truth.visits.time_us, n_blocks)),
    }
    for name in VisitTruth._fields:
        if name not in _HIDDEN:
            values = getattr(seen.truth, name)
            rows = np.tile(values, n_blocks) if name in _OF_VISITS else _by_block(values, n_blocks)
            columns[name] = pa.array(rows.astype(np.float32) if rows.dtype == np.float64 else rows)
    return pa.table(columns)


def site_table(world: World, site: int, location_id: str, times_s: Floats) -> pa.Table:
    """Weather and room of a site."""
    outside_c, humidity = outdoor_series(world.climate, site, times_s)
    room_c = room_series_c(world.rooms, world.climate, world.mains, site, times_s)
    return pa.table(
        {
            "location_id": _repeated([location_id], len(times_s)),
            "time": _instants(np.rint(times_s * 1e6).astype(np.int64)),
            "outdoor_c": pa.array(outside_c.astype(np.float32)),
            "outdoor_humidity": pa.array(humidity.astype(np.float32)),
            "room_c": pa.array(room_c.astype(np.float32)),
        }
    )


def fault_rows(faults: Sequence[tuple[int, str, FaultEvent]]) -> pa.Table:
    """All faults: number of the fleet, target under the name that it has in the data set, and event."""
    return pa.table(
        {
            "fleet": pa.array([fleet for fleet, _, _ in faults], pa.int32()),
            "kind": pa.array([event.kind.name for _, _, event in faults], pa.string()),
            "target_id": pa.array([target_id for _, target_id, _ in faults], pa.string()),
            "start": pa.array([round(event.start_s * 1e6) for _, _, event in faults], _INSTANT),
            "end": pa.array(
                [round(event.end_s * 1e6) if event.end_s < NEVER_S else None for _, _, event in faults], _INSTANT
            ),
            "magnitude": pa.array([event.magnitude for _, _, event in faults], pa.float64()),
        }
    )


def instants_or_null(time_us: NDArray[np.int64]) -> pa.Array:
    """Times; negative ones are null."""
    return pa.array(time_us, mask=time_us < 0).cast(_INSTANT)


def _by_block(values: NDArray[Any], n_blocks: int) -> NDArray[Any]:
    """Rows of visits (block after block) in the order of blocks (visit after visit)."""
    return np.ascontiguousarray(values.reshape(-1, n_blocks).T).ravel()


def _repeated(names: Sequence[str], each: int) -> pa.Array:
    numbers = np.repeat(np.arange(len(names), dtype=np.int32), each)
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(list(names)))


def _instants(time_us: NDArray[np.int64]) -> pa.Array:
    return pa.array(time_us).cast(_INSTANT)


def _copies(seen: Observation) -> NDArray[np.int8]:
    return np.where(seen.fates.lost, 0, 1 + seen.fates.repeated).astype(np.int8)


def _delay_s(seen: Observation) -> NDArray[np.float32]:
    return (seen.fates.delay_us * 1e-6).astype(np.float32)
