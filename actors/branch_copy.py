"""Copies of twins to branch from: read, never taken over, so that their owners notice nothing."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from actors.filter import FilterParameters
from actors.filter_layout import state_records
from actors.fleet import TwinSpec
from actors.limits import AlertLimits, PlausibilityLimits
from actors.replayer import TwinReplayer
from actors.restore import restore_twins
from actors.twin_memory import TwinMemory
from actors.twin_step import TwinStepper
from batterytwin.branch import TWIN_COPY_DTYPE
from batterytwin.telemetry import READING_DTYPE, Flag, Regime, Rows, pack_status
from storage.past_store import Moment
from storage.shard_store import ShardStore

_FLOAT: Final = int(Regime.FLOAT)
_ROOM_C: Final = 25.0


def copy_present(specs: Sequence[TwinSpec], store: ShardStore) -> TwinMemory:
    """Twins as they are stored at present.

    Args:
        specs: batteries to copy.
        store: a store of its own, of which only reading methods are called; it takes nothing over.

    Raises:
        StoreUnavailableError: the database is away.
    """
    stepper = _stepper(specs)
    memory = TwinMemory.blank(stepper.parameters)
    restore_twins(memory, stepper, np.array([spec.battery_key for spec in specs], np.int32), store)
    return memory


def copy_past(specs: Sequence[TwinSpec], replayer: TwinReplayer, moment: Moment) -> TwinMemory:
    """Twins as they were at a moment.

    Raises:
        StoreUnavailableError: the database is away.
    """
    parameters = FilterParameters.from_specs(specs)
    memory = TwinMemory.blank(parameters)
    for twin, spec in enumerate(specs):
        memory.from_bytes(twin, *replayer.state_at(spec, moment), parameters)
    return memory


def copy_of_nothing(specs: Sequence[TwinSpec], time_us: int) -> TwinMemory:
    """Twins of which only data sheet and day of installation are known: on float in a room of 25 degC."""
    stepper = _stepper(specs)
    memory = TwinMemory.blank(stepper.parameters)
    twins = np.arange(len(specs), dtype=np.int32)
    rows = np.zeros(len(specs), READING_DTYPE)
    rows["twin"] = twins
    rows["sample_time_us"] = time_us
    rows["voltage_v"] = [spec.datasheet.float_v for spec in specs]
    rows["temperature_c"] = _ROOM_C
    rows["internal_resistance_mohm"] = np.nan
    rows["status"] = pack_status(Flag(0), 0)
    stepper.step(memory, twins, rows, judged=False)
    return memory


def describe(specs: Sequence[TwinSpec], memory: TwinMemory) -> Rows:
    """What a plant is fitted to: `TWIN_COPY_DTYPE`, shape `(n_twins,)`."""
    x = state_records(memory.state)
    p = FilterParameters.from_specs(specs).of_twins
    copies = np.zeros(len(specs), TWIN_COPY_DTYPE)
    copies["as_of_us"] = x["sample_time_us"]
    copies["installed_us"] = x["installed_us"]
    copies["on_float"] = x["regime"] == _FLOAT
    copies["soc"], copies["soc_sigma"] = x["soc"], np.sqrt(x["p00"])
    begun = x["sample_time_us"] > 0.0
    copies["soh_capacity"] = np.where(begun, x["told_soh_capacity"], x["soh_capacity"])
    copies["soh_capacity_sigma"] = np.sqrt(np.where(begun, x["told_soh_capacity_var"], x["p44"]))
    copies["r0_ohm"], copies["r0_sigma_ohm"] = x["r0_ohm"], np.sqrt(x["p33"])
    copies["instrument_mohm"] = np.where(x["resistance_count"] > 0.0, x["resistance_mean"], np.nan)
    at_25c = p["cells"] * p["gas_u0_v_cell"] + x["float_marker"] * p["volts_per_marker"]
    copies["float_v"] = at_25c + p["compensation_v_k"] * (x["temperature_c"] - _ROOM_C)
    copies["float_sigma_v"] = np.sqrt(x["float_marker_var"]) * p["volts_per_marker"]
    copies["temperature_c"] = np.where(begun, x["temperature_c"], np.nan)
    copies["life_fraction"] = x["life_fraction"]
    copies["v1_v"], copies["v2_v"], copies["charge_gap"] = x["v1"], x["v2"], x["charge_gap"]
    return copies


def _stepper(specs: Sequence[TwinSpec]) -> TwinStepper:
    return TwinStepper(specs, AlertLimits(), PlausibilityLimits())
