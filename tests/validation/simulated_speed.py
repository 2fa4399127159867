"""What a year of the plant, a reading in the filter and a frame of strings cost. Runs alone; counts processor time."""

import time
import tracemalloc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numba.core.runtime import _nrt_python as _nrt  # type: ignore[attr-defined]

from actors.filter import FilterParameters, initial_state, run_filter
from batterytwin.inventory import load_fleet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, Regime, pack_status
from simulator.plant import Plant
from tests.validation.section import Context
from tests.validation.simulated_fleet import Outage, Recording, force_outages, record_string

_SEED: Final = 20_266
_START: Final = datetime(2026, 4, 1, tzinfo=UTC)
_ROUNDS: Final = 5


def measure(context: Context) -> Mapping[str, float]:
    """Nanoseconds of processor time, and allocations."""
    recording = _recording(days=2.0)
    figures = _filter_figures(recording)
    context.say(f"filter {figures['speed.filter_ns_per_reading']:.0f} ns a reading")
    return figures


def _recording(days: float) -> Recording:
    """A string on float, through an outage of an hour and its recharge."""
    inventory = load_fleet()
    plant = Plant(inventory, _SEED, _START)
    outage = Outage(_START.timestamp() + 0.3 * days * 86_400.0, 3_600.0)
    force_outages(plant, _START.timestamp(), [[outage] for _ in inventory.locations])
    return record_string(plant, inventory, _SEED, 0, _START + timedelta(days=days))


def _filter_figures(recording: Recording) -> dict[str, float]:
    apply, n_rows = prepared(recording, len(recording.time_us))
    apply()
    figures = {"speed.filter_ns_per_reading": 1e9 * _processor_s(apply) / n_rows}
    for kind in (Regime.FLOAT, Regime.DISCHARGE, Regime.RECHARGE):
        mine = recording.regime == int(kind)
        figures[f"speed.filter_{kind.name.lower()}_share_percent"] = 100.0 * float(mine.mean())
    # what a call costs once is not a reading's: compare a call with one of half as many
    half, n_half = prepared(recording, len(recording.time_us) // 2)
    compiled, python = (whole - part for whole, part in zip(_allocations(apply), _allocations(half), strict=True))
    figures["speed.filter_compiled_allocations_per_reading"] = compiled / (n_rows - n_half)
    figures["speed.filter_python_bytes_per_reading"] = python / (n_rows - n_half)
    return figures


def prepared(recording: Recording, n_visits: int) -> tuple[Callable[[], None], int]:
    """A call that applies the first visits to new twins, everything prepared, and how many readings that are."""
    parameters = FilterParameters.from_specs(recording.specs)
    mine, n_blocks = slice(n_visits), recording.voltage_v.shape[1]
    block = np.tile(np.arange(n_blocks, dtype=np.int32), n_visits)
    status = np.repeat(pack_status(0, recording.mode[mine].astype(np.int16)), n_blocks).astype(np.int16)
    columns: list[Any] = [
        np.repeat(recording.time_us[mine], n_blocks),
        recording.voltage_v[mine].ravel(),
        np.repeat(recording.current_a[mine], n_blocks),
        recording.temperature_c[mine].ravel(),
        recording.resistance_mohm[mine].ravel(),
    ]
    estimates = np.empty((len(block), len(LIVE_ESTIMATE_COLUMNS)), np.float32)
    first = initial_state(parameters)
    state = first.copy()

    def apply() -> None:
        state[:] = first
        run_filter(state, parameters, block, block, *columns, status, estimates)  # type: ignore[call-arg]

    return apply, len(block)


def _processor_s(call: Callable[[], None]) -> float:
    """Least processor time of a call over some rounds, s: what disturbs it only adds."""
    spent = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        call()
        spent.append(time.thread_time() - began)
    return min(spent)


def _allocations(call: Callable[[], None]) -> tuple[int, int]:
    """What a call allocates: blocks of memory by the compiled code, whose runtime counts them, and bytes by Python."""
    _nrt.memsys_enable_stats()
    before = _nrt.memsys_get_stats_alloc()
    call()
    compiled = _nrt.memsys_get_stats_alloc() - before
    _nrt.memsys_disable_stats()
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return compiled, peak
